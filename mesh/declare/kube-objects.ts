import type { MeshscopeError } from "../errors.ts"
import { nameOrArn, type References } from "./names.ts"
import { at, documentsOf, invalid, isThere, listAt, neededText, type Spot, textAt, textsAt } from "./spot.ts"

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

export interface KubeObject {
  readonly kind: MeshKind | "Namespace"
  readonly name: string
  readonly namespace: string
  /** Name in AWS and in Envoy: `spec.awsName`, else the controller's default. */
  readonly awsName: string
  readonly labels: Readonly<Record<string, string>> | undefined
  readonly annotations: Readonly<Record<string, string>> | undefined
  /** The whole object; `spec` one step further. */
  readonly object: Spot
  readonly spec: Spot
}

/** Objects of one or more files. Lists (`kind: List`) are opened; other kinds are passed over and counted. */
export class KubeObjects {
  readonly #byName = new Map<string, KubeObject>()
  readonly #skipped = new Map<string, number>()
  readonly #remarks = new Set<string>()

  add(text: string, file: string): void {
    for (const document of documentsOf(text, file)) this.#take(document)
  }

  #take(object: Spot): void {
    if (typeof object.value !== "object" || Array.isArray(object.value)) {
      throw invalid(object, "is not a Kubernetes object")
    }
    const kind = neededText(object, "kind")
    if (kind.endsWith("List") && isThere(at(object, "items"))) {
      for (const item of listAt(object, "items")) this.#take(item)
      return
    }
    const known = kindOf(kind, textAt(object, "apiVersion") ?? "")
    if (known === undefined) this.#skipped.set(kind, (this.#skipped.get(kind) ?? 0) + 1)
    else this.#keep(read(known, object))
  }

  #keep(object: KubeObject): void {
    const key = keyOf(object.kind, object.namespace, object.name)
    const before = this.#byName.get(key)
    if (before !== undefined && !sameSpec(before, object)) {
      throw invalid(object.object, `${key} was declared before, with other content`)
    }
    this.#byName.set(key, before ?? object)
  }

  of(kind: KubeObject["kind"]): KubeObject[] {
    return [...this.#byName.values()].filter((object) => object.kind === kind)
  }

  find(kind: KubeObject["kind"], namespace: string, name: string): KubeObject | undefined {
    return this.#byName.get(keyOf(kind, namespace, name))
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
    this.remark(`${kind} ${namespace}/${name} is referred to but not declared; taken as ${guess}`)
    return guess
  }

  /** Adds a sentence to the notes, once. */
  remark(sentence: string): void {
    this.#remarks.add(sentence)
  }

  notes(): string[] {
    const skipped = [...this.#skipped].map(([kind, count]) => `${count} of kind ${kind} passed over`)
    return [...this.#remarks, ...skipped]
  }
}

function keyOf(kind: string, namespace: string, name: string): string {
  return `${kind} ${namespace}/${name}`
}

function kindOf(kind: string, apiVersion: string): KubeObject["kind"] | undefined {
  if (kind === "Namespace" && apiVersion === "v1") return "Namespace"
  if (apiVersion !== "appmesh.k8s.aws/v1beta2") return undefined
  return MESH_KINDS.find((one) => one === kind)
}

function read(kind: KubeObject["kind"], object: Spot): KubeObject {
  const name = neededText(object, "metadata", "name")
  const clusterWide = kind === "Mesh" || kind === "Namespace"
  const namespace = clusterWide ? "" : (textAt(object, "metadata", "namespace") ?? "default")
  const spec = at(object, "spec")
  return {
    kind,
    name,
    namespace,
    awsName: textAt(spec, "awsName") ?? defaultName(kind, namespace, name),
    labels: textsAt(object, "metadata", "labels"),
    annotations: textsAt(object, "metadata", "annotations"),
    object,
    spec,
  }
}

/** The controller's defaults (docs/reference/api_design.md): a virtual service is joined by a dot, the rest by `_`. */
function defaultName(kind: KubeObject["kind"], namespace: string, name: string): string {
  if (kind === "Mesh" || kind === "Namespace") return name
  return kind === "VirtualService" ? `${name}.${namespace}` : `${name}_${namespace}`
}

function sameSpec(a: KubeObject, b: KubeObject): boolean {
  return JSON.stringify(a.spec.value ?? null) === JSON.stringify(b.spec.value ?? null)
}

/** Two objects of one mesh that claim the same name in AWS. */
export function nameTaken(object: KubeObject): MeshscopeError {
  return invalid(
    at(object.spec, "awsName"),
    `another ${object.kind} of this mesh has the name ${object.awsName}`,
  )
}
