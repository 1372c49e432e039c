import { createServer, type ServerResponse } from "node:http"
import { CloudWatchLogsClient, PutLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs"
import { afterAll, beforeAll, expect, test } from "vitest"
import { awsTrouble } from "../../agent/publish/aws/sdk-trouble.ts"
import { answerTrouble, exceptionName } from "../../agent/publish/aws/trouble.ts"
import { type Loopback, onLoopback } from "../fixtures/http/loopback.ts"

/** What the SDK's own client makes of answers, and what we make of that. */
let answer: (response: ServerResponse) => void
const server = createServer((request, response) => {
  request.resume()
  request.on("end", () => answer(response))
})
let endpoint = ""
let loopback: Loopback
const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" }

beforeAll(async () => {
  loopback = await onLoopback(server)
  endpoint = loopback.url
})
afterAll(() => loopback.stop())

async function put(config: ConstructorParameters<typeof CloudWatchLogsClient>[0] = {}, signal?: AbortSignal) {
  const client = new CloudWatchLogsClient({
    region: "eu-west-1",
    credentials,
    endpoint,
    maxAttempts: 1,
    ...config,
  })
  const logEvents = [{ timestamp: 1, message: "x" }]
  try {
    await client.send(
      new PutLogEventsCommand({ logGroupName: "g", logStreamName: "s", logEvents }),
      signal === undefined ? {} : { abortSignal: signal },
    )
  } catch (error) {
    return awsTrouble(error)
  } finally {
    client.destroy()
  }
  throw new Error("it was taken")
}

const noRegion = (): Promise<string> => Promise.reject(new Error("Region is missing"))

const json = (status: number, type: string, message = "says AWS", headers = {}) =>
  function write(response: ServerResponse) {
    response.writeHead(status, { "content-type": "application/x-amz-json-1.1", ...headers })
    response.end(JSON.stringify({ __type: type, message }))
  }
const page = (status: number) =>
  function write(response: ServerResponse) {
    response.writeHead(status, { "content-type": "text/html" })
    response.end("<html>no</html>")
  }

test.each([
  [json(400, "ThrottlingException", "Rate exceeded"), "throttles"],
  [json(503, "ServiceUnavailableException"), "trouble of its own"],
  [json(400, "InternalFailure"), "trouble of its own"],
  [page(500), "trouble of its own"],
  [page(200), "no answer of AWS"],
  [page(400), "no answer of AWS"],
  [page(404), "no answer of AWS"],
  [page(302), "no answer of AWS"],
  [page(403), "do not allow"],
  [
    json(400, "AccessDeniedException", "User: arn is not authorized to perform: logs:PutLogEvents"),
    "logs:Put",
  ],
  [json(400, "InvalidSignatureException", "Signature expired: 2020 is now earlier than 2026"), "clock"],
  [json(403, "RequestTimeTooSkewed"), "clock"],
  [json(403, "InvalidSignatureException", "The signature we calculated does not match"), "does not accept"],
  [json(400, "UnrecognizedClientException"), "does not accept"],
  [json(400, "ExpiredTokenException"), "have expired"],
  [json(400, "LimitExceededException"), "Service Quotas"],
])("%#: tried again, because of %s", async (write, words) => {
  answer = write
  const trouble = await put()
  expect(trouble).toMatchObject({ kind: "retry" })
  expect(trouble.why).toContain(words)
})

test("what only the records can have done wrong is refused for good", async () => {
  answer = json(400, "InvalidParameterException", "not in chronological order")
  expect(await put()).toEqual({
    kind: "rejected",
    reason: "invalid",
    why: "InvalidParameterException: not in chronological order",
  })
})

test("what is not there is missing", async () => {
  answer = json(400, "ResourceNotFoundException", "The specified log group does not exist.")
  expect(await put()).toMatchObject({ kind: "missing" })
})

test("a receiver's wish to wait is passed on", async () => {
  answer = json(429, "TooManyRequestsException", "slow", { "retry-after": "7" })
  expect(await put()).toMatchObject({ kind: "retry", afterMs: 7000 })
})

test("what signs is looked for again after trouble with credentials alone", async () => {
  answer = json(400, "ExpiredTokenException")
  expect(await put()).toMatchObject({ credentials: true })
  answer = json(400, "ThrottlingException")
  expect(await put()).not.toHaveProperty("credentials")
})

test("without an answer the sentence says what to do", async () => {
  answer = (response) => response.destroy()
  expect((await put()).why).toContain("cannot be reached")
  expect((await put({ endpoint: "http://127.0.0.1:1" })).why).toContain("cannot be reached")
  expect((await put({ endpoint: "http://no.such.name.invalid" })).why).toContain("check DNS")
  expect((await put({ region: noRegion })).why).toContain("AWS_REGION")
  answer = () => {}
  expect((await put({}, AbortSignal.timeout(50))).why).toContain("in time")
})

test("no credentials", async () => {
  const { defaultProvider } = await import("@aws-sdk/credential-provider-node")
  const none = defaultProvider({
    profile: "there-is-none",
    filepath: "/dev/null",
    configFilepath: "/dev/null",
  })
  const trouble = await put({ credentials: none })
  expect(trouble).toMatchObject({ kind: "retry", credentials: true })
  expect(trouble.why).toContain("AWS_ACCESS_KEY_ID")
})

test("answers of endpoints that are asked without the SDK", () => {
  expect(answerTrouble({ status: 400, name: "", message: "bad" })).toMatchObject({ kind: "rejected" })
  expect(answerTrouble({ status: 413, name: "", message: "" })).toMatchObject({ reason: "too_large" })
  expect(exceptionName("com.amazonaws.logs#InvalidParameterException")).toBe("InvalidParameterException")
  expect(exceptionName("ThrottlingException:http://internal.amazon.com/coral/")).toBe("ThrottlingException")
})

test("what is told is one bounded line", () => {
  const trouble = awsTrouble(new Error(`a\u001b[2J\nb${"c".repeat(5000)}`))
  expect(trouble.why).toMatch(/^[\x20-\x7e]{1,410}$/)
  expect(awsTrouble("thrown")).toMatchObject({ kind: "retry", why: "thrown" })
})
