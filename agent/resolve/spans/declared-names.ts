import type { DeclaredModel } from "#mesh/declared.ts"

/** Names of the declared resources, to tell what a bare name is. */
export interface DeclaredNames {
  /** Whether the mesh declares a gateway of that name and no node. */
  isGateway(mesh: string, name: string): boolean
  isNode(mesh: string, name: string): boolean
  /** The virtual service that an authority names, with its port or without; undefined where none is declared. */
  service(mesh: string, authority: string): string | undefined
}

export function declaredNames(model: DeclaredModel | undefined): DeclaredNames {
  const meshes = new Map(
    model?.meshes.map((mesh) => [
      mesh.name,
      {
        nodes: new Set(mesh.virtualNodes.map(({ name }) => name)),
        gateways: new Set(mesh.virtualGateways.map(({ name }) => name)),
        services: new Set(mesh.virtualServices.map(({ name }) => name)),
      },
    ]),
  )
  return {
    isGateway(mesh, name) {
      const known = meshes.get(mesh)
      return known !== undefined && known.gateways.has(name) && !known.nodes.has(name)
    },
    isNode: (mesh, name) => meshes.get(mesh)?.nodes.has(name) === true,
    service(mesh, authority) {
      const services = meshes.get(mesh)?.services
      const host = authority.replace(/:\d{1,5}$/, "")
      return [authority, host].find((name) => services?.has(name) === true)
    },
  }
}
