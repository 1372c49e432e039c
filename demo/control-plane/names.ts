import type { AppProtocol } from "#mesh/declared.ts"
import { EGRESS_PORT } from "./placement.ts"

/** Names that App Mesh's control plane gave to Envoy's parts (reference: user guide, envoy-metrics and metrics). */
export function clusterName(
  direction: "ingress" | "egress",
  mesh: string,
  node: string,
  protocol: AppProtocol,
  port: number,
): string {
  return `cds_${direction}_${mesh}_${node}_${protocol}_${port}`
}

/** A gateway's way back into itself. With several listeners the name also holds the listener's port. */
export function selfRedirectName(mesh: string, gateway: string, listenerPort: number | undefined): string {
  const port = listenerPort === undefined ? "" : `_${listenerPort}`
  return `cds_ingress_${mesh}_${gateway}_self_redirect${port}_http_${EGRESS_PORT}`
}

export const allowAllName = (mesh: string): string => `cds_egress_${mesh}_mesh-allow-all`
export const awsName = (mesh: string): string => `cds_egress_${mesh}_amazonaws`
export const listenerName = (direction: "ingress" | "egress", port: number): string =>
  `lds_${direction}_0.0.0.0_${port}`
export const routeConfigName = (
  direction: "ingress" | "egress",
  protocol: AppProtocol,
  port: number,
): string => `rds_${direction}_${protocol}_${port}`
