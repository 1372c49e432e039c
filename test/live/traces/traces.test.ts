import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import type { SpanNames } from "../../../agent/resolve/spans/span-names.ts"
import type { Span } from "../../../mesh/span.ts"
import { type FakeAws, startFakeAws } from "../../fake/aws/fake-aws.ts"
import { FORMS } from "../../fixtures/spans/captured.ts"
import { told } from "../../fixtures/spans/told.ts"
import { EXPECTED } from "./expected.ts"
import { refusedByXray, throughOtlp, throughZipkin, xrayDocuments } from "./forms.ts"
import { type SpanIntake, startIntake } from "./intake.ts"
import { startMesh, type TracedMesh } from "./mesh.ts"
import { configsOf, namesOf, waysOf } from "./named.ts"
import { REQUESTS } from "./requests.ts"
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

/** Tracers point at the agent's own intakes; what these read is named, and written in every form that leaves. */
describe.each(FORMS)("Envoys whose tracer is %s", (form) => {
  let intake: SpanIntake
  let mesh: TracedMesh
  let names: SpanNames
  let ways: readonly string[]
  let spans: ReadonlyMap<string, readonly Span[]>
  const statuses: Record<string, number> = {}

  beforeAll(async () => {
    intake = await startIntake(form)
    mesh = await startMesh({ tracers: { "*": TRACERS[form](intake) } })
    const configs = await configsOf(mesh)
    names = namesOf(mesh, configs)
    ways = waysOf(configs, intake)
    for (const [request, asked] of Object.entries(REQUESTS)) statuses[request] = await mesh.ask(asked)
    const flushed = performance.now() + FLUSHED_MS
    while (intake.spans.length < ALL && performance.now() < flushed) await sleep(100)
    spans = byRequest(intake.spans.map((span) => names.name(span)).toSorted((a, b) => a.startUs - b.startUs))
  })
  afterAll(async () => {
    await mesh?.stop()
    await intake?.stop()
  })

  test("the mesh answers as ever, and nothing that came was refused", () => {
    expect(statuses).toEqual(STATUSES)
    expect(intake.trouble()).toEqual([])
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
