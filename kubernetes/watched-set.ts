import type { KubeObject } from "./contract.ts"
import { objectKey } from "./kube-object.ts"
import type { Versioned } from "./list.ts"

/** The set of a watch, copied before it is changed once it was handed over. */
export class WatchedSet {
  #objects = new Map<string, KubeObject>()
  readonly #versions = new Map<string, string>()
  #handed = false
  /** Something changed since it was last handed over; at first, that there is a set at all. */
  #dirty = false
  #known = false
  readonly #changed: (objects: ReadonlyMap<string, KubeObject>) => void

  constructor(changed: (objects: ReadonlyMap<string, KubeObject>) => void) {
    this.#changed = changed
  }

  /** After a list. Objects that are as they were stay the same objects. */
  replace(objects: readonly Versioned[]): void {
    const keys = new Set(objects.map(({ object }) => objectKey(object)))
    for (const key of this.#objects.keys()) if (!keys.has(key)) this.#delete(key)
    for (const { object, version } of objects) this.set(object, version)
    if (!this.#known) this.#dirty = true
    this.#known = true
  }

  set(object: KubeObject, version: string): void {
    const key = objectKey(object)
    if (version !== "" && this.#versions.get(key) === version) return
    this.#own().set(key, object)
    this.#versions.set(key, version)
  }

  gone(object: KubeObject): void {
    const key = objectKey(object)
    if (this.#objects.has(key)) this.#delete(key)
  }

  /** Hands it over if something changed. */
  tell(): void {
    if (!this.#dirty) return
    this.#dirty = false
    this.#handed = true
    this.#changed(this.#objects)
  }

  #delete(key: string): void {
    this.#own().delete(key)
    this.#versions.delete(key)
  }

  #own(): Map<string, KubeObject> {
    this.#dirty = true
    if (this.#handed) this.#objects = new Map(this.#objects)
    this.#handed = false
    return this.#objects
  }
}
