import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import type { ProxyConfig } from "../../../mesh/proxy.ts"
import type { Span } from "../../../mesh/span.ts"
import { decodedSpans } from "../../fixtures/spans/decoded.ts"
import { told } from "../../fixtures/spans/told.ts"
import { EXPECTED } from "./expected.ts"
import { type LinesRead, spansOfLogs } from "./lines.ts"
import { GATEWAY, newTraceId, startMesh, type TracedMesh } from "./mesh.ts"
import { configsOf, namesOf, waysOf } from "./named.ts"
import { type Recorder, startRecorder } from "./recorder.ts"
import { REQUESTS } from "./requests.ts"
import { TRACERS } from "./tracers.ts"

/** Envoys write their lines every 100 ms. */
const WRITTEN_MS = 5000
const PARENT = "7ff2155c8f2ea92a"
/** A trace of now, as a load balancer would begin it. */
const header = (traceId: string, sampled: 0 | 1): Readonly<Record<string, string>> => ({
  "x-amzn-trace-id": `Root=1-${traceId.slice(0, 8)}-${traceId.slice(8)};Parent=${PARENT};Sampled=${sampled}`,
})

async function readUntil(
  mesh: TracedMesh,
  configs: ReadonlyMap<string, ProxyConfig>,
  lines: number,
): Promise<LinesRead> {
  const until = performance.now() + WRITTEN_MS
  for (;;) {
    const read = await spansOfLogs(mesh, configs)
    if (sum(read.counters) >= lines || performance.now() > until) return read
    await sleep(100)
  }
}

const sum = (counters: LinesRead["counters"]): number =>
  Object.values(counters).reduce((all, one) => all + one, 0)
const ALL = Object.values(EXPECTED).reduce((all, lines) => all + lines.length, 0)

describe("Envoys without a tracer", () => {
  const traces = new Map(Object.keys(REQUESTS).map((request) => [request, newTraceId()]))
  const unsampled = newTraceId()
  let recorder: Recorder
  let mesh: TracedMesh
  let configs: ReadonlyMap<string, ProxyConfig>
  let first: LinesRead

  beforeAll(async () => {
    recorder = await startRecorder()
    mesh = await startMesh({ tracers: {}, logs: { "*": "json" } })
    configs = await configsOf(mesh)
    for (const [request, asked] of Object.entries(REQUESTS))
      await mesh.ask({ ...asked, headers: header(traces.get(request) ?? "", 1) })
    await mesh.ask({ id: "unsampled", path: "/vote/hostname", headers: header(unsampled, 0) })
    await mesh.ask({ id: "untraced", path: "/vote/hostname" })
    first = await readUntil(mesh, configs, ALL + 10)
  })
  afterAll(async () => {
    await mesh?.stop()
    await recorder?.stop()
  })

  const spansOf = (request: string): readonly Span[] =>
    first.spans.filter(({ traceId }) => traceId === traces.get(request))

  test("the configurations tell it", () => {
    expect(waysOf(configs, recorder)).toEqual(["from log lines"])
  })

  test.each(Object.keys(EXPECTED))(
    "%s: the lines tell what a tracer would have told, below the caller",
    (request) => {
      // Lines have milliseconds: spans of the same one may stand in any order.
      expect(spansOf(request).map(told).toSorted()).toEqual(EXPECTED[request]?.toSorted())
      expect(new Set(spansOf(request).map(({ parentId }) => parentId))).toEqual(new Set([PARENT]))
    },
  )

  test("nothing of requests that nobody sampled, and every line is accounted for", () => {
    expect(first.spans).toHaveLength(ALL)
    expect(new Set(first.spans.map(({ id }) => id)).size).toBe(first.spans.length)
    const { made, not_sampled, no_trace } = first.counters
    expect({ made, not_sampled, no_trace }).toEqual({ made: first.spans.length, not_sampled: 5, no_trace: 5 })
    expect(sum(first.counters)).toBe(ALL + 10)
  })

  test("who reads the logs again makes the same spans, ids included", async () => {
    expect((await spansOfLogs(mesh, configs)).spans).toEqual(first.spans)
  })
})

describe("a gateway with a tracer before sidecars without one", () => {
  let recorder: Recorder
  let mesh: TracedMesh
  let traced: readonly Span[]
  let lines: LinesRead

  beforeAll(async () => {
    recorder = await startRecorder()
    mesh = await startMesh({ tracers: { [GATEWAY]: TRACERS.xray(recorder) }, logs: { "*": "json" } })
    const configs = await configsOf(mesh)
    await mesh.ask({ id: "r", path: "/vote/hostname", headers: header(newTraceId(), 1) })
    lines = await readUntil(mesh, configs, 5)
    const names = namesOf(mesh, configs)
    traced = decodedSpans(
      "xray",
      recorder.all.map(({ body }) => body),
    ).map((span) => names.name(span))
  })
  afterAll(async () => {
    await mesh?.stop()
    await recorder?.stop()
  })

  test("one trace: each pass is told once, by tracer or by line, and lines hang below the gateway's call", () => {
    expect([...traced, ...lines.spans].map(told).toSorted()).toEqual(EXPECTED["fine"]?.toSorted())
    const all = [...traced, ...lines.spans]
    expect(new Set(all.map(({ traceId }) => traceId)).size).toBe(1)
    expect(traced.map(({ parentId }) => parentId)).toEqual([PARENT, traced[0]?.id])
    expect(lines.spans.map(({ parentId }) => parentId)).toEqual(Array(3).fill(traced[1]?.id))
    expect(lines.counters.traced).toBe(2)
  })
})
