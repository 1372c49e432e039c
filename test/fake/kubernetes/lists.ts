import { randomUUID } from "node:crypto"
import type { KubeObject } from "../../../kubernetes/contract.ts"
import type { Query } from "./query.ts"
import { expired } from "./status.ts"
import type { Definition, Store } from "./store.ts"

interface Begun {
  readonly version: number
  readonly rest: readonly KubeObject[]
}

/** Lists in pages. All pages of a list are of one version, until that is compacted. */
export class Lists {
  readonly #store: Store
  readonly #begun = new Map<string, Begun>()

  constructor(store: Store) {
    this.#store = store
  }

  /** @throws Refusal 410 when the token's version is compacted */
  page({ resource, kind }: Definition, query: Query): object {
    const { version, rest } = query.token === "" ? this.#begin(resource, query) : this.#goOn(query.token)
    // By `resourceVersion=0` the answer comes out of the watch cache, whole, as it did up to Kubernetes 1.33.
    const all = query.limit === 0 || query.version === 0
    const items = all ? rest : rest.slice(0, query.limit)
    const left = rest.slice(items.length)
    const token = randomUUID()
    if (left.length > 0) this.#begun.set(token, { version, rest: left })
    const { group, version: apiVersion } = resource
    return {
      kind: `${kind}List`,
      apiVersion: group === "" ? apiVersion : `${group}/${apiVersion}`,
      metadata: {
        resourceVersion: String(version),
        ...(left.length > 0 ? { continue: token, remainingItemCount: left.length } : {}),
      },
      items: group === "" ? items.map(bare) : items,
    }
  }

  #begin(resource: Definition["resource"], query: Query): Begun {
    return { version: this.#store.version, rest: this.#store.list(resource).filter(query.selects) }
  }

  #goOn(token: string): Begun {
    const begun = this.#begun.get(token)
    if (begun === undefined || begun.version < this.#store.compacted)
      throw expired(
        "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.",
      )
    return begun
  }
}

/** Items of the kinds that are built in come without their kind, those of custom resources with it. */
const bare = ({ apiVersion: _version, kind: _kind, ...rest }: KubeObject): object => rest
