import type { DeclaredMesh } from "../../../mesh/declared.ts"
import { AMBIGUOUS, SHARED, UNDECLARED, UNKNOWN, UNMATCHED } from "../../../mesh/resource.ts"

const NAMED = new Set([
  "mesh",
  "virtual_gateway",
  "gateway_route",
  "virtual_service",
  "virtual_router",
  "route",
  "source",
  "virtual_node",
  "proxy",
])
const STAND_INS = [AMBIGUOUS, UNMATCHED, SHARED, UNKNOWN, UNDECLARED, "(aws)", "(other)"]

/** Values of naming labels on a Prometheus page that neither the mesh nor a proxy is called. */
export function foreignNames(page: string, mesh: DeclaredMesh, proxies: readonly string[]): string[] {
  const routers = mesh.virtualRouters.flatMap((router) => [router, ...router.routes])
  const gateways = mesh.virtualGateways.flatMap((gateway) => [gateway, ...gateway.routes])
  const declared = [mesh, ...mesh.virtualNodes, ...mesh.virtualServices, ...routers, ...gateways].map(
    ({ name }) => name,
  )
  const known = new Set([...declared, ...proxies, ...STAND_INS])
  const found = new Set<string>()
  for (const [, label = "", value = ""] of page.matchAll(/[{,](\w+)="((?:[^"\\]|\\.)*)"/g)) {
    if (NAMED.has(label) && !known.has(value)) found.add(`${label}=${value}`)
  }
  return [...found]
}
