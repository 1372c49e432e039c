import type { DeclaredModel } from "#mesh/declared.ts"
import type { ProxyIdentity } from "#mesh/proxy.ts"

/**
 * Which meshes another model declares otherwise. Answers for a proxy by its mesh; a proxy that nobody could name yet
 * has no names that could differ.
 */
export function changedMeshes(
  before: DeclaredModel,
  after: DeclaredModel,
): (identity: ProxyIdentity | undefined) => boolean {
  const old = texts(before)
  const now = texts(after)
  const changed = new Set([...old.keys(), ...now.keys()].filter((key) => old.get(key) !== now.get(key)))
  return (identity) => identity !== undefined && changed.has(keyOf(identity.flavor, identity.mesh))
}

function texts({ meshes }: DeclaredModel): ReadonlyMap<string, string> {
  return new Map(meshes.map((mesh) => [keyOf(mesh.flavor, mesh.name), JSON.stringify(mesh)]))
}

const keyOf = (flavor: string, mesh: string): string => `${flavor}/${mesh}`
