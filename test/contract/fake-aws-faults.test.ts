import {
  PutLogEventsCommand,
  type PutLogEventsCommandOutput,
  ThrottlingException,
} from "@aws-sdk/client-cloudwatch-logs"
import { afterEach, beforeEach, expect, test } from "vitest"
import { type SdkClients, sdkClients } from "../fake/aws/clients.ts"
import { type FakeAws, startFakeAws } from "../fake/aws/fake-aws.ts"

let fake: FakeAws
let clients: SdkClients

/** Stands still, so that a second is not over too soon. */
const NOW = Date.now()

beforeEach(async () => {
  fake = await startFakeAws({ clock: { now: () => NOW }, ceilings: { "logs:PutLogEvents": 5 } })
  fake.logs.create("g", "s")
  clients = sdkClients(fake)
})
afterEach(async () => {
  clients.destroy()
  await fake.stop()
})

const put = (
  messages: string[] = ["a"],
  abortSignal = AbortSignal.timeout(5000),
): Promise<PutLogEventsCommandOutput> => {
  const logEvents = messages.map((message) => ({ timestamp: NOW, message }))
  return clients.logs.send(new PutLogEventsCommand({ logGroupName: "g", logStreamName: "s", logEvents }), {
    abortSignal,
  })
}

const stored = (): string[] => fake.logs.events("g").map(({ message }) => message)

test("throttling, as often as told, with Retry-After where wanted", async () => {
  fake.fail("logs:PutLogEvents", { kind: "throttle", retryAfterSeconds: 3 }, 2)
  for (let call = 0; call < 2; call++) {
    const error = await put().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ThrottlingException)
    expect(error).toMatchObject({
      $metadata: { httpStatusCode: 400 },
      $response: { headers: { "retry-after": "3" } },
    })
  }
  await put()
  expect(stored()).toEqual(["a"])
  expect(fake.requests.map(({ api, status, code }) => [api, status, code])).toEqual([
    ["logs:PutLogEvents", 400, "ThrottlingException"],
    ["logs:PutLogEvents", 400, "ThrottlingException"],
    ["logs:PutLogEvents", 200, undefined],
  ])
})

test("errors, until told otherwise; the newest rule that fits counts", async () => {
  const recover = fake.fail("*", { kind: "error", status: 503, code: "ServiceUnavailableException" })
  fake.fail("logs:*", { kind: "error" }, 1)
  fake.fail("xray:*", { kind: "throttle" })
  await expect(put()).rejects.toMatchObject({ name: "InternalFailure", $metadata: { httpStatusCode: 500 } })
  await expect(put()).rejects.toMatchObject({ name: "ServiceUnavailableException", $fault: "server" })
  recover()
  await put()
  expect(stored()).toEqual(["a"])
})

test("a dropped connection before anything, and one after all is done", async () => {
  fake.fail("logs:PutLogEvents", { kind: "drop" }, 1)
  await expect(put(["a"])).rejects.toMatchObject({ code: "ECONNRESET" })
  expect(stored()).toEqual([])
  fake.fail("logs:PutLogEvents", { kind: "lose" }, 1)
  await expect(put(["b"])).rejects.toMatchObject({ code: "ECONNRESET" })
  expect(stored()).toEqual(["b"])
})

test("no answer, and a late one", async () => {
  const recover = fake.fail("logs:PutLogEvents", { kind: "hang" })
  await expect(put(["a"], AbortSignal.timeout(200))).rejects.toMatchObject({ name: "AbortError" })
  recover()
  fake.fail("logs:PutLogEvents", { kind: "slow", ms: 300 }, 1)
  const started = performance.now()
  await put(["b"])
  expect(performance.now() - started).toBeGreaterThan(290)
  expect(stored()).toEqual(["b"])
})

test("the first events of a batch", async () => {
  fake.fail("logs:PutLogEvents", { kind: "refuse", first: 2 }, 1)
  expect((await put(["a", "b", "c"])).rejectedLogEventsInfo).toEqual({ tooOldLogEventEndIndex: 2 })
  expect(stored()).toEqual(["c"])
})

test("a ceiling of calls a second", async () => {
  const calls = await Promise.allSettled(Array.from({ length: 8 }, () => put()))
  const refused = calls.filter(({ status }) => status === "rejected")
  expect(refused).toHaveLength(3)
})

test("stop ends calls that hang", async () => {
  fake.fail("*", { kind: "hang" })
  const call = put().catch(() => "ended")
  await expect.poll(() => fake.requests.length).toBe(1)
  await fake.stop()
  expect(await call).toBe("ended")
  fake = await startFakeAws()
})

test("a process finds it by its environment", () => {
  expect(fake.env).toMatchObject({
    AWS_ENDPOINT_URL: fake.url,
    AWS_REGION: "eu-west-1",
    AWS_ACCESS_KEY_ID: fake.credentials.accessKeyId,
    AWS_SESSION_TOKEN: fake.credentials.sessionToken,
  })
})
