import type { Health } from "#mesh/health.ts"
import type { Kind } from "#mesh/resource.ts"
import type { Answer, HostsSeen, RequestNumbers, TcpNumbers } from "./answer.ts"

/** One declared resource (or one seen in traffic that nobody declared) with what hangs below it. */
export interface ResourceNode {
  /** `pathText` of the resource. */
  readonly id: string
  readonly kind: Kind
  readonly mesh: string
  readonly flavor: string
  readonly name: string
  readonly declared: boolean
  readonly nativeKind: string | null
  readonly nativeName: string | null
  readonly namespace: string | null
  readonly health: Health
  readonly numbers: RequestNumbers | null
  readonly tcp: TcpNumbers | null
  /** Virtual nodes only, and only when a client told. */
  readonly hosts: HostsSeen | null
  /** For routes, gateway routes and services on a node: ids of their rows in the routes view. */
  readonly routeIds: readonly string[]
  /** Mesh -> gateways, services, routers, nodes; gateway -> gateway routes; router -> routes. */
  readonly children: readonly ResourceNode[]
}

export interface ResourcesView extends Answer {
  readonly meshes: readonly ResourceNode[]
  readonly total: number
}
