import { type AccessFact, Field, fieldText } from "#mesh/access.ts"
import { flagsText } from "#mesh/flags.ts"
import type { ProxyIdentity } from "#mesh/proxy.ts"
import type { Resolution } from "#mesh/request.ts"
import { type AttributeValue, type Span, type SpanHttp, type SpanProxy, STATUS_OK } from "#mesh/span.ts"
import { calleeOf, operationOf, proxyService, sureName } from "./proxy-service.ts"
import { TAG } from "./span-fact.ts"
import { spanStatus } from "./span-status.ts"
import type { TraceContext } from "./trace-context.ts"

/** SHA-256 in hexadecimal digits: a parameter, since this folder imports nothing of the system. */
export type Digest = (bytes: Uint8Array) => string

/** A line with what it is about. */
export interface Line {
  readonly fact: AccessFact
  readonly resolution: Resolution
  readonly identity: ProxyIdentity
  readonly digest: Digest
}

/** The span of a line that belongs to a trace, as Envoy's own tracer would have told it. Copies what it takes of the line. */
export function spanOfLine(line: Line, trace: TraceContext, startUs: number): Span {
  const { fact, resolution, identity } = line
  const about = proxyOf(fact, resolution, identity)
  const { direction, flags, role } = about
  const authority = textOf(fact, Field.authority)
  const gatewayDoor = role === "gateway" && direction === "ingress"
  const ended = { code: fact.code, grpcStatus: fact.grpcStatus, flags, gatewayDoor }
  return {
    traceId: trace.traceId,
    id: idOf(line, trace, direction),
    parentId: trace.parentId,
    name: operationOf(direction, authority),
    kind: direction === "egress" ? "client" : "server",
    startUs,
    endUs: startUs + fact.durationMs * 1000,
    service: proxyService(identity, identity.resource),
    remote: direction === "egress" ? calleeOf(about, identity) || authority : "",
    http: httpOf(fact, authority, role === "gateway"),
    status: spanStatus(ended, STATUS_OK),
    attributes: attributesOf(fact, identity, about),
    resource: NO_RESOURCE,
    proxy: about,
    document: undefined,
  }
}

const NO_RESOURCE: Span["resource"] = new Map()

function proxyOf(fact: AccessFact, { row, target }: Resolution, identity: ProxyIdentity): SpanProxy {
  const { mesh, flavor, role, resource } = identity
  return {
    mesh,
    flavor,
    role,
    resource,
    direction: row.reporter === "source" ? "egress" : "ingress",
    cluster: textOf(fact, Field.upstreamCluster),
    target: sureName(target.name),
    virtualService: sureName(row.virtualService),
    route: sureName(row.gatewayRoute || row.route),
    flags: fact.flags < 0 ? "" : textOf(fact, Field.flags) || flagsText(fact.flags),
  }
}

/** What tells two lines of one proxy apart. Tries of one request differ in nothing else than these. */
const OWN_FIELDS = [
  Field.requestId,
  Field.startTime,
  Field.method,
  Field.path,
  Field.upstreamHost,
  Field.upstreamCluster,
  Field.downstreamRemote,
  Field.details,
  Field.flags,
]

/** From what the line holds alone, so that a line that is read again, after a kill too, makes the same span. */
function idOf(
  { fact, identity, digest }: Line,
  { traceId, parentId }: TraceContext,
  direction: SpanProxy["direction"],
): string {
  const { durationMs, upstreamMs, code, bytesReceived, bytesSent, attempts } = fact
  const numbers = [durationMs, upstreamMs, code, bytesReceived, bytesSent, attempts]
  const texts = OWN_FIELDS.map((field) => textOf(fact, field))
  const own = JSON.stringify([identity.proxy, direction, traceId, parentId, numbers, texts])
  const id = digest(Buffer.from(own)).slice(0, 16)
  return id === NO_ID ? "0000000000000001" : id
}

const NO_ID = "0".repeat(16)

/** As Envoy's tracers: the caller's own path, where a gateway rewrote it. */
function httpOf(fact: AccessFact, authority: string, gateway: boolean): SpanHttp {
  const own = textOf(fact, Field.path) || textOf(fact, Field.eitherPath)
  const path = (gateway ? textOf(fact, Field.originalPath) : "") || own
  const clientIp = hostOf(textOf(fact, Field.downstreamRemote))
  const method = textOf(fact, Field.method)
  const userAgent = textOf(fact, Field.userAgent)
  return {
    ...(method === "" ? {} : { method }),
    ...(path === "" ? {} : { url: authority === "" ? path : `http://${authority}${path}` }),
    ...(fact.code < 0 ? {} : { status: fact.code }),
    ...(userAgent === "" ? {} : { userAgent }),
    ...(clientIp === "" ? {} : { clientIp }),
    ...(fact.bytesReceived < 0 ? {} : { requestBytes: fact.bytesReceived }),
    ...(fact.bytesSent < 0 ? {} : { responseBytes: fact.bytesSent }),
  }
}

/** `10.0.0.1:80` and `[::1]:80` without their ports. */
const hostOf = (address: string): string => /^\[?(.{1,45}?)\]?:\d{1,5}$/.exec(address)?.[1] ?? ""

/** By the names of Envoy's tracers, so that who looks for one finds the others. */
function attributesOf(
  fact: AccessFact,
  { nodeId }: ProxyIdentity,
  { direction, cluster, flags }: SpanProxy,
): ReadonlyMap<string, AttributeValue> {
  const all: readonly (readonly [string, AttributeValue])[] = [
    [TAG.component, "proxy"],
    [TAG.nodeId, nodeId],
    [TAG.direction, direction],
    [TAG.requestId, textOf(fact, Field.requestId)],
    [TAG.upstreamCluster, cluster],
    [TAG.responseFlags, flags],
    ...(fact.grpcStatus < 0 ? [] : ([[TAG.grpcStatus, String(fact.grpcStatus)]] as const)),
  ]
  return new Map(all.filter(([, value]) => value !== ""))
}

const textOf = (fact: AccessFact, field: number): string => fieldText(fact, field) ?? ""
