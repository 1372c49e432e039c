import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs"
import { expect, onTestFinished, test } from "vitest"
import { systemClock } from "#mesh/clock.ts"
import { rejectedEvents } from "../../agent/publish/cloudwatch-logs/rejected-events.ts"
import {
  type CloudWatchLogsSinkConfig,
  makeCloudWatchLogsSink,
} from "../../agent/publish/cloudwatch-logs/sink.ts"
import type { QueueRecord, WriteResult } from "../../agent/publish/contract.ts"
import { DEFAULT_DELIVERY, Delivery } from "../../agent/publish/delivery/delivery.ts"
import { makeMemoryQueue } from "../../agent/publish/delivery/memory-queue.ts"
import { type FakeAws, type FakeAwsOptions, startFakeAws } from "../fake/aws/fake-aws.ts"

/** The real SDK's client against the strict fake. */
const HOUR = 3_600_000
const DAY = 24 * HOUR
const GROUP = "/meshscope/yelb/access"
const STREAM = "node-1"
const CONFIG: CloudWatchLogsSinkConfig = {
  stream: STREAM,
  create: true,
  retentionDays: 30,
  class: "INFREQUENT_ACCESS",
}

async function started(config: Partial<CloudWatchLogsSinkConfig> = {}, options: FakeAwsOptions = {}) {
  const fake = await startFakeAws(options)
  const client = (aws: FakeAws) =>
    makeCloudWatchLogsSink(
      { ...CONFIG, ...config },
      {
        client: (base) =>
          Promise.resolve(
            new CloudWatchLogsClient({
              ...base,
              endpoint: aws.url,
              region: aws.region,
              credentials: aws.credentials,
            }),
          ),
      },
    )
  const sink = client(fake)
  await sink.start()
  onTestFinished(async () => {
    await sink.stop()
    await fake.stop()
  })
  return { fake, sink, another: () => client(fake) }
}
const noRegion = (): Promise<string> => Promise.reject(new Error("Region is missing"))

type Started = Awaited<ReturnType<typeof started>>

const record = (message: string, ageMs = 0, key = GROUP): QueueRecord => ({
  key,
  timeMs: Date.now() - ageMs,
  count: 1,
  payload: Buffer.from(message),
})

/** Splits and writes; the result of each request. */
async function write(
  sink: Started["sink"],
  records: readonly QueueRecord[],
  nowMs = Date.now(),
): Promise<WriteResult[]> {
  const results: WriteResult[] = []
  for (const { body } of sink.split(records, nowMs).requests) {
    results.push(await sink.write(body, AbortSignal.timeout(5000)))
  }
  return results
}
const messages = (fake: FakeAws, group = GROUP): string[] =>
  fake.logs.events(group, STREAM).map(({ message }) => message)
const calls = (fake: FakeAws): string[] => fake.requests.map(({ api }) => String(api))

test("a group that is not there is made with its class and retention, and the events arrive in order", async () => {
  const { fake, sink } = await started()
  const results = await write(sink, [record('{"late":1}'), record('{"é":"😀"}', 5000)])
  expect(results).toEqual([{ kind: "accepted" }])
  expect(messages(fake)).toEqual(['{"é":"😀"}', '{"late":1}'])
  expect(fake.logs.groups.get(GROUP)).toMatchObject({ class: "INFREQUENT_ACCESS", retentionInDays: 30 })
  await write(sink, [record("again")])
  expect(calls(fake).at(-1)).toBe("logs:PutLogEvents")
  expect(calls(fake).filter((api) => api !== "logs:PutLogEvents")).toHaveLength(4)
})

test("where the group is there, only its stream is made", async () => {
  const { fake, sink } = await started({ create: false })
  fake.logs.create(GROUP)
  expect(await write(sink, [record("a")])).toEqual([{ kind: "accepted" }])
  expect(calls(fake)).toEqual(["logs:PutLogEvents", "logs:CreateLogStream", "logs:PutLogEvents"])
  expect(fake.logs.groups.get(GROUP)?.retentionInDays).toBeUndefined()
})

test("a group that may not be made: tried again, with a sentence on what to make", async () => {
  const { fake, sink } = await started({ create: false })
  const [refused] = await write(sink, [record("a")])
  expect(refused).toMatchObject({ kind: "retry" })
  expect(refused?.why).toContain(`Log group ${GROUP} does not exist`)
  expect(calls(fake)).not.toContain("logs:CreateLogGroup")
  fake.logs.create(GROUP)
  expect(await write(sink, [record("a")])).toEqual([{ kind: "accepted" }])
})

test("the right to make groups is missing: the sentence names it", async () => {
  const { fake, sink } = await started()
  fake.fail("logs:CreateLogGroup", {
    kind: "error",
    status: 400,
    code: "AccessDeniedException",
    message: "no",
  })
  const [refused] = await write(sink, [record("a")])
  expect(refused).toMatchObject({ kind: "retry" })
  expect(refused?.why).toContain("logs:CreateLogGroup")
})

test("the right to set the retention is missing: the events arrive all the same, and it is said", async () => {
  const { fake, sink } = await started()
  fake.fail("logs:PutRetentionPolicy", { kind: "error", status: 400, code: "AccessDeniedException" })
  const [result] = await write(sink, [record("a")])
  expect(result).toMatchObject({ kind: "accepted" })
  expect(result?.why).toContain("retention could not be set")
  expect(messages(fake)).toEqual(["a"])
})

test("a class that the region does not have: the events are kept, and the sentence says so", async () => {
  const { fake, sink } = await started()
  const message = "Unsupported log group class"
  fake.fail(
    "logs:CreateLogGroup",
    { kind: "error", status: 400, code: "InvalidParameterException", message },
    1,
  )
  const [refused] = await write(sink, [record("a")])
  expect(refused).toMatchObject({ kind: "retry" })
  expect(refused?.why).toContain(message)
  expect(await write(sink, [record("a")])).toEqual([{ kind: "accepted" }])
})

test("two agents that make the same group at once", async () => {
  const { fake, sink, another } = await started()
  const other = another()
  const results = await Promise.all([write(sink, [record("a")]), write(other, [record("b")])])
  expect(results.flat()).toEqual([{ kind: "accepted" }, { kind: "accepted" }])
  expect(messages(fake).toSorted()).toEqual(["a", "b"])
  await other.stop()
})

test("a group that is deleted is made again", async () => {
  const { fake, sink } = await started({ retentionDays: undefined })
  await write(sink, [record("a")])
  fake.logs.delete(GROUP)
  expect(await write(sink, [record("b")])).toEqual([{ kind: "accepted" }])
  expect(messages(fake)).toEqual(["b"])
  expect(fake.logs.groups.get(GROUP)?.retentionInDays).toBeUndefined()
})

test.each([
  ["behind", -4, [-1.97 * HOUR, 0], "too_new", 1],
  ["ahead", 4, [14 * DAY - 60_000, 13.9 * DAY], "too_old", 0],
])(
  "what a service whose clock is %s refuses is told event by event",
  async (_, minutes, ages, reason, at) => {
    const { fake, sink } = await started({}, { clock: { now: () => Date.now() + minutes * 60_000 } })
    fake.logs.create(GROUP, STREAM)
    const [result] = await write(
      sink,
      ages.toSorted((a, b) => b - a).map((age) => record(String(age), age)),
    )
    expect(result).toMatchObject({ kind: "accepted", rejected: new Map([[at, reason]]) })
    expect(result?.why).toContain(reason)
    expect(messages(fake)).toHaveLength(1)
  },
)

test("14 days, 2 hours and retention, by position", () => {
  const info = { tooOldLogEventEndIndex: 2, expiredLogEventEndIndex: 3, tooNewLogEventStartIndex: 5 }
  expect([...rejectedEvents(info, 6)]).toEqual([
    [0, "too_old"],
    [1, "too_old"],
    [2, "expired"],
    [5, "too_new"],
  ])
  expect(rejectedEvents(undefined, 6).size).toBe(0)
  expect(rejectedEvents({ tooOldLogEventEndIndex: 99 }, 2).size).toBe(2)
  expect(rejectedEvents({ tooNewLogEventStartIndex: 0 }, 2).size).toBe(2)
})

test("events that are older than the group keeps them", async () => {
  const { fake, sink } = await started()
  fake.logs.create(GROUP, STREAM).retentionInDays = 1
  const records = [
    record("expired", 25 * HOUR),
    record("expired too", 24.5 * HOUR),
    record("kept", 23 * HOUR),
  ]
  expect(await write(sink, records)).toMatchObject([
    {
      kind: "accepted",
      rejected: new Map([
        [0, "expired"],
        [1, "expired"],
      ]),
    },
  ])
  expect(messages(fake)).toEqual(["kept"])
})

test("events that are too old or too new are refused before they are sent", async () => {
  const { fake, sink } = await started()
  const { requests, refused } = sink.split([record("a", 14 * DAY + 1000), record("b", -3 * HOUR)], Date.now())
  expect(requests).toEqual([])
  expect([...refused]).toEqual([
    [0, "too_old"],
    [1, "too_new"],
  ])
  expect(fake.requests).toEqual([])
})

test("a throttled call is tried again, and a fault of the service too", async () => {
  const { fake, sink } = await started()
  fake.logs.create(GROUP, STREAM)
  fake.fail("logs:PutLogEvents", { kind: "throttle" }, 1)
  fake.fail("logs:PutLogEvents", { kind: "error" }, 1)
  const [fault] = await write(sink, [record("a")])
  const [throttled] = await write(sink, [record("a")])
  expect([fault?.kind, throttled?.kind]).toEqual(["retry", "retry"])
  expect(throttled?.why).toContain("throttles")
  expect(await write(sink, [record("a")])).toEqual([{ kind: "accepted" }])
})

test("the service is asked once: to try again is not the SDK's work", async () => {
  const { fake, sink } = await started()
  fake.fail("*", { kind: "error" })
  await write(sink, [record("a")])
  expect(fake.requests).toHaveLength(1)
})

test("what only our request can have done wrong is refused for good", async () => {
  const { sink } = await started()
  const [result] = await write(sink, [record("a", 0, "not a name")])
  expect(result).toMatchObject({ kind: "rejected", reason: "invalid" })
})

test("an answer that does not come ends with the signal", async () => {
  const { fake, sink } = await started()
  fake.fail("*", { kind: "hang" })
  const [request] = sink.split([record("a")], Date.now()).requests
  if (request === undefined) throw new Error("no request")
  expect(await sink.write(request.body, AbortSignal.timeout(100))).toMatchObject({ kind: "retry" })
})

test("the largest requests that the limits allow are taken", async () => {
  const { fake, sink } = await started()
  const large = Array.from({ length: 5 }, (_, index) => record("x".repeat(300_000), index))
  const many = Array.from({ length: 10_001 }, (_, index) => record("é", index, "/many"))
  const largest = [record("x".repeat(1_048_550), 0, "/one")]
  const apart = [record("a", 0, "/apart"), record("b", DAY, "/apart"), record("c", 2 * DAY - 1, "/apart")]
  const results = await write(sink, [...large, ...many, ...largest, ...apart])
  expect(results.map(({ kind }) => kind)).toEqual(results.map(() => "accepted"))
  expect(results.length).toBe(2 + 2 + 1 + 2)
  expect(fake.logs.events("/many")).toHaveLength(10_001)
})

test("behind delivery, over faults of all kinds: every event arrives, or is counted by its reason", async () => {
  const { fake, sink } = await started()
  fake.logs.create(GROUP)
  // Two calls find no stream.
  fake.fail("logs:PutLogEvents", { kind: "refuse", first: 2 }, 3)
  fake.fail("logs:PutLogEvents", { kind: "drop" }, 1)
  fake.fail("logs:PutLogEvents", { kind: "throttle" }, 1)
  fake.fail("logs:CreateLogStream", { kind: "error", status: 503, code: "ServiceUnavailableException" }, 1)
  const queue = makeMemoryQueue<QueueRecord>({ maxBytes: 1e6, maxRecords: 1000 })
  const backoff = { firstMs: 5, mostMs: 20 }
  const config = { ...DEFAULT_DELIVERY, backoff }
  const delivery = new Delivery(config, { queue, sink, clock: systemClock, random: () => 0.5 })
  await delivery.start()
  for (let index = 0; index < 50; index++) queue.offer(record(`event ${index}`, 50 - index))
  queue.offer(record("old", 15 * DAY))
  queue.offer(record("new", -3 * HOUR))
  await expect.poll(() => queue.counters.held, { timeout: 5000 }).toBe(0)
  await delivery.stop(1000)
  const { offered, delivered, dropped } = queue.counters
  expect({ offered, delivered }).toEqual({ offered: 52, delivered: 48 })
  expect(Object.fromEntries(dropped)).toEqual({ too_old: 3, too_new: 1 })
  expect(messages(fake)).toEqual(Array.from({ length: 48 }, (_, index) => `event ${index + 2}`))
})

test("without region and credentials the sink starts, and says what is missing", async () => {
  const sink = makeCloudWatchLogsSink(CONFIG, {
    client: (base) => Promise.resolve(new CloudWatchLogsClient({ ...base, region: noRegion })),
  })
  await sink.start()
  const [result] = await write(sink, [record("a")])
  expect(result).toMatchObject({ kind: "retry" })
  expect(result?.why).toContain("AWS_REGION")
  await sink.stop()
})
