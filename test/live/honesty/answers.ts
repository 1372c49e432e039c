import { UNDECLARED, UNMATCHED } from "../../../mesh/resource.ts"
import type { HttpCause } from "./cause.ts"
import { ALL, asking, onRoute, ours, perRoute, retries, seen } from "./way.ts"

export const answered: readonly HttpCause[] = [
  onRoute("the application answers 200", "app-200", "app", {
    seen: seen(200, "-", "via_upstream"),
    outcome: "ok",
  }),
  onRoute("the application answers 500", "app-500", "app", {
    seen: seen(500, "-", "via_upstream"),
    outcome: "error",
    flag: "-",
    by: "app",
    provoke: asking("/app-500/?answers=500"),
  }),
  onRoute("503 three times, two retries", "app-503-retried", "app", {
    seen: seen(503, "URX", "via_upstream"),
    outcome: "error",
    flag: "URX",
    by: "app",
    action: retries(2),
    provoke: asking("/app-503-retried/?answers=503"),
  }),
  onRoute("503, then 200 by a retry", "retry-helps", "app", {
    seen: seen(200, "-", "via_upstream"),
    outcome: "ok",
    action: retries(2),
    provoke: asking("/retry-helps/?answers=503,200"),
  }),
  onRoute("answer cut in the middle", "cut-after-headers", "app", {
    seen: seen(200, "UPE", "upstream_reset_after_response_started{protocol_error}"),
    outcome: "error",
    flag: "UPE",
    by: "app",
    provoke: asking("/cut-after-headers/?cut=after"),
  }),
  onRoute("delay injected", "fault-delay", "app", {
    seen: seen(200, "DI", "via_upstream"),
    outcome: "ok",
    filters: perRoute("fault", "fault.v3.HTTPFault", { delay: { fixed_delay: "0.1s", percentage: ALL } }),
  }),
]

export const unplaced: readonly HttpCause[] = [
  {
    cause: "no route takes the path",
    provoke: asking("/nowhere"),
    seen: seen(404, "NR", "route_not_found"),
    ours: { ...ours(UNMATCHED, "", "error", "NR", "proxy"), router: "" },
  },
  {
    cause: "no virtual host has the host",
    provoke: asking("/app-200/", { host: "other.local" }),
    seen: seen(404, "NR", "route_not_found"),
    ours: { ...ours(UNMATCHED, "", "error", "NR", "proxy"), service: UNDECLARED, router: "" },
  },
  onRoute("the route's cluster does not exist", "unknown-cluster", "ghost", {
    seen: seen(503, "NC", "cluster_not_found"),
    outcome: "error",
    flag: "NC",
    by: "proxy",
    nowhere: true,
  }),
]
