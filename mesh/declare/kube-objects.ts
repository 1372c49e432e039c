import type { MeshscopeError } from "../errors.ts"
import { nameOrArn, type References } from "./names.ts"
import type { Reading } from "./reading.ts"
import { at, invalid, isThere, listAt, neededText, type Spot, textAt, textsAt } from "./spot.ts"

/** Kinds of `appmesh.k8s.aws/v1beta2` that make the model. */
export const MESH_KINDS = [
  "Mesh",
  "VirtualNode",
  "VirtualService",
  "VirtualRouter",
  "VirtualGateway",
  "GatewayRoute",
  "BackendGroup",
] as const
export type MeshKind = (typeof MESH_KINDS)[number]

/** Of kinds that are not ours, so many are counted one by one. */
const MOST_SKIPPED_KINDS = 20

/** Kinds of Istio and of the Gateway API, which use words of App Mesh again. */
export type IstioKind =
  | "istio/VirtualService"
  | "istio/DestinationRule"
  | "istio/Gateway"
  | "istio/ServiceEntry"
  | "api/Gateway"
  | "api/HTTPRoute"
/** With those that lend what others need: labels of namespaces, ports and pods of services. */
export type KubeKind = MeshKind | IstioKind | "Namespace" | "Service"

/** Every kind that is read, by API group and its own word. */
const KINDS: ReadonlyMap<string, KubeKind> = new Map<string, KubeKind>([
  ["/Namespace", "Namespace"],
  ["/Service", "Service"],
  ...MESH_KINDS.map((kind) => [`appmesh.k8s.aws/${kind}`, kind] as const),
  ["networking.istio.io/VirtualService", "istio/VirtualService"],
  ["networking.istio.io/DestinationRule", "istio/DestinationRule"],
  ["networking.istio.io/Gateway", "istio/Gateway"],
  ["networking.istio.io/ServiceEntry", "istio/ServiceEntry"],
  ["gateway.networking.k8s.io/Gateway", "api/Gateway"],
  ["gateway.networking.k8s.io/HTTPRoute", "api/HTTPRoute"],
])
const VERSIONS = new Set([
  "v1",
  "appmesh.k8s.aws/v1beta2",
  "networking.istio.io/v1",
  "networking.istio.io/v1beta1",
  "networking.istio.io/v1alpha3",
  "gateway.networking.k8s.io/v1",
  "gateway.networking.k8s.io/v1beta1",
])

export interface KubeObject {
  readonly kind: KubeKind
  /** Its own word for itself, which more than one kind may have. */
  readonly nativeKind: string
  readonly name: string
  readonly namespace: string
  /** Name in AWS and in Envoy: `spec.awsName`, else the controller's default. */
  readonly awsName: string
  readonly labels: Readonly<Record<string, string>> | undefined
  /** The whole object; `spec` one step further. */
  readonly object: Spot
  readonly spec: Spot
}

/** Objects of files or of a cluster. Lists (`kind: List`) are opened; other kinds are passed over and counted. */
export class KubeObjects {
  readonly reading: Reading
  readonly #byKind = new Map<KubeKind, Map<string, KubeObject>>()
  readonly #skipped = new Map<string, number>()

  constructor(reading: Reading) {
    this.reading = reading
  }

  /** @throws MeshscopeError MODEL_INVALID for what is no Kubernetes object, or was declared before in another way */
  take(object: Spot, depth = 0): void {
    if (typeof object.value !== "object" || object.value === null || Array.isArray(object.value)) {
      throw invalid(object, "is not a Kubernetes object")
    }
    const kind = neededText(object, "kind")
    if (kind.endsWith("List") && isThere(at(object, "items"))) {
      if (depth > 2) throw invalid(object, "is a list of lists of lists")
      for (const item of listAt(object, "items")) this.take(item, depth + 1)
      return
    }
    const known = kindOf(kind, textAt(object, "apiVersion") ?? "")
    if (known === undefined) this.#skip(kind)
    else this.#keep(read(known, object))
  }

  #skip(kind: string): void {
    const room = this.#skipped.size < MOST_SKIPPED_KINDS || this.#skipped.has(kind)
    const word = room ? kind : "others"
    this.#skipped.set(word, (this.#skipped.get(word) ?? 0) + 1)
  }

  #keep(object: KubeObject): void {
    const known = this.#byKind.get(object.kind) ?? new Map<string, KubeObject>()
    this.#byKind.set(object.kind, known)
    const key = keyOf(object)
    const before = known.get(key)
    if (before !== undefined && !sameSpec(before, object)) {
      throw invalid(object.object, `${nameOf(object)} was declared before, with other content`)
    }
    known.set(key, before ?? object)
  }

  of(kind: KubeKind): Iterable<KubeObject> {
    return this.#byKind.get(kind)?.values() ?? []
  }

  count(kind: KubeKind): number {
    return this.#byKind.get(kind)?.size ?? 0
  }

  find(kind: KubeKind, namespace: string, name: string): KubeObject | undefined {
    return this.#byKind.get(kind)?.get(keyOf({ namespace, name }))
  }

  namespaceLabels(namespace: string): Readonly<Record<string, string>> {
    return this.find("Namespace", "", namespace)?.labels ?? {}
  }

  /** How objects of a namespace name others: `<kind>Ref { name, namespace }` or `<kind>ARN`. */
  references(namespace: string): References {
    return {
      virtualNode: (where) => this.#referred("VirtualNode", "virtualNode", where, namespace),
      virtualService: (where) => this.#referred("VirtualService", "virtualService", where, namespace),
      virtualRouter: (where) => this.#referred("VirtualRouter", "virtualRouter", where, namespace),
    }
  }

  #referred(kind: MeshKind, stem: string, where: Spot, namespace: string): string {
    const arn = textAt(where, `${stem}ARN`)
    if (arn !== undefined) return nameOrArn(arn, stem, at(where, `${stem}ARN`))
    const reference = at(where, `${stem}Ref`)
    if (!isThere(reference)) throw invalid(where, `needs ${stem}Ref or ${stem}ARN`)
    const name = neededText(reference, "name")
    return this.awsNameOf(kind, textAt(reference, "namespace") ?? namespace, name)
  }

  /** The name in AWS; of an object that no file holds, the controller's default name, with a note. */
  awsNameOf(kind: MeshKind, namespace: string, name: string): string {
    const found = this.find(kind, namespace, name)
    if (found !== undefined) return found.awsName
    const guess = defaultName(kind, namespace, name)
    this.reading.notes.add(`${kind} ${namespace}/${name} is referred to but not declared; taken as ${guess}`)
    return guess
  }

  /** All notes of the reading, and what was passed over. */
  notes(): string[] {
    const skipped = [...this.#skipped].map(([kind, count]) => `${count} of kind ${kind} passed over`)
    return [...this.reading.notes.list(), ...skipped]
  }
}

function keyOf({ namespace, name }: Pick<KubeObject, "namespace" | "name">): string {
  return `${namespace}/${name}`
}

/** As notes and errors name it: `VirtualNode shop/ui`, `Mesh shop`. */
export function nameOf({ nativeKind, namespace, name }: KubeObject): string {
  return namespace === "" ? `${nativeKind} ${name}` : `${nativeKind} ${namespace}/${name}`
}

function kindOf(kind: string, apiVersion: string): KubeKind | undefined {
  if (!VERSIONS.has(apiVersion)) return undefined
  return KINDS.get(`${apiVersion.slice(0, Math.max(0, apiVersion.indexOf("/")))}/${kind}`)
}

function read(kind: KubeKind, object: Spot): KubeObject {
  const name = neededText(object, "metadata", "name")
  const clusterWide = kind === "Mesh" || kind === "Namespace"
  const namespace = clusterWide ? "" : (textAt(object, "metadata", "namespace") ?? "default")
  const spec = at(object, "spec")
  return {
    kind,
    nativeKind: neededText(object, "kind"),
    name,
    namespace,
    awsName: textAt(spec, "awsName") ?? defaultName(kind, namespace, name),
    labels: textsAt(object, "metadata", "labels"),
    object,
    spec,
  }
}

/** The controller's defaults (docs/reference/api_design.md): a virtual service is joined by a dot, the rest by `_`. */
function defaultName(kind: KubeKind, namespace: string, name: string): string {
  if (kind === "Mesh" || kind === "Namespace") return name
  return kind === "VirtualService" ? `${name}.${namespace}` : `${name}_${namespace}`
}

function sameSpec(a: KubeObject, b: KubeObject): boolean {
  try {
    return JSON.stringify(a.spec.value ?? null) === JSON.stringify(b.spec.value ?? null)
  } catch {
    // Nested deeper than the stack: not to be compared.
    return false
  }
}

/** Two objects of one mesh that claim the same name in AWS. */
export function nameTaken(object: KubeObject): MeshscopeError {
  return invalid(
    at(object.spec, "awsName"),
    `another ${object.kind} of this mesh has the name ${object.awsName}`,
  )
}
