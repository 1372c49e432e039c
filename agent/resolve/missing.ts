import type { AccessLogFormat, JsonFormat, ProxyIdentity, StatsRules } from "#mesh/proxy.ts"
import { EXTENSION_OWN, EXTENSION_TARGET } from "#mesh/stats.ts"
import { keeps } from "./kept-stats.ts"
import type { Provenances } from "./provenance.ts"
import type { HttpWay, Topology } from "./topology.ts"

/** What a target's state says is missing: words for `mesh_proxy_info{missing}`, each explained in the docs. */
export const MISSING = [
  /** Requests that came in (went out) are counted from stats: no access log that can be read. */
  "inbound_log",
  "outbound_log",
  /** And they are not told by stats either: the proxy keeps none of their counters. */
  "inbound_stats",
  "outbound_stats",
  /** The format does not tell these, so that targets, answers, gRPC and attempts are less exact. */
  "upstream_cluster",
  "response_code_details",
  "grpc_status",
  "attempts",
  /** One path for two: routes at sidecars can be forged by a caller. */
  "own_path",
  /** The declared model does not hold this proxy's mesh: routes are named by their match. */
  "declared_model",
] as const
export type Missing = (typeof MISSING)[number]

const OPERATORS: readonly (readonly [Missing, RegExp])[] = [
  ["upstream_cluster", /%UPSTREAM_CLUSTER/],
  ["response_code_details", /%RESPONSE_CODE_DETAILS/],
  ["grpc_status", /%(?:GRPC_STATUS|TRAILER\(GRPC-STATUS|RESP\(GRPC-STATUS)/i],
  ["attempts", /%UPSTREAM_REQUEST_ATTEMPT_COUNT/],
  ["own_path", /%(?:REQ|REQUEST_HEADER)\(:PATH\)/i],
]

/** @param kept which stats the proxy keeps */
export function missingOf(
  topology: Topology,
  provenances: Provenances,
  declaredKnown: boolean,
  kept?: StatsRules["kept"],
): Missing[] {
  const missing = new Set<Missing>()
  for (const side of ["inbound", "outbound"] as const) {
    const ways = topology.http.filter((way) => way.side === side)
    if (ways.length === 0) continue
    if (provenances.http[side] === "stats") {
      missing.add(side === "inbound" ? "inbound_log" : "outbound_log")
      if (ways.slice(0, LOOKED_AT).some((way) => !isCounted(way, kept)))
        missing.add(side === "inbound" ? "inbound_stats" : "outbound_stats")
    } else for (const word of missingInFormats(ways, provenances.streamed.http[side])) missing.add(word)
  }
  if (!declaredKnown) missing.add("declared_model")
  return MISSING.filter((word) => missing.has(word))
}

/** @param streamed the side is counted from what its loggers stream, else from lines */
/** Of a page that is all there is: sides of which it tells nothing (yet) are not counted. */
export function missingOnPage(
  { clusters }: Topology,
  role: ProxyIdentity["role"],
  declaredKnown: boolean,
): Missing[] {
  const names = [...clusters.keys()]
  const missing: Missing[] = []
  if (role === "sidecar" && !names.includes(EXTENSION_OWN)) missing.push("inbound_stats")
  if (!names.some((name) => name.startsWith(EXTENSION_TARGET))) missing.push("outbound_stats")
  return declaredKnown ? missing : [...missing, "declared_model"]
}

/** Managers of one side differ in their ports alone; patterns may be slow. */
const LOOKED_AT = 20

/** Without the manager's own counter no number of requests is certain. */
function isCounted({ filter }: HttpWay, kept: StatsRules["kept"]): boolean {
  return keeps(kept, `http.${filter.statPrefix}.downstream_rq_total`) !== false
}

function missingInFormats(ways: readonly HttpWay[], streamed: boolean): Missing[] {
  const formats = ways.flatMap((way) =>
    way.filter.accessLogs
      .filter(({ format }) => (format.kind === "als") === streamed)
      .map((log) => operatorsOf(log.format)),
  )
  return OPERATORS.filter(([, operator]) => formats.some((text) => !operator.test(text))).map(
    ([word]) => word,
  )
}

/** What every entry tells, as a format of lines would. */
const ENTRY = "%UPSTREAM_CLUSTER%%RESPONSE_CODE_DETAILS%%UPSTREAM_REQUEST_ATTEMPT_COUNT%%REQ(:PATH)%"

/** All operators of a format in one text; the default format has none of those asked for. */
function operatorsOf(format: AccessLogFormat): string {
  if (format.kind === "text") return format.text
  if (format.kind === "als") return `${ENTRY}${format.grpcStatus ? "%GRPC_STATUS%" : ""}`
  return format.kind === "json" ? jsonText(format.fields) : ""
}

function jsonText(fields: JsonFormat): string {
  return Object.values(fields)
    .map((value) => (typeof value === "string" ? value : jsonText(value)))
    .join(" ")
}
