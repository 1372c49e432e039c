import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as fc from "fast-check"
import { afterAll, beforeAll, expect, test } from "vitest"
import { systemClock } from "#mesh/clock.ts"
import type { Span } from "#mesh/span.ts"
import { HttpIntake } from "../../agent/collect/receive/http-intake.ts"
import { OTLP_ANSWERS } from "../../agent/collect/receive/http-intake-answer.ts"
import { readOtlpJson } from "../../agent/decode/spans/otlp-json.ts"
import { readOtlpProtobuf } from "../../agent/decode/spans/otlp-protobuf.ts"
import type { Outbox, QueueRecord, Sink, SpanConsumer } from "../../agent/publish/contract.ts"
import { nameOf } from "../../agent/publish/otlp-traces/span-names.ts"
import { makeOtlpTracesProducer, makeOtlpTracesSink } from "../../agent/publish/otlp-traces/traces-sink.ts"
import { makeZipkinProducer, makeZipkinSink } from "../../agent/publish/zipkin/zipkin-sink.ts"
import { anySpan, Kept, traceIds } from "../fixtures/spans/span-arbitrary.ts"
import { freePort } from "../live/rig/free-port.ts"
import { type Otelcol, startOtelcol } from "./otelcol.ts"

/**
 * A real OpenTelemetry Collector takes what our sinks of spans send, by OTLP and by Zipkin's API, writes it down, and sends
 * it to our intake, as protobuf and as JSON.
 */
const SPANS = 400
let folder: string
let otelcol: Otelcol
let intake: HttpIntake
const received = new Kept()
let ports: { readonly otlp: number; readonly zipkin: number }

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "meshscope-otelcol-traces-"))
  intake = new HttpIntake(
    {
      listen: { host: "127.0.0.1", port: 0 },
      setting: "receive.otlp.listen",
      maxBodyBytes: 4e6,
      maxInflatedBytes: 16e6,
      maxConnections: 10,
      timeoutMs: 5000,
    },
    [
      {
        path: "/v1/traces",
        answers: OTLP_ANSWERS,
        take(body, form) {
          if (form === "json") readOtlpJson(body, received)
          else readOtlpProtobuf(body, received)
          return { kind: "taken", rejected: 0 }
        },
      },
    ],
  )
  const url = await intake.start()
  ports = { otlp: await freePort(), zipkin: await freePort() }
  const sending = { endpoint: url, sending_queue: { enabled: false } }
  const pipeline = {
    receivers: {
      otlp: { protocols: { http: { endpoint: `127.0.0.1:${ports.otlp}` } } },
      zipkin: { endpoint: `127.0.0.1:${ports.zipkin}` },
    },
    exporters: {
      "file/otlp": { path: join(folder, "otlp.json") },
      "file/zipkin": { path: join(folder, "zipkin.json") },
      "otlphttp/protobuf": sending,
      "otlphttp/json": { ...sending, encoding: "json", compression: "none" },
    },
    service: {
      telemetry: { metrics: { level: "none" } },
      pipelines: {
        "traces/otlp": {
          receivers: ["otlp"],
          exporters: ["file/otlp", "otlphttp/protobuf", "otlphttp/json"],
        },
        "traces/zipkin": { receivers: ["zipkin"], exporters: ["file/zipkin"] },
      },
    },
  }
  otelcol = await startOtelcol(folder, pipeline, [
    `http://127.0.0.1:${ports.otlp}/v1/traces`,
    `http://127.0.0.1:${ports.zipkin}/api/v2/spans`,
  ])
})

afterAll(async () => {
  await otelcol?.stop()
  await intake?.stop()
  await rm(folder, { recursive: true, force: true })
})

/** Spans with ids of their own. */
function many(): Span[] {
  const seen = new Set<string>()
  return fc
    .sample(fc.tuple(anySpan, traceIds), { numRuns: SPANS, seed: 7 })
    .map(([span, traceId]) => Object.assign({}, span, { traceId }))
    .filter(({ traceId }) => !seen.has(traceId) && seen.add(traceId))
}

async function send(
  all: readonly Span[],
  sink: Sink<Uint8Array>,
  produce: (outbox: Outbox) => SpanConsumer,
): Promise<void> {
  const records: QueueRecord[] = []
  const producer = produce({
    append: (key, timeMs, payload, count = 1) =>
      void records.push({ key, timeMs, count, payload: Uint8Array.from(payload) }),
  })
  for (const span of all) producer.span(span)
  const { requests, refused } = sink.split(records, Date.now())
  expect(refused.size).toBe(0)
  for (const { body } of requests)
    expect(await sink.write(body, AbortSignal.timeout(10_000))).toEqual({ kind: "accepted" })
  await sink.stop()
}

/** What the other collector wrote down, one request a line. */
async function written(name: string): Promise<Span[]> {
  const kept = new Kept()
  const lines = (await readFile(join(folder, name), "utf8")).split("\n").filter((line) => line.endsWith("}"))
  for (const line of lines) readOtlpJson(Buffer.from(line), kept)
  expect(kept.reasons).toEqual([])
  return kept.spans
}

const byTrace = (spans: readonly Span[]): Span[] =>
  spans.toSorted((one, other) => (one.traceId < other.traceId ? -1 : 1))

test("spans by OTLP are what the other collector wrote down, and what it sends to us", async () => {
  const all = many()
  const sink = makeOtlpTracesSink({ url: `http://127.0.0.1:${ports.otlp}/v1/traces` }, { clock: systemClock })
  await send(all, sink, (outbox) => makeOtlpTracesProducer(outbox, () => {}))
  const wanted = byTrace(all.map((span) => Object.assign({}, span, { name: nameOf(span) })))
  await expect.poll(async () => byTrace(await written("otlp.json")), { timeout: 20_000 }).toEqual(wanted)
  // Once as protobuf, once as JSON.
  await expect.poll(() => received.spans.length, { timeout: 20_000 }).toBe(all.length * 2)
  expect(received.reasons).toEqual([])
  expect(byTrace(received.spans)).toEqual(wanted.flatMap((span) => [span, span]))
  expect(intake.counters().requests).toMatchObject({ malformed: 0, refused: 0, too_large: 0 })
})

test("spans by Zipkin's API are what the other collector understood", async () => {
  const all = many()
  const sink = makeZipkinSink(
    { url: `http://127.0.0.1:${ports.zipkin}/api/v2/spans` },
    { clock: systemClock },
  )
  await send(all, sink, makeZipkinProducer)
  await expect.poll(async () => (await written("zipkin.json")).length, { timeout: 20_000 }).toBe(all.length)
  const told = byTrace(await written("zipkin.json"))
  for (const [index, span] of byTrace(all).entries()) {
    const { traceId, id, parentId, kind, startUs, endUs, http } = span
    const { method, url, status } = http
    expect(told[index]).toMatchObject({ traceId, id, parentId, kind, startUs, endUs, name: nameOf(span) })
    expect(told[index]?.http).toMatchObject(JSON.parse(JSON.stringify({ method, url, status })) as object)
    expect(told[index]?.service).toBe(span.service)
    expect(told[index]?.remote).toBe(span.remote)
    expect(told[index]?.events?.length).toBe(span.events?.length)
  }
})
