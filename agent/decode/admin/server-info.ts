import { deep, field, number, text } from "../config-dump/json.ts"
import { pageJson } from "./page.ts"

/** What `/server_info` tells that no other page does. */
export interface ServerInfo {
  /** `1.40.0`; empty when it cannot be read. */
  readonly version: string
  readonly state: "live" | "draining" | "initializing"
  /** Seconds since the current hot-restart epoch began; `server.uptime` counts all of them. */
  readonly epochUptimeSeconds: number
  /** Number of hot restarts. */
  readonly restartEpoch: number
  readonly nodeId: string
}

/**
 * Decodes `/server_info`. Source: Envoy's `envoy.admin.v3.ServerInfo`; proto JSON leaves zeros and the state LIVE out.
 * @throws MeshscopeError ADMIN_BAD_ANSWER
 */
export function decodeServerInfo(bytes: Buffer): ServerInfo {
  const page = pageJson(bytes, "/server_info")
  return {
    version: text(field(page, "version")).split("/")[1] ?? "",
    state: stateOf(text(field(page, "state"))),
    epochUptimeSeconds: seconds(field(page, "uptime_current_epoch")),
    restartEpoch: number(deep(page, "command_line_options", "restart_epoch")) ?? 0,
    nodeId: text(deep(page, "node", "id")) || text(deep(page, "command_line_options", "service_node")),
  }
}

function stateOf(state: string): ServerInfo["state"] {
  if (state === "DRAINING") return "draining"
  return state === "PRE_INITIALIZING" || state === "INITIALIZING" ? "initializing" : "live"
}

/** Proto durations: `119s`, `0.5s`. */
function seconds(value: unknown): number {
  return number(text(value).replace(/s$/, "")) ?? 0
}
