import { randomUUID } from "node:crypto"
import type { KubeObject, KubeResource } from "../../../kubernetes/contract.ts"

export type EventType = "ADDED" | "MODIFIED" | "DELETED"

/** One change: the object behind it, and as it was before. */
export interface Change {
  readonly version: number
  readonly kind: string
  readonly before: KubeObject | undefined
  readonly after: KubeObject | undefined
}

/** What a test gives: names, and whatever else it wants the object to have. */
export interface GivenObject {
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly uid?: string
    readonly [field: string]: unknown
  }
  readonly [field: string]: unknown
}

export interface Definition {
  readonly resource: KubeResource
  readonly kind: string
  readonly namespaced: boolean
}

/** `pods.v1`, `virtualnodes.v1beta2.appmesh.k8s.aws`: as the API server's own documents name them. */
export const kindKey = ({ group, version, plural }: KubeResource): string =>
  [plural, version, group].filter((part) => part !== "").join(".")

/** Objects with one rising version over all kinds, and every change since the last compaction, like etcd. */
export class Store {
  version = 1000
  /** Changes up to here are forgotten. */
  compacted = 0
  readonly definitions = new Map<string, Definition>()
  readonly #objects = new Map<string, Map<string, KubeObject>>()
  #changes: Change[] = []
  readonly #listeners = new Set<(change: Change) => void>()

  define(definition: Definition): void {
    this.definitions.set(kindKey(definition.resource), definition)
  }

  /** The kind is not known any more, as when its definition is taken away. */
  undefine(resource: KubeResource): void {
    this.definitions.delete(kindKey(resource))
    this.#objects.delete(kindKey(resource))
  }

  /** Makes the object, or puts it in the place of the one of its name, which keeps its uid. */
  put(resource: KubeResource, given: GivenObject): KubeObject {
    const definition = this.definitions.get(kindKey(resource))
    if (definition === undefined) throw new Error(`${kindKey(resource)} is not defined in the fake`)
    if (definition.namespaced !== (given.metadata.namespace !== undefined))
      throw new Error(`${definition.kind} ${given.metadata.name} has a wrong scope`)
    const objects = this.#of(resource)
    const key = keyOf(given)
    const before = objects.get(key)
    this.version += 1
    const { group, version } = resource
    const after = structuredClone({
      apiVersion: group === "" ? version : `${group}/${version}`,
      kind: definition.kind,
      ...given,
      metadata: {
        ...given.metadata,
        uid: given.metadata.uid ?? before?.metadata.uid ?? randomUUID(),
        resourceVersion: String(this.version),
      },
    })
    objects.set(key, after)
    this.#changed({ version: this.version, kind: kindKey(resource), before, after })
    return after
  }

  remove(resource: KubeResource, name: string, namespace?: string): void {
    const objects = this.#of(resource)
    const key = namespace === undefined ? name : `${namespace}/${name}`
    const before = objects.get(key)
    if (before === undefined) throw new Error(`there is no ${kindKey(resource)} ${key}`)
    objects.delete(key)
    this.version += 1
    this.#changed({ version: this.version, kind: kindKey(resource), before, after: undefined })
  }

  /** In the order of their names, as etcd has them. */
  list(resource: KubeResource): KubeObject[] {
    return [...this.#of(resource)].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object)
  }

  find(resource: KubeResource, name: string, namespace: string | undefined): KubeObject | undefined {
    return this.#of(resource).get(namespace === undefined ? name : `${namespace}/${name}`)
  }

  /** @returns undefined when that is forgotten */
  since(version: number, kind: string): readonly Change[] | undefined {
    if (version < this.compacted) return undefined
    return this.#changes.filter((change) => change.version > version && change.kind === kind)
  }

  /** Forgets every change so far. */
  compact(): void {
    this.compacted = this.version
    this.#changes = []
  }

  subscribe(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #changed(change: Change): void {
    this.#changes.push(change)
    for (const listener of this.#listeners) listener(change)
  }

  #of(resource: KubeResource): Map<string, KubeObject> {
    const key = kindKey(resource)
    const objects = this.#objects.get(key) ?? new Map<string, KubeObject>()
    this.#objects.set(key, objects)
    return objects
  }
}

const keyOf = ({ metadata: { name, namespace } }: GivenObject): string =>
  namespace === undefined ? name : `${namespace}/${name}`
