import { readFile } from "node:fs/promises"
import type { Fleet, FleetProxy } from "../../../demo/fleet.ts"
import type { Truth, TruthRow } from "../../../demo/truth.ts"
import { flagBits } from "../../../mesh/flags.ts"
import { OUTCOMES, outcomeOf } from "../../../mesh/outcome.ts"

/** One JSON access-log line, as this test reads it; whose it is comes from the file, its direction from the address. */
export interface AccessLine {
  readonly resource: string
  readonly inbound: boolean
  readonly gateway: boolean
  readonly method: string | null
  readonly user_agent: string | null
  readonly request_id: string | null
  readonly upstream_cluster: string | null
  readonly response_code: number
  readonly response_flags: string
  readonly grpc_status: number | null
  readonly bytes_received: number
  readonly bytes_sent: number
  readonly downstream_local_address: string
}

export async function fleetLines(fleet: Fleet): Promise<readonly AccessLine[]> {
  return (await Promise.all(fleet.proxies.map(proxyLines))).flat()
}

async function proxyLines({ pod, log }: FleetProxy): Promise<readonly AccessLine[]> {
  const text = await readFile(log, "utf8")
  return text
    .split("\n")
    .filter((line) => line.startsWith("{") && line.endsWith("}"))
    .map((line) => {
      const fields = JSON.parse(line) as Omit<AccessLine, "resource" | "inbound" | "gateway">
      const inbound = fields.downstream_local_address.startsWith(`${pod.address}:`)
      return Object.assign(fields, {
        resource: pod.resource,
        inbound,
        gateway: pod.kind === "virtual_gateway",
      })
    })
}

const HEALTH = /^(?:Envoy\/HC|ELB-HealthChecker\/)/

/**
 * Requests by the proxy's resource, direction, upstream cluster, code, gRPC status and outcome; health checks by the
 * resource alone.
 */
export function lineCounts(lines: readonly AccessLine[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const line of lines.filter(({ method }) => method !== null)) {
    const key = HEALTH.test(line.user_agent ?? "") ? `${line.resource} health check` : requestKey(line)
    counts[key] = (counts[key] ?? 0) + 1
  }
  return counts
}

function requestKey(line: AccessLine): string {
  const grpc = line.grpc_status ?? -1
  const flags = flagBits(line.response_flags)
  const outcome = OUTCOMES[outcomeOf(line.response_code, grpc, flags, line.gateway && line.inbound)]
  const way = line.inbound ? "in" : "out"
  return `${line.resource} ${way} ${line.upstream_cluster ?? "-"} ${line.response_code} ${grpc} ${outcome}`
}

/** The same of the truth. */
export function truthCounts(truth: Truth): Record<string, number> {
  const counts: Record<string, number> = {}
  const add = (key: string, count: number): void => {
    counts[key] = (counts[key] ?? 0) + count
  }
  for (const row of truth.requests) add(rowKey(row), row.count)
  for (const { virtualGateway, virtualNode, count } of truth.healthChecks) {
    add(`${virtualGateway || virtualNode} health check`, count)
  }
  return counts
}

/** What a line of this row says, by App Mesh's names. */
function rowKey(row: TruthRow): string {
  const port =
    row.protocol === "grpc" ? "grpc_50051" : row.virtualNode.includes("ui") ? "http_80" : "http_4567"
  const out = row.virtualNode === "" ? "-" : `cds_egress_yelb_${row.virtualNode}_${port}`
  const end = `${row.code} ${row.grpcStatus} ${row.outcome}`
  switch (row.reporter) {
    case "gateway":
      return `${row.virtualGateway} in cds_ingress_yelb_${row.virtualGateway}_self_redirect_http_15001 ${end}`
    case "source":
      return `${row.source || row.virtualGateway} out ${out} ${end}`
    case "destination":
      return `${row.virtualNode} in cds_ingress_yelb_${row.virtualNode}_${port} ${end}`
  }
}
