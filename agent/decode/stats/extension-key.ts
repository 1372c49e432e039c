import { EXTENSION_TARGET, type SeriesKey } from "#mesh/stats.ts"

/** Series of the metrics extension about calls, as the series of a cluster that say the same. */
const FIELDS: ReadonlyMap<string, string> = new Map([
  ["HTTPCode_Target_2XX_Count", "upstream_rq_2xx"],
  ["HTTPCode_Target_3XX_Count", "upstream_rq_3xx"],
  ["HTTPCode_Target_4XX_Count", "upstream_rq_4xx"],
  ["HTTPCode_Target_5XX_Count", "upstream_rq_5xx"],
  ["TargetResponseTime", "upstream_rq_time"],
])

/**
 * What the metrics extension counts of calls in ECS Service Connect, by the discovery name that was called; undefined for
 * all else of it. In App Mesh Envoy's own clusters say the same and more. Source: amazon-ecs-service-connect-agent
 * `agent/stats`; times are milliseconds.
 * @param name without `envoy_` and the ends of histograms' lines
 */
export function extensionKey(name: string, labels: ReadonlyMap<string, string>): SeriesKey | undefined {
  const target = labels.get("TargetDiscoveryName") ?? ""
  const rest = name.startsWith("appmesh_") ? FIELDS.get(name.slice("appmesh_".length)) : undefined
  return target === "" || rest === undefined
    ? undefined
    : { scope: "cluster", owner: EXTENSION_TARGET + target, rest }
}
