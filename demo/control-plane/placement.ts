import type { DeclaredMesh } from "#mesh/declared.ts"
import { MeshscopeError } from "#mesh/errors.ts"

/** One Envoy with the application beside it. Loopback plays the network; each pod has three addresses. */
export interface Pod {
  /** Unique in the fleet, e.g. `yelb-ui-virtual-node-0`. */
  readonly name: string
  readonly kind: "virtual_node" | "virtual_gateway"
  /** Name of the virtual node or gateway. */
  readonly resource: string
  /** The pod's address: admin 9901, ingress listeners. */
  readonly address: string
  /** Where the application listens: App Mesh has 127.0.0.1 here. */
  readonly appAddress: string
  /** What iptables would lead to port 15001. */
  readonly egressAddress: string
}

export interface Placement {
  /** Second octet of all addresses of this fleet: 127.<base>.x.n. */
  readonly base: number
  readonly pods: readonly Pod[]
}

export const ADMIN_PORT = 9901
export const INGRESS_PORT = 15000
export const EGRESS_PORT = 15001

/** How many pods a virtual node or gateway has; one where nothing is said. 0 leaves it out. */
export type Replicas = Readonly<Record<string, number>>

/** Gateways first, then nodes, in declared order. Throws `MODEL_INVALID` above 250 pods or for an unknown name. */
export function placePods(mesh: DeclaredMesh, replicas: Replicas, base: number): Placement {
  const resources = [
    ...mesh.virtualGateways.map(({ name }) => ({ name, kind: "virtual_gateway" as const })),
    ...mesh.virtualNodes.map(({ name }) => ({ name, kind: "virtual_node" as const })),
  ]
  for (const name of Object.keys(replicas)) {
    if (resources.every((resource) => resource.name !== name)) {
      throw new MeshscopeError(
        "MODEL_INVALID",
        `The placement names ${name}, which the mesh does not declare.`,
      )
    }
  }
  const names = resources.flatMap(({ name, kind }) =>
    Array.from({ length: replicas[name] ?? 1 }, (_, index) => ({ name, kind, index })),
  )
  if (names.length > 250) throw new MeshscopeError("MODEL_INVALID", "A fleet has at most 250 pods.")
  const pods = names.map(({ name, kind, index }, at) => pod(name, kind, index, base, at + 1))
  return { base, pods }
}

function pod(resource: string, kind: Pod["kind"], index: number, base: number, n: number): Pod {
  return {
    name: `${resource}-${index}`,
    kind,
    resource,
    address: `127.${base}.1.${n}`,
    appAddress: `127.${base}.2.${n}`,
    egressAddress: `127.${base}.3.${n}`,
  }
}
