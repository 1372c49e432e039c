import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import type { SpanNames } from "../../../agent/resolve/spans/span-names.ts"
import type { Span } from "../../../mesh/span.ts"
import { type FakeAws, startFakeAws } from "../../fake/aws/fake-aws.ts"
import { FORMS, type Form } from "../../fixtures/spans/captured.ts"
import { decodedSpans } from "../../fixtures/spans/decoded.ts"
import { refusedByXray, throughOtlp, throughZipkin, xrayDocuments } from "./forms.ts"
import { startMesh, type TracedMesh } from "./mesh.ts"
import { configsOf, namesOf, waysOf } from "./named.ts"
import { type Recorder, startRecorder } from "./recorder.ts"
import { REQUESTS } from "./requests.ts"
import { EXPECTED, told } from "./told.ts"
import { TRACERS } from "./tracers.ts"

/** Zipkin and OpenTelemetry tracers hold spans back for 5 s. */
const FLUSHED_MS = 12_000
const ALL = Object.values(EXPECTED).reduce((sum, lines) => sum + lines.length, 0)
const STATUSES = { fine: 200, retried: 200, failing: 502, broken: 502, throttled: 429, missing: 404 }

let fake: FakeAws
beforeAll(async () => {
  fake = await startFakeAws()
})
afterAll(() => fake?.stop())

describe.each(FORMS)("Envoys whose tracer is %s", (form) => {
  let recorder: Recorder
  let mesh: TracedMesh
  let names: SpanNames
  let ways: readonly string[]
  let spans: ReadonlyMap<string, readonly Span[]>
  const statuses: Record<string, number> = {}

  beforeAll(async () => {
    recorder = await startRecorder()
    mesh = await startMesh({ tracers: { "*": TRACERS[form](recorder) } })
    const configs = await configsOf(mesh)
    names = namesOf(mesh, configs)
    ways = waysOf(configs, recorder)
    for (const [request, asked] of Object.entries(REQUESTS)) statuses[request] = await mesh.ask(asked)
    const flushed = performance.now() + FLUSHED_MS
    while (spansIn(form, recorder).length < ALL && performance.now() < flushed) await sleep(100)
    spans = byRequest(spansIn(form, recorder).map((span) => names.name(span)))
  })
  afterAll(async () => {
    await mesh?.stop()
    await recorder?.stop()
  })

  test("the mesh answers as ever", () => {
    expect(statuses).toEqual(STATUSES)
  })

  test("the configurations tell that their spans come here", () => {
    const by = { xray: "xray-udp", "zipkin-json": "zipkin", "zipkin-proto": "zipkin", otlp: "otlp" }[form]
    expect(ways).toEqual([`to this agent by ${by}`])
  })

  test.each(Object.keys(EXPECTED))("%s: names, routes, callees, flags, faults", (request) => {
    expect(spans.get(request)?.map(told)).toEqual(EXPECTED[request])
  })

  test.each(Object.keys(EXPECTED))(
    "%s: one trace, each pass below the one before, each try below its call",
    (request) => {
      const own = spans.get(request) ?? []
      expect(new Set(own.map(({ traceId }) => traceId)).size).toBe(1)
      expect(new Set(own.map(({ id }) => id)).size).toBe(own.length)
      const above = own.map((_, at) => (at === 0 ? "" : own[Math.min(at - 1, 3)]?.id))
      expect(own.map(({ parentId }) => parentId)).toEqual(above)
    },
  )

  test.each(Object.keys(EXPECTED))(
    "%s: X-Ray's form is taken by X-Ray, with origin, mesh and callees",
    async (request) => {
      const own = spans.get(request) ?? []
      const documents = xrayDocuments(own)
      expect(await refusedByXray(fake, documents)).toEqual([])
      expect(documents.map(idsOf)).toEqual(own.map(idsOfSpan))
      expect(documents.map(xrayTold)).toEqual(own.map(expectedXray))
    },
  )

  test.each(Object.keys(EXPECTED))(
    "%s: Zipkin's and OpenTelemetry's forms have the same ids and names",
    (request) => {
      const own = spans.get(request) ?? []
      for (const written of [throughZipkin(own), throughOtlp(own)]) {
        expect(written.map(idsOfSpan)).toEqual(own.map(idsOfSpan))
        expect(written.map(namesOfSpan)).toEqual(own.map(namesOfSpan))
      }
    },
  )
})

const spansIn = (form: Form, { all }: Recorder): readonly Span[] =>
  decodedSpans(
    form,
    all.map(({ body }) => body),
  )

function byRequest(spans: readonly Span[]): ReadonlyMap<string, readonly Span[]> {
  const ids = new Map(Object.entries(REQUESTS).map(([request, { id }]) => [id.slice(-4), request]))
  return Map.groupBy(
    spans,
    (span) => ids.get(String(span.attributes.get("guid:x-request-id")).slice(-4)) ?? "other",
  )
}

const idsOfSpan = ({ traceId, id, parentId }: Span) => ({ traceId, id, parentId })
const namesOfSpan = ({ service, remote, kind, name, startUs, endUs, http }: Span) => ({
  service,
  remote,
  kind,
  name: name.toLowerCase(),
  took: (endUs ?? 0) - startUs,
  status: http.status,
})

function idsOf({ trace_id, id, parent_id = "" }: Readonly<Record<string, unknown>>) {
  return { traceId: String(trace_id).slice(2).replace("-", ""), id, parentId: parent_id }
}

type Block = Readonly<Record<string, unknown>> | undefined
/** What X-Ray shows of a document. */
function xrayTold(document: Readonly<Record<string, unknown>>) {
  const { name, type, namespace, origin, fault = false, error = false, throttle = false } = document
  const aws = document["aws"] as Block
  const annotations = document["annotations"] as Block
  const flags = annotations?.["response_flags"]
  return { name, type, namespace, origin, fault, error, throttle, mesh: aws?.["app_mesh"], flags }
}

/** What a proxy sent below another span is a call, named after whom it called; everything else is its own segment. */
function expectedXray({ service, remote, status, proxy, parentId }: Span) {
  const isCall = proxy?.direction === "egress" && parentId !== ""
  const gateway = proxy?.role === "gateway" ? { virtual_gateway_name: proxy.resource } : {}
  return {
    name: isCall ? remote : service,
    type: isCall ? "subsegment" : undefined,
    namespace: isCall ? "remote" : undefined,
    origin: isCall ? undefined : "AWS::AppMesh::Proxy",
    ...status,
    mesh: { mesh_name: "yelb", virtual_node_name: proxy?.resource, ...gateway },
    flags: proxy?.flags,
  }
}
