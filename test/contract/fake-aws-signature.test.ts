import { DescribeLogGroupsCommand, UnrecognizedClientException } from "@aws-sdk/client-cloudwatch-logs"
import { GetSamplingRulesCommand } from "@aws-sdk/client-xray"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { type Endpoint, sdkClients } from "../fake/aws/clients.ts"
import { type FakeAws, startFakeAws } from "../fake/aws/fake-aws.ts"
import { signedFetch, signedHeaders } from "../fake/aws/signed-fetch.ts"

const MINUTE_MS = 60_000
let shiftMs = 0
let fake: FakeAws

beforeAll(async () => {
  fake = await startFakeAws({ clock: { now: () => Date.now() + shiftMs } })
})
beforeEach(() => {
  shiftMs = 0
})
afterAll(() => fake.stop())

/** What a client with other settings is told: the error's name, its HTTP status and its text. */
async function told(
  change: Partial<Endpoint>,
): Promise<{ name: string; status: number; message: string } | undefined> {
  const clients = sdkClients({ ...fake, ...change })
  try {
    await clients.logs.send(new DescribeLogGroupsCommand({}))
    return undefined
  } catch (error) {
    const { name, message, $metadata } = error as Error & { $metadata: { httpStatusCode: number } }
    return { name, message, status: $metadata.httpStatusCode }
  } finally {
    clients.destroy()
  }
}

describe("a signature", () => {
  test("by the SDK with the right credentials is taken, by each of its protocols", async () => {
    const clients = sdkClients(fake)
    await expect(clients.logs.send(new DescribeLogGroupsCommand({}))).resolves.toMatchObject({
      logGroups: [],
    })
    await expect(clients.xray.send(new GetSamplingRulesCommand({}))).resolves.toMatchObject({
      SamplingRuleRecords: [{ SamplingRule: { RuleName: "Default" } }],
    })
    clients.destroy()
  })

  test("with an unknown key is the SDK's UnrecognizedClientException", async () => {
    const clients = sdkClients({ ...fake, credentials: { ...fake.credentials, accessKeyId: "AKIDOTHER" } })
    await expect(clients.logs.send(new DescribeLogGroupsCommand({}))).rejects.toBeInstanceOf(
      UnrecognizedClientException,
    )
    clients.destroy()
  })

  test.each([
    ["without the session token", { sessionToken: undefined }, "UnrecognizedClientException"],
    ["with another session token", { sessionToken: "old" }, "UnrecognizedClientException"],
    ["with another secret", { secretAccessKey: "wrong" }, "InvalidSignatureException"],
  ])("%s is refused", async (_what, change, name) => {
    const { sessionToken, ...rest } = { ...fake.credentials, ...change }
    const credentials = sessionToken === undefined ? rest : { ...rest, sessionToken }
    expect(await told({ credentials })).toMatchObject({ name, status: 400 })
  })

  test("for another region is refused", async () => {
    expect(await told({ region: "us-east-1" })).toMatchObject({
      name: "InvalidSignatureException",
      message: expect.stringContaining("valid region"),
    })
  })

  test.each([
    ["almost 5 minutes old", 5 * MINUTE_MS - 20_000],
    ["almost 5 minutes ahead", -5 * MINUTE_MS + 20_000],
  ])("that is %s is taken", async (_what, shift) => {
    shiftMs = shift
    expect(await told({})).toBeUndefined()
  })

  test.each([
    ["older", 5 * MINUTE_MS + 20_000, "Signature expired"],
    ["further ahead", -5 * MINUTE_MS - 20_000, "Signature not yet current"],
  ])("that is %s is refused", async (_what, shift, message) => {
    shiftMs = shift
    const error = await told({})
    expect(error).toMatchObject({
      name: "InvalidSignatureException",
      message: expect.stringContaining(message),
    })
  })

  test("is checked against the `date` header's clock, so a client can set its own by it", async () => {
    shiftMs = 3_600_000
    const response = await fetch(fake.url, { method: "POST" })
    expect(Math.abs(Date.parse(response.headers.get("date") ?? "") - Date.now() - shiftMs)).toBeLessThan(
      20_000,
    )
  })
})

const rules = { path: "/GetSamplingRules", headers: { "content-type": "application/json" }, body: "{}" }

/** Status, code and body of the answer to a request that was changed after it was signed. */
const changed = async (
  change: (headers: Record<string, string>) => object,
  body = rules.body,
): Promise<string> => {
  const { host: _host, ...headers } = await signedHeaders(fake, { ...rules, service: "xray" })
  const response = await fetch(`${fake.url}${rules.path}`, {
    method: "POST",
    headers: { ...headers, ...change(headers) },
    body,
  })
  return `${response.status} ${response.headers.get("x-amzn-errortype")} ${await response.text()}`
}

describe("a request", () => {
  test("signed for another service is refused, with 403 where the API is REST", async () => {
    const right = await signedFetch(fake, { ...rules, service: "xray" })
    expect(right.status).toBe(200)
    const wrong = await signedFetch(fake, { ...rules, service: "logs" })
    expect(wrong.status).toBe(403)
    expect(wrong.headers.get("x-amzn-errortype")).toBe("InvalidSignatureException")
    expect(await wrong.json()).toEqual({ Message: "Credential should be scoped to correct service: 'xray'." })
  })

  test("is refused when anything that is signed was changed after", async () => {
    expect(await changed(() => ({}))).toContain("200")
    expect(await changed(() => ({}), "{ }")).toContain("hash of the body")
    expect(await changed(() => ({ "content-type": "text/plain" }))).toContain("does not match")
    expect(await changed(() => ({ "x-amz-extra": "1" }))).toContain("'x-amz-extra' must be a 'SignedHeader'")
    expect(
      await changed(({ authorization = "" }) => ({ authorization: authorization.slice(0, -1) })),
    ).toContain("403 IncompleteSignatureException")
    expect(await changed(() => ({ "x-amz-content-sha256": "UNSIGNED-PAYLOAD" }))).toContain(
      "hash of the body",
    )
  })

  test("without a signature, or to where nothing is, is refused", async () => {
    const unsigned = await fetch(`${fake.url}/TraceSegments`, { method: "POST", body: "{}" })
    expect(unsigned.headers.get("x-amzn-errortype")).toBe("MissingAuthenticationTokenException")
    const unknown = await fetch(`${fake.url}/nothing`, { method: "POST" })
    expect(unknown.status).toBe(404)
    expect(fake.requests.at(-1)).toMatchObject({
      api: undefined,
      status: 404,
      code: "UnknownOperationException",
    })
  })

  test("with a query is signed with it", async () => {
    const { host: _host, ...headers } = await signedHeaders(fake, { ...rules, service: "xray" })
    const response = await fetch(`${fake.url}${rules.path}?a=1`, {
      method: "POST",
      headers,
      body: rules.body,
    })
    expect(response.status).toBe(403)
  })
})
