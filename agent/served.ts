import type { ProxyTarget, Served, TargetGap } from "#mesh/proxy.ts"
import { ADMIN, type AdminPath } from "./collect/admin/path.ts"
import type { PageFormat } from "./decode/stats/line-value.ts"

/** One page of stats that may be asked for. */
export interface StatsAsk {
  readonly format: PageFormat
  readonly path: AdminPath
}

const RAW: StatsAsk = { format: "raw", path: ADMIN.stats }
const PROMETHEUS: StatsAsk = { format: "prometheus", path: ADMIN.prometheus }
const METRICS: StatsAsk = { format: "prometheus", path: ADMIN.metrics }
const WHOLE: StatsAsk = { format: "prometheus", path: ADMIN.prometheusWhole }

/** The pages of stats that an address may have, the one to begin with first; at the next where that one is refused. */
export function statsAsks(served: Served, page: "auto" | "text" | "prometheus"): readonly StatsAsk[] {
  switch (served.kind) {
    case "admin":
      return page === "auto" ? [RAW, PROMETHEUS] : [page === "text" ? RAW : PROMETHEUS]
    case "prometheus":
      return [served.path === "/metrics" ? METRICS : PROMETHEUS]
    case "service-connect":
      // What the socket does not know it answers with 400.
      return [PROMETHEUS, WHOLE]
    case "pushed":
      return [PROMETHEUS]
    case "nothing":
      return []
  }
}

export function servedBy({ serves }: ProxyTarget): Served {
  return serves ?? { kind: "admin" }
}

/** What can never be read of a target where it runs: words of `mesh_proxy_info{missing}`. */
export function gapsOf(target: ProxyTarget): readonly TargetGap[] {
  const { kind } = servedBy(target)
  const served = kind === "admin" ? [] : (["config", "hosts"] as const)
  const pushed = kind === "pushed" ? (["datagrams"] as const) : []
  return [...new Set([...served, ...pushed, ...(target.gaps ?? [])])]
}
