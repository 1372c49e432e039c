import * as fc from "fast-check"
import { afterAll, beforeAll, expect, test } from "vitest"
import { systemClock } from "#mesh/clock.ts"
import type { Span } from "#mesh/span.ts"
import { readZipkinJson } from "../../agent/decode/spans/zipkin-json.ts"
import { readZipkinProtobuf } from "../../agent/decode/spans/zipkin-protobuf.ts"
import type { QueueRecord } from "../../agent/publish/contract.ts"
import { nameOf } from "../../agent/publish/otlp-traces/span-names.ts"
import { makeZipkinProducer, makeZipkinSink } from "../../agent/publish/zipkin/zipkin-sink.ts"
import { captured } from "../fixtures/spans/captured.ts"
import { anySpan, Kept, traceIds } from "../fixtures/spans/span-arbitrary.ts"
import type { PeerServer } from "./server.ts"
import { startZipkin } from "./zipkin-server.ts"

/** What our sink sends is asked back from a real Zipkin server. */
let zipkin: PeerServer
beforeAll(async () => {
  zipkin = await startZipkin()
})
afterAll(() => zipkin?.stop())

async function send(all: readonly Span[]): Promise<void> {
  const records: QueueRecord[] = []
  const producer = makeZipkinProducer({
    append: (key, timeMs, payload, count = 1) => void records.push({ key, timeMs, count, payload }),
  })
  for (const span of all) producer.span(span)
  const sink = makeZipkinSink({ url: `${zipkin.url}/api/v2/spans` }, { clock: systemClock })
  for (const { body } of sink.split(records, Date.now()).requests)
    expect(await sink.write(body, AbortSignal.timeout(10_000))).toEqual({ kind: "accepted" })
  await sink.stop()
}

/** The spans of a trace as the server tells them. */
async function stored(traceId: string): Promise<Span[]> {
  const response = await fetch(`${zipkin.url}/api/v2/trace/${traceId}`)
  if (!response.ok) return []
  const kept = new Kept()
  readZipkinJson(Buffer.from(await response.arrayBuffer()), kept)
  expect(kept.reasons).toEqual([])
  return kept.spans.toSorted((one, other) => (one.id < other.id ? -1 : 1))
}

const shape = (spans: readonly Span[]) => spans.map(({ id, parentId, kind }) => `${parentId} ${id} ${kind}`)

test("any span that we send is what the server gives back", { timeout: 120_000 }, async () => {
  const all = fc
    .sample(fc.tuple(anySpan, traceIds), { numRuns: 300, seed: 11 })
    .map(([span, traceId]) => Object.assign({}, span, { traceId }))
  await send(all)
  for (const span of all) {
    await expect.poll(async () => (await stored(span.traceId)).length, { timeout: 10_000 }).toBe(1)
    const [told] = await stored(span.traceId)
    const { id, parentId, kind, startUs, endUs, http, status } = span
    expect(told).toMatchObject({ id, parentId, kind, startUs, endUs, http, status })
    // It writes names in lower case, as far as its Java knows letters.
    expect(told?.name.toLowerCase()).toBe(nameOf(span).toLowerCase())
    expect(told?.service.toLowerCase()).toBe(span.service.toLowerCase())
    for (const [name, value] of span.attributes)
      expect([name, told?.attributes.get(name)]).toEqual([name, String(value)])
  }
})

test("a trace of real Envoys has the same shape there as it came to us", { timeout: 60_000 }, async () => {
  for (const form of ["zipkin-json", "zipkin-proto"] as const) {
    const kept = new Kept()
    for (const body of captured(form, "retried"))
      (form === "zipkin-json" ? readZipkinJson : readZipkinProtobuf)(body, kept)
    await send(kept.spans)
    const [first] = kept.spans
    const told = await stored(first?.traceId ?? "")
    expect(shape(told)).toEqual(shape(kept.spans.toSorted((one, other) => (one.id < other.id ? -1 : 1))))
  }
})
