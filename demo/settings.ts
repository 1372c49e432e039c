import type { Replicas } from "./control-plane/placement.ts"
import type { LogPlan } from "./logs.ts"

/** How the demo's mesh logs unless told otherwise: some JSON, one in default text, the rest not at all. */
export const MIXED_LOGS: LogPlan = {
  "yelb-gateway_yelb": "json",
  "yelb-ui-virtual-node": "json",
  "yelb-appserver-virtual-node": "text",
  "*": "none",
}
export const ALL_JSON: LogPlan = { "*": "json" }

export const PLACEMENT: Replicas = { "yelb-appserver-virtual-node": 2 }
