import type { DemoArguments } from "./arguments.ts"
import type { Replicas } from "./control-plane/placement.ts"
import type { TracerPlan } from "./control-plane/tracing.ts"
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

/** Where the agent takes them by default. */
const SPAN_PORTS = { xray: 2000, zipkin: 9411, otlp: 4319 } as const

/** The same tracer in every proxy, and no request left out. */
export function tracersFor({ tracer, spansTo }: Pick<DemoArguments, "tracer" | "spansTo">): TracerPlan {
  if (tracer === "none") return {}
  const to = spansTo ?? { host: "127.0.0.1", port: SPAN_PORTS[tracer] }
  return { "*": { kind: tracer, ...to, samplingRate: 1 } }
}
