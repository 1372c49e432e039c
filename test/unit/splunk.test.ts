import { setTimeout as sleep } from "node:timers/promises"
import { expect, onTestFinished, test } from "vitest"
import { systemClock } from "#mesh/clock.ts"
import { openLedger } from "../../agent/account/ledger.ts"
import type { QueueRecord } from "../../agent/publish/contract.ts"
import { DEFAULT_DELIVERY, Delivery } from "../../agent/publish/delivery/delivery.ts"
import { makeMemoryQueue } from "../../agent/publish/delivery/memory-queue.ts"
import { hecResult, readAcks, readHecAnswer } from "../../agent/publish/splunk/hec-answer.ts"
import { makeHecEnvelope } from "../../agent/publish/splunk/hec-envelope.ts"
import { type HecSinkConfig, makeHecSink } from "../../agent/publish/splunk/hec-sink.ts"
import { makeHecLineProducer } from "../../agent/publish/splunk/line-producer.ts"
import { makeMetricEvents } from "../../agent/publish/splunk/metric-events.ts"
import { type FakeHecOptions, startFakeHec } from "../fake/splunk/fake-hec.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"
import { factOf, PROXY, resolutionOf } from "./line-facts.ts"

const PLACE = { host: "node-1", source: "meshscope", sourcetype: "meshscope:access", index: "main" }
const CHANNEL = "0aeeac95-ac74-4aa9-b30d-6c4c0ac581ba"

async function collector(options: FakeHecOptions = {}) {
  const hec = await startFakeHec(options)
  onTestFinished(() => hec.stop())
  const sinkOf = (own: Partial<HecSinkConfig> = {}) => {
    const sink = makeHecSink(
      {
        endpoint: hec.url,
        headers: () => Promise.resolve({ authorization: `Splunk ${hec.token}` }),
        channel: CHANNEL,
        maxBytes: 1_000_000,
        timeoutMs: 5000,
        ackTimeoutMs: 5000,
        ackIntervalMs: 10,
        ...own,
      },
      { clock: systemClock },
    )
    onTestFinished(() => sink.stop())
    return sink
  }
  return { hec, sinkOf }
}

function collected() {
  const records: QueueRecord[] = []
  const outbox = {
    append: (key: string, timeMs: number, payload: Uint8Array, count = 1) =>
      void records.push({ key, timeMs, count, payload: Buffer.from(payload) }),
  }
  return { records, outbox }
}

const event = (json: string, timeMs = 1_760_000_000_123): QueueRecord => ({
  key: "",
  timeMs,
  count: 1,
  payload: Buffer.from(makeHecEnvelope(PLACE).wrap(timeMs, Buffer.from(json))),
})
const bad = (text: string): QueueRecord => ({ ...event("1"), payload: Buffer.from(text) })
const write = async (sink: ReturnType<typeof makeHecSink>, records: readonly QueueRecord[]) => {
  const results = []
  for (const { body } of sink.split(records, Date.now()).requests)
    results.push(await sink.write(body, AbortSignal.timeout(10_000)))
  return results
}

test("access lines arrive at their own time, in their place", async () => {
  const { hec, sinkOf } = await collector()
  const { records, outbox } = collected()
  const producer = makeHecLineProducer(
    { place: PLACE, cluster: "prod", healthChecks: "drop", sample2xx: 1, query: "drop" },
    { outbox, now: Date.now },
  )
  for (const path of ["/one", '/t"wo\u0007'])
    producer.line(
      factOf({ startTime: "2026-11-21T18:29:59.501Z", path }, { code: 200 }),
      resolutionOf(),
      PROXY,
    )
  producer.line(factOf({}, { code: 200 }), resolutionOf({ kind: "health_check" }), PROXY)
  expect(producer.leftOut).toEqual({ health_check: 1, sampled: 0 })
  expect(await write(sinkOf(), records)).toEqual([{ kind: "accepted" }])
  expect(hec.events).toMatchObject([
    {
      ...PLACE,
      time: Date.parse("2026-11-21T18:29:59.501Z") / 1000,
      event: { path: "/one", virtual_node: "appserver-v1" },
    },
    { event: { mesh: "yelb" } },
  ])
})

test("metrics arrive as the ledger has them, sum and count of a histogram in one event", async () => {
  const { hec, sinkOf } = await collector()
  hec.allowIndex("mesh_metrics")
  const { records, outbox } = collected()
  const ledger = openLedger({ folder: temporaryFolder(), clock: systemClock, common: { mesh: "yelb" } })
  onTestFinished(() => ledger.close())
  const { snapshot } = ledger
  const made = makeMetricEvents(
    { place: { ...PLACE, index: "mesh_metrics" }, dimensions: { agent: "node-1" }, fullEveryMs: 1e9 },
    { snapshot, clock: systemClock, outbox },
  )
  ledger.add(ledger.slot("requests", { route: "a", source: "ui" }), 7)
  ledger.add(ledger.slot("requestBytes", { route: 'q"uote\\' }), 1.5e9)
  ledger.add(ledger.slot("responseBytes", { route: 'q"uote\\' }), 2)
  ledger.observe(ledger.slot("duration", { route: "b" }), 0.3, 4)
  ledger.commit()
  await made.tick()
  expect(records.reduce((sum, { count }) => sum + count, 0)).toBe(1 + 2 + 19)
  expect(records).toHaveLength(1 + 2 + 18)
  expect(await write(sinkOf(), records)).toEqual([{ kind: "accepted" }])
  const fields = hec.events.map((one) => one.fields)
  expect(fields).toContainEqual({
    "metric_name:mesh_requests_total": 7,
    agent: "node-1",
    mesh: "yelb",
    route: "a",
    caller: "ui",
  })
  expect(fields).toContainEqual(
    expect.objectContaining({ "metric_name:mesh_request_bytes_total": 1.5e9, route: 'q"uote\\' }),
  )
  expect(fields).toContainEqual(
    expect.objectContaining({ "metric_name:mesh_request_duration_seconds_bucket": 4, le: "+Inf" }),
  )
  expect(fields).toContainEqual(
    expect.objectContaining({ "metric_name:mesh_request_duration_seconds_bucket": 0, le: "0.25" }),
  )
  expect(fields).toContainEqual(
    expect.objectContaining({
      "metric_name:mesh_request_duration_seconds_sum": 1.2,
      "metric_name:mesh_request_duration_seconds_count": 4,
    }),
  )
  records.length = 0
  ledger.add(ledger.slot("requests", { route: "a", source: "ui" }), 1)
  ledger.commit()
  await made.tick()
  await made.tick()
  expect(records).toHaveLength(1)
})

test("an event that cannot be taken is refused alone, the rest is sent again", async () => {
  const { hec, sinkOf } = await collector({ keepsBefore: false })
  const sink = sinkOf()
  const queue = makeMemoryQueue<QueueRecord>({ maxBytes: 1e6, maxRecords: 100 })
  const delivery = new Delivery(
    { ...DEFAULT_DELIVERY, backoff: { firstMs: 1, mostMs: 2 } },
    { queue, sink, clock: systemClock, random: Math.random },
  )
  for (const one of [
    event('{"a":1}'),
    bad('{"event":""}'),
    event('{"a":2}'),
    bad("{not json}"),
    bad('{"time":1}'),
    event('{"a":3}'),
  ])
    queue.offer(one)
  await delivery.start()
  await expect.poll(() => delivery.counters.held).toBe(0)
  await delivery.stop(1000)
  expect(hec.events.map((one) => one.event)).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }])
  expect(delivery.counters).toMatchObject({ offered: 6, delivered: 3 })
  expect([...delivery.counters.dropped]).toEqual([["invalid", 3]])
})

test("a request is within the limit, and what is larger by itself is refused", async () => {
  const { hec, sinkOf } = await collector({ maxContentLength: 4000 })
  const sink = sinkOf({ maxBytes: 4000 })
  const records = [900, 900, 3990, 900, 5000, 2500, 900].map((size) =>
    event(JSON.stringify("x".repeat(size - 130))),
  )
  const { refused } = sink.split(records, Date.now())
  expect([...refused]).toEqual([[4, "too_large"]])
  expect(await write(sink, records)).toEqual(Array.from({ length: 4 }, () => ({ kind: "accepted" })))
  expect(hec.events).toHaveLength(6)
})

test("with acknowledgement a request is accepted when the index has it, several at once", async () => {
  const { hec, sinkOf } = await collector({ useAck: true })
  const sink = sinkOf()
  const done: string[] = []
  const writes = ["1", "2", "3"].map(async (json) => {
    const results = await write(sink, [event(json)])
    done.push(json)
    return results
  })
  await expect.poll(() => hec.requests).toBe(3)
  await sleep(50)
  expect(done).toEqual([])
  hec.index()
  expect(await Promise.all(writes)).toEqual([1, 2, 3].map(() => [{ kind: "accepted" }]))
  expect(hec.events).toHaveLength(3)
})

test("what is not acknowledged in time is sent again", async () => {
  const { hec, sinkOf } = await collector({ useAck: true })
  const sink = sinkOf({ ackTimeoutMs: 60 })
  const first = write(sink, [event("1")])
  await expect.poll(() => hec.requests, { interval: 5 }).toBe(1)
  hec.index("lose")
  expect(await first).toEqual([{ kind: "retry", why: expect.stringContaining("sent again") }])
  // This time the index is not too late, however busy the machine is.
  const second = write(sinkOf({ ackTimeoutMs: 5000 }), [event("1")])
  await expect.poll(() => hec.requests, { interval: 5 }).toBe(2)
  hec.index()
  expect(await second).toEqual([{ kind: "accepted" }])
  const hurried = sinkOf({ ackTimeoutMs: 0 })
  expect(await write(hurried, [event("2")])).toEqual([{ kind: "accepted" }])
})

test("a wrong token and a forbidden index are told, and events wait until they are put right", async () => {
  const { hec, sinkOf } = await collector()
  let token = "00000000-0000-0000-0000-000000000000"
  const sink = sinkOf({ headers: () => Promise.resolve({ authorization: `Splunk ${token}` }) })
  expect(await write(sink, [event("1")])).toEqual([
    { kind: "retry", why: expect.stringMatching(/does not know the token/) },
  ])
  token = hec.token
  const elsewhere = { ...event("1"), payload: Buffer.from('{"event":1,"index":"other"}') }
  expect(await write(sink, [elsewhere])).toEqual([
    { kind: "retry", why: expect.stringMatching(/may not write to the index/) },
  ])
  hec.allowIndex("other")
  expect(await write(sink, [elsewhere])).toEqual([{ kind: "accepted" }])
})

test.each([
  ["busy", { kind: "retry" }],
  ["internalError", { kind: "retry" }],
  ["shuttingDown", { kind: "retry" }],
  ["queueFull", { kind: "retry" }],
  ["ackFull", { kind: "retry" }],
  ["tokenDisabled", { kind: "retry" }],
  ["noData", { kind: "rejected", reason: "invalid" }],
  ["invalidFormat", { kind: "rejected", reason: "invalid" }],
  ["queueNearlyFull", { kind: "accepted", why: expect.stringContaining("code 24") }],
  ["lose", { kind: "retry" }],
] as const)("%s", async (fault, expected) => {
  const { hec, sinkOf } = await collector()
  hec.fail(fault)
  expect(await write(sinkOf(), [event("1")])).toMatchObject([expected])
})

const read = (status: number, body: string) =>
  hecResult({ kind: "answer", status, headers: {}, body: Buffer.from(body) }, 2, 0)

test("answers that are none of the collector's are read by their status, and nothing in them can harm", () => {
  expect(read(502, "<html>Bad gateway</html>")).toMatchObject({ kind: "retry" })
  expect(read(413, "too large")).toMatchObject({ kind: "rejected", reason: "too_large" })
  expect(read(400, '{"code":6,"invalid-event-number":7}')).toMatchObject({ kind: "rejected" })
  expect(read(200, "[]")).toEqual({ kind: "accepted" })
  expect(readHecAnswer(Buffer.from('{"code":"0","ackID":"12","text":{}}'))).toEqual({
    code: 0,
    ackId: 12,
    text: "",
    invalidEvent: undefined,
  })
  expect([
    ...readAcks(Buffer.from('{"acks":{"0":true,"1":false,"__proto__":true,"x":true,"2":"true"}}')),
  ]).toEqual([0])
  expect([...readAcks(Buffer.from("null"))]).toEqual([])
})
