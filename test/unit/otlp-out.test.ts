import { gunzipSync, gzipSync } from "node:zlib"
import { fromBinary } from "@bufbuild/protobuf"
import { expect, onTestFinished, test } from "vitest"
import { systemClock } from "#mesh/clock.ts"
import type { Snapshot } from "#mesh/snapshot.ts"
import { openLedger } from "../../agent/account/ledger.ts"
import { DEFAULT_DELIVERY, Delivery } from "../../agent/publish/delivery/delivery.ts"
import { makeMemoryQueue } from "../../agent/publish/delivery/memory-queue.ts"
import { readExportResponse } from "../../agent/publish/otlp/export-response.ts"
import { makeOtlpHttpSink } from "../../agent/publish/otlp/http-sink.ts"
import { type MetricsRequest, makeMetricsExport } from "../../agent/publish/otlp/metrics-export.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"
import { manualClock } from "../fixtures/ledger/manual-clock.ts"
import { type Answer, otlpReceiver } from "../fixtures/ledger/otlp-receiver.ts"
import { otlpMessage, type Plain, plain } from "../fixtures/ledger/otlp-schema.ts"

const REQUEST = await otlpMessage("opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest")
const OPTIONS = {
  resource: { "service.name": "meshscope-agent" },
  scope: { name: "meshscope", version: "1" },
}

/** `route=value` of each point in a request, whatever its metric. */
function points(body: Uint8Array): string[] {
  const found: string[] = []
  const walk = (value: Plain): void => {
    if (Array.isArray(value)) for (const one of value) walk(one)
    else if (typeof value === "object") {
      if ("timeUnixNano" in value)
        found.push(`${JSON.stringify(value["attributes"])}=${JSON.stringify(value["value"])}`)
      else for (const one of Object.values(value)) walk(one)
    }
  }
  walk(plain(fromBinary(REQUEST, body)))
  return found.map((point) => point.replace(/.*"stringValue":"(\w+)".*"asDouble":([^}]+).*/, "$1=$2"))
}

function exporting(fullEveryMs = 300_000) {
  const clock = manualClock()
  const ledger = openLedger({ folder: temporaryFolder(), clock })
  onTestFinished(() => ledger.close())
  const offered: MetricsRequest[] = []
  const made = makeMetricsExport(
    { ...OPTIONS, fullEveryMs },
    { snapshot: ledger.snapshot, clock, offer: (batch) => void offered.push(batch) },
  )
  const add = (route: string, amount: number): void => ledger.add(ledger.slot("requests", { route }), amount)
  const tick = async (): Promise<string[]> => {
    offered.length = 0
    ledger.commit()
    await made.tick()
    return offered.flatMap((batch) => points(gunzipSync(batch.payload)))
  }
  return { clock, ledger, made, offered, add, tick }
}

test("sends everything at the start, then what changed, and everything again every few minutes", async () => {
  const { clock, add, tick } = exporting()
  expect(await tick()).toEqual([])
  add("a", 1)
  add("b", 2)
  expect(await tick()).toEqual(["a=1", "b=2"])
  add("b", 3)
  expect(await tick()).toEqual(["b=5"])
  expect(await tick()).toEqual([])
  clock.advance(300_000)
  expect(await tick()).toEqual(["a=1", "b=5"])
  expect(await tick()).toEqual([])
})

test("what a dropped batch held comes with the next tick, as it is by then", async () => {
  const { add, tick, made, offered } = exporting()
  add("a", 1)
  await tick()
  add("a", 1)
  expect(await tick()).toEqual(["a=2"])
  const lost = offered.slice()
  add("b", 7)
  expect(await tick()).toEqual(["b=7"])
  for (const batch of lost) made.resend(batch)
  expect(await tick()).toEqual(["a=2", "b=7"])
})

test("a large ledger goes out in several requests, none too large, each series once", async () => {
  const { ledger, add, tick, offered } = exporting()
  for (let index = 0; index < 9000; index++) add(`r${index}`, index)
  for (let index = 0; index < 500; index++) {
    ledger.observe(ledger.slot("duration", { route: `x${index}`.padEnd(900, "y") }), 1)
  }
  const sent = await tick()
  expect(offered.map((batch) => batch.count)).toEqual([4096, 4096, 1308])
  expect(new Set(sent).size).toBe(9500)
})

test("series that leave while a tick is under way: nothing is sent in their place, the next tick begins again", async () => {
  const { ledger, add, tick, made, offered } = exporting()
  const slots: number[] = []
  for (let index = 0; index < 5000; index++) {
    slots.push(ledger.slot("duration", { route: `r${index}` }))
    ledger.observe(slots[index] ?? 0, 1)
  }
  ledger.commit()
  const first = made.tick()
  for (const slot of slots.slice(4000)) ledger.retire(slot)
  ledger.commit()
  await first
  expect(offered).toHaveLength(1)
  add("late", 1)
  expect(await tick()).toHaveLength(4001)
})

test("ticks do not overlap", async () => {
  const { ledger, add, made, offered } = exporting()
  add("a", 1)
  ledger.commit()
  await Promise.all([made.tick(), made.tick(), made.tick()])
  expect(offered).toHaveLength(1)
})

const BODY = gzipSync("hello")
const partial =
  (bytes: number[]): Answer =>
  (response) =>
    void response.writeHead(200).end(Buffer.from(bytes))
const status = (code: number, headers: Record<string, string> = {}, text = ""): Answer => {
  return (response) => void response.writeHead(code, headers).end(text)
}

test.each<[string, Answer, unknown]>([
  ["200", status(200), { kind: "accepted" }],
  ["202", status(202), { kind: "accepted" }],
  [
    "3 of 10 rejected",
    partial([10, 6, 8, 3, 18, 2, 110, 111]),
    { kind: "accepted", rejectedCount: 3, why: "no" },
  ],
  ["more rejected than sent", partial([10, 3, 8, 200, 1]), { kind: "accepted", rejectedCount: 200, why: "" }],
  ["a warning", partial([10, 4, 18, 2, 104, 105]), { kind: "accepted", why: "hi" }],
  ["nonsense with 200", status(200, {}, "<html>"), { kind: "accepted" }],
  [
    "400",
    status(400, {}, "bad\u0000\npoint"),
    { kind: "rejected", reason: "invalid", why: "status 400 bad point" },
  ],
  ["401", status(401), { kind: "retry", why: expect.stringMatching(/check the token.*\(status 401\)$/) }],
  ["403", status(403), { kind: "rejected", reason: "denied", why: expect.stringMatching(/\(status 403\)$/) }],
  ["500", status(500), { kind: "rejected", reason: "refused", why: "status 500" }],
  [
    "a redirect",
    status(307, { location: "http://127.0.0.1:1/" }),
    {
      kind: "rejected",
      reason: "redirected",
      why: expect.stringMatching(/correct the address \(status 307\)$/),
    },
  ],
  ["429", status(429, { "retry-after": "7" }), { kind: "retry", why: "status 429", afterMs: 7000 }],
  ["502", status(502), { kind: "retry", why: "status 502" }],
  [
    "503 with a date",
    status(503, { "retry-after": "Thu, 09 Oct 2025 08:53:25 GMT" }),
    { kind: "retry", why: "status 503", afterMs: 5000 },
  ],
  [
    "503 with a date that passed",
    status(503, { "retry-after": "Thu, 09 Oct 2020 08:53:25 GMT" }),
    { kind: "retry", why: "status 503", afterMs: 0 },
  ],
  ["504 with nonsense", status(504, { "retry-after": "soon" }), { kind: "retry", why: "status 504" }],
  [
    "a connection that breaks",
    (response) => void response.destroy(),
    { kind: "retry", why: expect.stringMatching(/closed the connection.*socket hang up/) },
  ],
])("a receiver that answers %s", async (_, answer, result) => {
  const receiver = await otlpReceiver([answer])
  const sink = makeOtlpHttpSink(
    { url: receiver.url, headers: () => Promise.resolve({ authorization: "Bearer t" }) },
    { clock: manualClock() },
  )
  await sink.start()
  expect(await sink.write(BODY, AbortSignal.timeout(5000))).toEqual(result)
  expect(receiver.received).toHaveLength(1)
  expect(receiver.received[0]).toMatchObject({
    path: "/v1/metrics",
    headers: {
      authorization: "Bearer t",
      "content-type": "application/x-protobuf",
      "content-encoding": "gzip",
    },
    body: Buffer.from("hello"),
  })
  await sink.stop()
})

const endless: Answer = (response) => {
  response.writeHead(200)
  const flood = setInterval(() => response.write(Buffer.alloc(65_536)), 1)
  response.on("close", () => clearInterval(flood))
}

test("one connection is kept, and an endless answer is not read", async () => {
  const receiver = await otlpReceiver([status(200), status(200), endless])
  const sink = makeOtlpHttpSink({ url: receiver.url }, { clock: manualClock() })
  for (let write = 0; write < 3; write++) {
    expect(await sink.write(BODY, AbortSignal.timeout(5000))).toEqual({ kind: "accepted" })
  }
  expect(new Set(receiver.received.map((one) => one.socket)).size).toBe(1)
  await sink.stop()
})

test("nobody there, and a receiver that never answers, are reasons to try again", async () => {
  const receiver = await otlpReceiver([() => undefined])
  const sink = makeOtlpHttpSink({ url: receiver.url }, { clock: manualClock() })
  expect(await sink.write(BODY, AbortSignal.timeout(50))).toMatchObject({ kind: "retry" })
  await receiver.close()
  expect(await sink.write(BODY, AbortSignal.timeout(5000))).toMatchObject({
    kind: "retry",
    why: expect.stringContaining("ECONN"),
  })
  await sink.stop()
})

test.each([
  [[10]],
  [[10, 200]],
  [[255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255]],
  [[8, 255]],
  [[11, 1]],
  [[9, 1, 2]],
])("an answer of bytes %j tells nothing", (bytes) => {
  expect(readExportResponse(Uint8Array.from(bytes))).toEqual({ rejected: 0, message: "" })
})

test("over an outage every tick arrives in order, and the last word is the ledger's", async () => {
  const down = Array.from({ length: 4 }, (): Answer => status(503))
  const receiver = await otlpReceiver(down)
  const { ledger, add } = exporting()
  const queue = makeMemoryQueue<MetricsRequest>({ maxBytes: 1e6, maxRecords: 50 })
  const delivery = new Delivery(
    { ...DEFAULT_DELIVERY, backoff: { firstMs: 1, mostMs: 4 }, ordered: true },
    {
      queue,
      sink: makeOtlpHttpSink({ url: receiver.url }, { clock: systemClock }),
      clock: systemClock,
      random: Math.random,
    },
  )
  const made = makeMetricsExport(
    OPTIONS,
    deps(ledger.snapshot, (request) => queue.offer(request)),
  )
  await delivery.start()
  for (let tick = 1; tick <= 5; tick++) {
    add("r", 1)
    ledger.commit()
    await made.tick()
  }
  await delivery.stop(5000)
  const arrived = receiver.received.slice(4).flatMap((one) => points(one.body))
  expect(arrived).toEqual(["r=1", "r=2", "r=3", "r=4", "r=5"])
  expect(delivery.counters).toMatchObject({ offered: 5, delivered: 5, retries: 4, held: 0 })
})

function deps(snapshot: Snapshot, offer: (batch: MetricsRequest) => void) {
  return { snapshot, clock: systemClock, offer }
}

test("a gauge that left is sent once more without a value; one that came back meanwhile is not", async () => {
  const { ledger, offered, tick } = exporting()
  const gauge = (proxy: string, value: number): number => {
    const slot = ledger.slot("proxyUp", { proxy })
    ledger.set(slot, value)
    return slot
  }
  const gone = gauge("gone", 1)
  const back = gauge("back", 1)
  gauge("stays", 1)
  await tick()
  ledger.retire(gone)
  ledger.retire(back)
  gauge("back", 0)
  await tick()
  const ended: string[] = []
  const values: string[] = []
  for (const batch of offered) {
    const text = JSON.stringify(
      plain(fromBinary(REQUEST, gunzipSync(batch.payload))),
      (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value),
    )
    for (const point of text.split('"attributes"').slice(1)) {
      const proxy = /"stringValue":"(gone|back|stays)"/.exec(point)?.[1]
      if (proxy === undefined) continue
      if (point.includes('"flags":1')) ended.push(proxy)
      else values.push(proxy)
    }
  }
  expect(ended).toEqual(["gone"])
  expect(values).toEqual(["back"])
  await tick()
  expect(offered).toEqual([])
})
