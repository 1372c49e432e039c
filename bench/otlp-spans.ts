import { readFileSync } from "node:fs"
import { createFileRegistry, type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf"
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt"
import type { Span } from "#mesh/span.ts"
import { readOtlpProtobuf } from "../agent/decode/spans/otlp-protobuf.ts"
import type { QueueRecord } from "../agent/publish/contract.ts"
import { makeSpanEncoder } from "../agent/publish/otlp-traces/span-encoder.ts"
import { OTLP_SPAN_LIMITS, splitSpans } from "../agent/publish/otlp-traces/span-split.ts"
import { component } from "../scripts/components/component.ts"
import { type BenchResult, bestInTurnMs, printAlone } from "./result.ts"

const SPANS = 20_000
const ROUNDS = 8
const START_US = 1_763_650_000_000_000
const NODES = 40

/**
 * P11, traces: 20,000 spans of sidecars as Envoy's tracers send them, with the names of the mesh. Out: encoded one by one
 * for the queue, then joined into requests. In: read out of those requests. The peer is @bufbuild/protobuf on the protocol's
 * own descriptors; out, its messages are already built.
 */
export async function otlpSpansBench(): Promise<BenchResult[]> {
  const spans = Array.from({ length: SPANS }, (_, index) => spanOf(index))
  const schema = await requestSchema()
  const bodies = requestsOf(spans)
  const messages = bodies.map((body) => fromBinary(schema, body))
  requireEqual(bodies, spans)
  const written = messages.map((message) => toBinary(schema, message).length)
  if (written.some((length, index) => length !== bodies[index]?.length))
    throw new Error("the peer writes other bytes")
  const [out, peerOut, read, peerRead] = bestInTurnMs(ROUNDS, [
    () => void requestsOf(spans),
    () => {
      for (const message of messages) toBinary(schema, message)
    },
    () => void readAll(bodies),
    () => {
      for (const body of bodies) fromBinary(schema, body)
    },
  ])
  const what = `${SPANS.toLocaleString("en")} spans as OTLP`
  return [
    {
      id: "P11",
      what: `encode ${what}, against @bufbuild/protobuf`,
      unit: "ms CPU",
      ours: out,
      peer: peerOut,
      beside:
        "the peer has its messages already built, and writes no records of a queue in between; it reads all spans out of our bytes, and writes as many bytes",
    },
    {
      id: "P11",
      what: `decode ${what}, against @bufbuild/protobuf`,
      unit: "ms CPU",
      ours: read,
      peer: peerRead,
      beside:
        "ours makes spans with ids as text and HTTP in fields of its own, the peer generic messages; both read the same bodies",
    },
  ]
}

async function requestSchema(): Promise<DescMessage> {
  const descriptors = fromBinary(FileDescriptorSetSchema, readFileSync(await component("otlp-descriptors")))
  const schema = createFileRegistry(descriptors).getMessage(
    "opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest",
  )
  if (schema === undefined) throw new Error("the descriptors lack ExportTraceServiceRequest")
  return schema
}

function requestsOf(spans: readonly Span[]): Uint8Array[] {
  const encoder = makeSpanEncoder()
  const records: QueueRecord[] = []
  for (const span of spans) {
    const payload = encoder.encode(span)
    if (payload !== undefined)
      records.push({ key: "", timeMs: 0, count: 1, payload: Uint8Array.from(payload) })
  }
  return splitSpans(records, 0, OTLP_SPAN_LIMITS).requests.map(({ body }) => body)
}

function readAll(bodies: readonly Uint8Array[]): Span[] {
  const spans: Span[] = []
  const visitor = { span: (span: Span) => void spans.push(span), refused: () => {}, cut: () => {} }
  for (const body of bodies) readOtlpProtobuf(body, visitor)
  return spans
}

/** Grouped by resource, so in another order. */
function requireEqual(bodies: readonly Uint8Array[], spans: readonly Span[]): void {
  const read = new Map(readAll(bodies).map((span) => [span.id, span]))
  const same = spans.every(({ id, traceId, startUs, http }) => {
    const other = read.get(id)
    return other?.traceId === traceId && other.startUs === startUs && other.http.url === http.url
  })
  if (!same || read.size !== spans.length) throw new Error("what was written reads otherwise")
}

function spanOf(index: number): Span {
  const id = (index + 1).toString(16).padStart(16, "0")
  const node = `yelb-appserver-${index % NODES}`
  const cluster = `cds_egress_yelb_${node}_http_4567`
  return {
    traceId: `5759e988bd862e3f${id}`,
    id,
    parentId: "53995c3f42cd8ad8",
    name: "egress yelb-appserver.yelb.svc.cluster.local",
    kind: "client",
    startUs: START_US + index * 137,
    endUs: START_US + index * 137 + 20_253,
    service: `yelb/${node}`,
    remote: "",
    http: {
      method: "GET",
      url: `http://yelb-appserver.yelb.svc.cluster.local:4567/api/getvotes?id=${index}`,
      status: index % 50 === 0 ? 503 : 200,
      userAgent: "curl/8.5.0",
      requestBytes: 0,
      responseBytes: 119,
    },
    status: { error: false, throttle: false, fault: index % 50 === 0 },
    attributes: new Map([
      ["node_id", `mesh/yelb/virtualNode/${node}`],
      ["guid:x-request-id", `45cfaf98-d23d-9692-aea8-${id.slice(4)}`],
      ["downstream_cluster", "-"],
      ["http.protocol", "HTTP/1.1"],
      ["peer.address", "127.0.0.1"],
      ["component", "proxy"],
      ["upstream_cluster", cluster],
      ["upstream_cluster.name", cluster],
      ["response_flags", "-"],
    ]),
    resource: new Map([["telemetry.sdk.language", "cpp"]]),
    proxy: {
      mesh: "yelb",
      flavor: "app-mesh",
      role: "sidecar",
      resource: node,
      direction: "egress",
      cluster,
      target: node,
      virtualService: "yelb-appserver",
      route: "yelb-appserver-route",
      flags: "-",
    },
    document: undefined,
  }
}

if (import.meta.main) await printAlone(otlpSpansBench)
