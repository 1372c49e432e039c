import type { DeclaredMesh, DeclaredModel } from "../declared.ts"
import { MeshscopeError } from "../errors.ts"
import { optional } from "./match-spec.ts"
import type { ParsedModel } from "./parsed.ts"
import { type Reading, strictReading, tolerantReading } from "./reading.ts"

/**
 * One model of several sources. Meshes of one name are joined, and a resource may stand in several sources: what two of
 * them tell alike counts once (where it was declared, its labels and pods, which not every source knows, are taken from
 * the first). Where they contradict each other, a strict reading refuses; a tolerant one keeps what the first said and
 * takes note, so the order of the sources is their rank.
 * @throws MeshscopeError MODEL_INVALID in a strict reading, when two sources contradict each other
 */
export function mergeModels(
  models: readonly DeclaredModel[],
  reading: Reading = strictReading(),
): DeclaredModel {
  const meshes = new Map<string, DeclaredMesh>()
  for (const mesh of models.flatMap((model) => model.meshes)) {
    const before = meshes.get(mesh.name)
    const joined = before === undefined ? mesh : reading.attempt(() => join(before, mesh, reading))
    if (joined !== undefined) meshes.set(mesh.name, joined)
  }
  return { meshes: [...meshes.values()] }
}

/** The models of several sources with their notes; of what they tell differently, the first source is believed. */
export function mergeParsed(parts: readonly ParsedModel[]): ParsedModel {
  const reading = tolerantReading()
  for (const note of parts.flatMap(({ notes }) => notes)) reading.notes.add(note)
  const model = mergeModels(
    parts.map((part) => part.model),
    reading,
  )
  return { model, notes: reading.notes.list() }
}

function join(a: DeclaredMesh, b: DeclaredMesh, reading: Reading): DeclaredMesh {
  const mesh = a.name
  if (a.flavor !== b.flavor) throw contradiction(`mesh ${mesh}`, `flavor ${a.flavor} and ${b.flavor}`)
  const owners = reading.attempt(() => ownerOf(a, b))
  const of = <T extends { readonly name: string }>(
    kind: string,
    left: readonly T[],
    right: readonly T[],
  ): T[] => union(left, right, `mesh ${mesh}: ${kind}`, reading)
  return {
    name: mesh,
    flavor: a.flavor,
    ...optional("owner", owners ?? a.owner),
    // A file without the mesh object itself has the default, DROP_ALL: the file that says otherwise knows.
    egress: a.egress === "ALLOW_ALL" || b.egress === "ALLOW_ALL" ? "ALLOW_ALL" : "DROP_ALL",
    virtualNodes: of("virtual node", a.virtualNodes, b.virtualNodes),
    virtualServices: of("virtual service", a.virtualServices, b.virtualServices),
    virtualRouters: of("virtual router", a.virtualRouters, b.virtualRouters),
    virtualGateways: of("virtual gateway", a.virtualGateways, b.virtualGateways),
  }
}

function ownerOf(a: DeclaredMesh, b: DeclaredMesh): string | undefined {
  if (a.owner !== undefined && b.owner !== undefined && a.owner !== b.owner)
    throw contradiction(`mesh ${a.name}`, `owner ${a.owner} and ${b.owner}`)
  return a.owner ?? b.owner
}

function union<T extends { readonly name: string }>(
  a: readonly T[],
  b: readonly T[],
  kind: string,
  reading: Reading,
): T[] {
  const all = new Map(a.map((one) => [one.name, one]))
  for (const one of b) {
    const before = all.get(one.name)
    if (before === undefined) all.set(one.name, one)
    else
      reading.attempt(() => {
        if (content(before) !== content(one))
          throw contradiction(`${kind} ${one.name}`, "two different declarations")
      })
  }
  return [...all.values()]
}

/** What a source may not know: API answers have neither native objects nor pods. */
const ASIDE = new Set(["native", "labels", "podSelector"])

/** Everything but where it was declared: the same node may come from a Kubernetes object and from a saved answer. */
function content(resource: object): string {
  return JSON.stringify(sorted(resource))
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== "object" || value === null) return value
  const entries = Object.entries(value).filter(([key]) => !ASIDE.has(key))
  return entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, sorted(inner)])
}

function contradiction(what: string, detail: string): MeshscopeError {
  return new MeshscopeError("MODEL_INVALID", `${what}: the sources contradict each other (${detail})`)
}
