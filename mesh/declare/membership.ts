import { type KubeObject, type KubeObjects, nameOf } from "./kube-objects.ts"
import { selectorAt } from "./selector.ts"
import { invalid, textAt } from "./spot.ts"

/** Kinds that belong to one mesh. */
export const MEMBERS = [
  "VirtualNode",
  "VirtualService",
  "VirtualRouter",
  "VirtualGateway",
  "GatewayRoute",
] as const
export type MemberKind = (typeof MEMBERS)[number]

/** Objects of one mesh, by kind, in the order in which they came. */
export interface MeshMembers {
  /** Missing where only its members were given. */
  readonly mesh?: KubeObject
  readonly of: Readonly<Record<MemberKind, KubeObject[]>>
}

/** Every mesh by its name in AWS. An object that belongs to no certain mesh is refused. */
export function membersByMesh(objects: KubeObjects): Map<string, MeshMembers> {
  const meshes = new Map<string, MeshMembers>()
  for (const mesh of objects.of("Mesh")) {
    const before = meshes.get(mesh.awsName)?.mesh
    if (before === undefined) meshes.set(mesh.awsName, { mesh, of: nothing() })
    else
      objects.reading.notes.add(
        `${nameOf(mesh)}: spec.awsName: ${nameOf(before)} has this name; taken as one mesh`,
      )
  }
  const claims = claimsOf(objects)
  for (const kind of MEMBERS) {
    for (const object of objects.of(kind)) {
      const name = objects.reading.attempt(() => meshNameOf(objects, object, claims))
      if (name === undefined) continue
      const members = meshes.get(name) ?? { of: nothing() }
      meshes.set(name, members)
      members.of[kind].push(object)
    }
  }
  return meshes
}

function nothing(): Record<MemberKind, KubeObject[]> {
  return { VirtualNode: [], VirtualService: [], VirtualRouter: [], VirtualGateway: [], GatewayRoute: [] }
}

type Claims = (namespace: string) => readonly KubeObject[]

/** The meshes whose selector takes a namespace; each namespace is asked for once. */
function claimsOf(objects: KubeObjects): Claims {
  const meshes = [...objects.of("Mesh")].flatMap((mesh) => {
    const takes = objects.reading.attempt(() => selectorAt(mesh.spec, false, "namespaceSelector"))
    return takes === undefined ? [] : [{ mesh, takes }]
  })
  const known = new Map<string, readonly KubeObject[]>()
  const claims: Claims = (namespace) => {
    const before = known.get(namespace)
    if (before !== undefined) return before
    const labels = objects.namespaceLabels(namespace)
    const found = meshes.filter(({ takes }) => takes(labels)).map(({ mesh }) => mesh)
    known.set(namespace, found)
    return found
  }
  noteRivals(objects, claims)
  return claims
}

function noteRivals(objects: KubeObjects, claims: Claims): void {
  for (const { name } of objects.of("Namespace")) {
    const [first, second, ...more] = claims(name)
    if (first === undefined || second === undefined) continue
    const others = more.length === 0 ? "" : ` (and ${more.length} more)`
    objects.reading.notes.add(
      `Namespace ${name}: spec.namespaceSelector of ${nameOf(first)} and of ${nameOf(second)} select it${others}`,
    )
  }
}

/** `meshRef` as the controller writes it, else the only mesh, else the one whose selector takes the namespace. */
function meshNameOf(objects: KubeObjects, object: KubeObject, claims: Claims): string {
  const reference = textAt(object.spec, "meshRef", "name")
  if (reference !== undefined) {
    const mesh = objects.find("Mesh", "", reference)
    if (mesh === undefined)
      objects.reading.notes.add(`Mesh ${reference} is referred to but not declared; taken as ${reference}`)
    return mesh?.awsName ?? reference
  }
  const fits = objects.count("Mesh") === 1 ? [...objects.of("Mesh")] : claims(object.namespace)
  const only = fits[0]
  if (only !== undefined && fits.length === 1) return only.awsName
  const why = `${objects.count("Mesh")} meshes are declared and ${fits.length} select namespace ${object.namespace}`
  throw invalid(object.object, `belongs to no certain mesh: it has no spec.meshRef, ${why}`)
}
