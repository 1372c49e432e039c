import { EXTENSION_OWN, EXTENSION_TARGET, type SeriesKey } from "#mesh/stats.ts"

/** Where Istio's proxies say that a host is none of the mesh; `destination_service` is then what the caller asked for. */
const PAST = new Set(["PassthroughCluster", "BlackHoleCluster"])
const UNTOLD = "unknown"

/**
 * `istio_requests_total` as the series of a cluster that say the same: of a call the service that was called, of what came
 * in the proxy's own. Undefined for all else, and for requests without an answer (code 0). Source: istio.io, "Istio
 * standard metrics".
 */
export function istioKey(name: string, labels: ReadonlyMap<string, string>): SeriesKey | undefined {
  if (name !== "istio_requests_total") return undefined
  const code = /^([2-5])\d\d$/.exec(labels.get("response_code") ?? "")?.[1]
  const owner = ownerOf(labels)
  if (code === undefined || owner === undefined) return undefined
  return { scope: "cluster", owner, rest: `upstream_rq_${code}xx` }
}

function ownerOf(labels: ReadonlyMap<string, string>): string | undefined {
  const reporter = labels.get("reporter")
  if (reporter === "destination") return EXTENSION_OWN
  if (reporter !== "source") return undefined
  const name = labels.get("destination_service_name") ?? ""
  return EXTENSION_TARGET + (PAST.has(name) ? name : labels.get("destination_service") || UNTOLD)
}
