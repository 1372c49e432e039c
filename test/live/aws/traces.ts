import type { FakeAws } from "../../fake/aws/fake-aws.ts"
import { type Json, text } from "./lines.ts"
import { ACCESS_GROUP } from "./page.ts"

/** Segments as X-Ray holds them, and what each should be by the event of the same request at the same proxy. */

/** A segment's members that this is about. */
export interface Segment {
  readonly traceId: string
  readonly id: string
  readonly parentId: string
  readonly name: string
  readonly sub: boolean
  readonly origin: string
  readonly userAgent: string
  readonly appMesh: Json
  /** Where its access lines are. */
  readonly logs: unknown
  readonly annotations: Json
  /** Request, place, and end, as `expectedWords` has them. */
  readonly words: string
}

export const segmentsOf = ({ xray }: FakeAws): readonly Segment[] =>
  xray.traceIds.flatMap((traceId) =>
    xray.trace(traceId).map(({ id, parentId, name, document }): Segment => {
      const annotations = part(document, "annotations")
      const http = part(document, "http")
      return {
        traceId,
        id,
        parentId,
        name,
        sub: document["type"] === "subsegment",
        origin: text(document["origin"]),
        userAgent: text(part(http, "request")["user_agent"]),
        appMesh: part(part(document, "aws"), "app_mesh"),
        logs: part(document, "aws")["cloudwatch_logs"],
        annotations,
        words: joined(
          traceId,
          text(annotations["guid_x_request_id"]),
          proxyWords(annotations),
          annotations["direction"],
          annotations["virtual_service"],
          annotations["route"],
          annotations["target_node"],
          part(http, "response")["status"] ?? 0,
          annotations["response_flags"],
          endWords(document),
        ),
      }
    }),
  )

/**
 * An event in the words that its segment must have.
 * @param route what the event calls a route is called so by the segment; see `routeOfTracer`
 */
export function expectedWords(event: Json, route: (event: Json) => unknown): string {
  const { reporter } = event
  const egress = reporter === "source"
  const own = egress
    ? { virtual_gateway: event["virtual_gateway"], virtual_node: event["source"] }
    : { virtual_gateway: event["virtual_gateway"], virtual_node: event["virtual_node"] }
  return joined(
    event["trace_id"],
    text(event["request_id"]),
    proxyWords(reporter === "gateway" ? { virtual_gateway: event["virtual_gateway"] } : own),
    egress ? "egress" : "ingress",
    event["virtual_service"],
    reporter === "gateway" ? event["gateway_route"] : route(event),
    egress ? event["virtual_node"] : undefined,
    event["code"],
    event["flags"],
    statusWords(event),
  )
}

/**
 * Of the routes to the canary some match on a header alone, which lines tell and Envoy's spans do not: no route is named
 * where it may be one of several.
 */
export const routeOfTracer = (event: Json): unknown =>
  event["virtual_node"] === "yelb-appserver-virtual-node-v2" ? "" : event["route"]

const proxyWords = (names: Json): string => text(names["virtual_gateway"]) || text(names["virtual_node"])

/** docs/tracing.md: a code from 400 decides; below it, or where there is none, how the request ended. */
function statusWords(event: Json): string {
  const code = Number(event["code"])
  if (code >= 500) return "fault"
  if (code === 429) return "error throttle"
  if (code >= 400) return "error"
  if (event["outcome"] === "ok") return ""
  return event["outcome"] === "error" ? "fault" : "error"
}

const endWords = (document: Json): string =>
  ["error", "throttle", "fault"].filter((word) => document[word] === true).join(" ")

function part(of: unknown, name: string): Json {
  const value: unknown = typeof of === "object" && of !== null ? Reflect.get(of, name) : undefined
  return typeof value === "object" && value !== null ? (value as Json) : {}
}

const joined = (...all: readonly unknown[]): string => all.map((word) => text(word)).join("|")

/** What is wrong with the family of each segment; empty for a good one. */
export function familyTrouble(segments: readonly Segment[]): readonly string[] {
  const byId = new Map(segments.map((segment) => [`${segment.traceId} ${segment.id}`, segment]))
  return segments.flatMap((segment) => {
    const parent = byId.get(`${segment.traceId} ${segment.parentId}`)
    const wrong = familyRule(segment, parent)
    return wrong === "" ? [] : [`${wrong}: ${segment.words}`]
  })
}

/** A call hangs below what its own proxy took in; what a node takes in hangs below the call that went to it. */
function familyRule(segment: Segment, parent: Segment | undefined): string {
  const { annotations, sub, parentId, name, appMesh, logs, origin, userAgent } = segment
  const own = proxyWords(annotations)
  const gateway = text(annotations["virtual_gateway"])
  if (appMesh["mesh_name"] !== "yelb" || appMesh["virtual_node_name"] !== own)
    return "its names in aws.app_mesh"
  if (text(appMesh["virtual_gateway_name"]) !== gateway) return "its name as a gateway"
  if (JSON.stringify(logs) !== JSON.stringify([{ log_group: ACCESS_GROUP }]))
    return "its link to the log group"
  if (sub !== (annotations["direction"] === "egress")) return "calls alone are subsegments"
  if (origin !== (sub ? "" : "AWS::AppMesh::Proxy")) return "its origin"
  if (sub) {
    const target = text(annotations["target_node"])
    if (target !== "" && name !== `yelb/${target}`) return `it is called ${name}`
    return parent !== undefined && !parent.sub && proxyWords(parent.annotations) === own ? "" : "its parent"
  }
  if (name !== `yelb/${own}`) return `it is called ${name}`
  if (parentId === "") return gateway !== "" || userAgent.startsWith("Envoy/HC") ? "" : "it has no parent"
  return parent?.sub === true && parent.annotations["target_node"] === own ? "" : "its parent"
}
