import type { Health } from "#mesh/health.ts"
import type { Kind } from "#mesh/resource.ts"
import type { Answer, HostsSeen, RequestNumbers, TcpNumbers } from "./answer.ts"
import type { Synthetic } from "./route-row.ts"

/** One box. `layer` is its column: gateway 0, gateway route 1, service 2, router 3, route 4, node 5. */
export interface GraphNode {
  readonly id: string
  readonly kind: Kind
  readonly mesh: string
  readonly name: string
  readonly namespace: string | null
  readonly layer: number
  readonly health: Health
  readonly synthetic: Synthetic | null
  readonly declared: boolean
  readonly numbers: RequestNumbers | null
  readonly tcp: TcpNumbers | null
  readonly hosts: HostsSeen | null
  /** Id in the routes view, when the box is a route. */
  readonly routeId: string | null
  /** Services only: names of virtual nodes that call it (not drawn backwards). */
  readonly calledBy: readonly string[]
}

/**
 * `declared`: structure (gateway to gateway route, service to router, router to route).
 * `target`: a route or service to a node. `forward`: a gateway route to a service. `call`: a node to a service.
 */
export type EdgeKind = "declared" | "target" | "forward" | "call"

export interface GraphEdge {
  readonly id: string
  readonly source: string
  readonly target: string
  readonly kind: EdgeKind
  readonly protocol: "http" | "tcp"
  readonly health: Health
  /** null where nobody measures the edge. */
  readonly requestsPerSecond: number | null
  readonly errorRatio: number | null
  readonly p95Ms: number | null
  /** Declared weight; null when none is declared. */
  readonly weight: number | null
}

export interface GraphView extends Answer {
  readonly nodes: readonly GraphNode[]
  readonly edges: readonly GraphEdge[]
  /** Changes only when boxes or edges come or go: the key for a cached layout. */
  readonly topology: string
}
