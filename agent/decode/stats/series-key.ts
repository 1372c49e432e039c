import type { SeriesKey } from "#mesh/stats.ts"
import { extensionKey } from "./extension-key.ts"
import { istioKey } from "./istio-key.ts"
import type { PageFormat } from "./line-value.ts"

/** Label that holds the owner's name: Envoy's default tag rules, and Istio's. */
const OWNER_LABELS = {
  cluster: ["envoy_cluster_name", "cluster_name"],
  http: ["envoy_http_conn_manager_prefix", "http_conn_manager_prefix"],
  tcp: ["envoy_tcp_prefix", "tcp_prefix"],
  listener: ["envoy_listener_address", "listener_address"],
} as const

const SCOPES = ["cluster", "http", "tcp", "listener"] as const

/**
 * Splits a series' name as printed. Traps of the Prometheus page, all measured: an owner's name with dots is cut at the
 * first one, and the rest of it stands in the series' name; `listener.*.http.*` series have the manager's label too but
 * begin with `listener_`; Istio writes codes and classes into one family, told apart by the label alone; a family's
 * name has underscores where the raw name has dots, so fields must be compared with both written alike.
 */
export function seriesKey(format: PageFormat, printed: string): SeriesKey | undefined {
  return format === "raw" ? rawKey(printed) : prometheusKey(printed)
}

function rawKey(printed: string): SeriesKey {
  const dot = printed.indexOf(".")
  const first = printed.slice(0, dot)
  const scope = SCOPES.find((one) => one === first)
  if (scope === undefined) return { scope: "global", owner: undefined, rest: printed }
  return { scope, owner: undefined, rest: printed.slice(dot + 1) }
}

function prometheusKey(printed: string): SeriesKey | undefined {
  const brace = printed.indexOf("{")
  const full = brace < 0 ? printed : printed.slice(0, brace)
  if (!full.startsWith("envoy_") && full !== "istio_requests_total") return undefined
  const labels = brace < 0 ? new Map<string, string>() : parseLabels(printed.slice(brace + 1))
  if (!full.startsWith("envoy_")) return istioKey(full, labels)
  const { name, histogram } = withoutHistogram(full.slice(6), labels.get("le"))
  const extension = extensionKey(name, labels)
  if (extension !== undefined) return histogram === undefined ? extension : { ...extension, histogram }
  const scope = SCOPES.find((one) => name.startsWith(`${one}_`))
  const owner =
    scope && OWNER_LABELS[scope].map((label) => labels.get(label)).find((text) => text !== undefined)
  const key =
    scope === undefined || owner === undefined
      ? { scope: "global" as const, owner: undefined, rest: name }
      : { scope, owner, rest: withCode(name.slice(scope.length + 1), labels) }
  return histogram === undefined ? key : { ...key, histogram }
}

function withoutHistogram(
  name: string,
  bound: string | undefined,
): { name: string; histogram: SeriesKey["histogram"] | undefined } {
  if (bound !== undefined && name.endsWith("_bucket")) {
    return { name: name.slice(0, -7), histogram: bound === "+Inf" ? Infinity : Number(bound) }
  }
  const last = /^(.+(?:_time|_ms|ResponseTime))_(sum|count)$/.exec(name)
  if (last === null) return { name, histogram: undefined }
  return { name: last[1] ?? "", histogram: last[2] === "sum" ? "sum" : "count" }
}

/** `upstream_rq_xx` with class 5 is `upstream_rq_5xx`; `upstream_rq` with code 503 is `upstream_rq_503`. */
function withCode(rest: string, labels: ReadonlyMap<string, string>): string {
  const family = labels.get("envoy_response_code_class") ?? labels.get("response_code_class")
  if (family !== undefined) return `${rest.replace(/_xx$/, "")}_${family.charAt(0)}xx`
  const code = labels.get("envoy_response_code") ?? labels.get("response_code")
  return code === undefined ? rest : `${rest}_${code}`
}

/** `a="x",b="y"}`, with `\\`, `\"` and `\n` escaped as Envoy does from 1.21 on. */
function parseLabels(text: string): Map<string, string> {
  const labels = new Map<string, string>()
  for (const match of text.matchAll(/([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g)) {
    const value = match[2] ?? ""
    labels.set(
      match[1] ?? "",
      value.includes("\\") ? value.replace(/\\(.)/g, (_, one: string) => (one === "n" ? "\n" : one)) : value,
    )
  }
  return labels
}
