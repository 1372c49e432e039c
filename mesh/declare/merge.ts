import type { DeclaredMesh, DeclaredModel } from "../declared.ts"
import { MeshscopeError } from "../errors.ts"
import { optional } from "./match-spec.ts"

/**
 * One model of several files' models: meshes of one name are joined, and a resource may stand in several files as long
 * as all tell the same.
 * @throws MeshscopeError MODEL_INVALID when two files contradict each other
 */
export function mergeModels(models: readonly DeclaredModel[]): DeclaredModel {
  const meshes = new Map<string, DeclaredMesh>()
  for (const mesh of models.flatMap((model) => model.meshes)) {
    const before = meshes.get(mesh.name)
    meshes.set(mesh.name, before === undefined ? mesh : join(before, mesh))
  }
  return { meshes: [...meshes.values()] }
}

function join(a: DeclaredMesh, b: DeclaredMesh): DeclaredMesh {
  const mesh = a.name
  if (a.flavor !== b.flavor) throw contradiction(`mesh ${mesh}`, `flavor ${a.flavor} and ${b.flavor}`)
  if (a.owner !== undefined && b.owner !== undefined && a.owner !== b.owner) {
    throw contradiction(`mesh ${mesh}`, `owner ${a.owner} and ${b.owner}`)
  }
  return {
    name: mesh,
    flavor: a.flavor,
    ...optional("owner", a.owner ?? b.owner),
    // A file without the mesh object itself has the default, DROP_ALL: the file that says otherwise knows.
    egress: a.egress === "ALLOW_ALL" || b.egress === "ALLOW_ALL" ? "ALLOW_ALL" : "DROP_ALL",
    virtualNodes: union(a.virtualNodes, b.virtualNodes, `mesh ${mesh}: virtual node`),
    virtualServices: union(a.virtualServices, b.virtualServices, `mesh ${mesh}: virtual service`),
    virtualRouters: union(a.virtualRouters, b.virtualRouters, `mesh ${mesh}: virtual router`),
    virtualGateways: union(a.virtualGateways, b.virtualGateways, `mesh ${mesh}: virtual gateway`),
  }
}

function union<T extends { readonly name: string }>(a: readonly T[], b: readonly T[], kind: string): T[] {
  const all = new Map(a.map((one) => [one.name, one]))
  for (const one of b) {
    const before = all.get(one.name)
    if (before !== undefined && content(before) !== content(one)) {
      throw contradiction(`${kind} ${one.name}`, "two different declarations")
    }
    all.set(one.name, before ?? one)
  }
  return [...all.values()]
}

/** Everything but where it was declared: the same node may come from a Kubernetes object and from a saved answer. */
function content(resource: object): string {
  return JSON.stringify(sorted(resource))
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== "object" || value === null) return value
  const entries = Object.entries(value).filter(([key]) => key !== "native" && key !== "labels")
  return entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, sorted(inner)])
}

function contradiction(what: string, detail: string): MeshscopeError {
  return new MeshscopeError("MODEL_INVALID", `${what}: the files contradict each other (${detail})`)
}
