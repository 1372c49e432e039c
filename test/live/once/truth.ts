import type { Truth } from "../../../demo/truth.ts"
import { type Counts, keyText } from "../rig/exposed.ts"

export const HEALTH_CHECK_NAMES = ["virtual_gateway", "virtual_node"]
export const TCP_NAMES = ["reporter", "virtual_service", "source", "virtual_node"]

/**
 * The truth in the shape of `pageCounts(…, "mesh_health_check_requests_total", HEALTH_CHECK_NAMES)`. A gateway passes
 * each to itself, so the demo's truth has two; the request was one.
 */
export function truthHealthChecks({ healthChecks }: Truth): Counts {
  return summed(
    healthChecks.map(({ virtualGateway, virtualNode, count }) => {
      return [
        { virtual_gateway: virtualGateway, virtual_node: virtualNode },
        virtualGateway === "" ? count : count / 2,
      ] as const
    }),
    HEALTH_CHECK_NAMES,
  )
}

/** Connections as both proxies tell them: the caller's knows the service, the callee's only its own node. */
export function truthConnections({ tcp }: Truth): Counts {
  return summed(
    tcp.flatMap(({ source, virtualService, virtualNode, connections }) => [
      [
        { reporter: "source", virtual_service: virtualService, source, virtual_node: virtualNode },
        connections,
      ] as const,
      [{ reporter: "destination", virtual_node: virtualNode }, connections] as const,
    ]),
    TCP_NAMES,
  )
}

function summed(
  rows: readonly (readonly [labels: Readonly<Record<string, string>>, count: number])[],
  names: readonly string[],
): Counts {
  const counts: Counts = {}
  for (const [labels, count] of rows) {
    const key = keyText(labels, names)
    counts[key] = (counts[key] ?? 0) + count
  }
  return counts
}
