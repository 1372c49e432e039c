import type { KnownProxy } from "./known-proxy.ts"

/** Proxies of this agent by what spans call them. Replicas have the same names; any of them will do. */
export class KnownProxies {
  readonly #byTarget = new Map<string, KnownProxy>()
  readonly #byName = new Map<string, Set<KnownProxy>>()

  set(target: string, proxy: KnownProxy): void {
    this.drop(target)
    this.#byTarget.set(target, proxy)
    for (const name of namesOf(proxy)) {
      const known = this.#byName.get(name)
      if (known === undefined) this.#byName.set(name, new Set([proxy]))
      else known.add(proxy)
    }
  }

  drop(target: string): void {
    const proxy = this.#byTarget.get(target)
    if (proxy === undefined) return
    this.#byTarget.delete(target)
    for (const name of namesOf(proxy)) {
      const known = this.#byName.get(name)
      known?.delete(proxy)
      if (known?.size === 0) this.#byName.delete(name)
    }
  }

  byNodeId(nodeId: string): KnownProxy | undefined {
    return this.#named(`id ${nodeId}`)
  }

  byResource(mesh: string, resource: string): KnownProxy | undefined {
    return this.#named(`resource ${mesh}/${resource}`)
  }

  byService(service: string): KnownProxy | undefined {
    return this.#named(`service ${service}`)
  }

  #named(name: string): KnownProxy | undefined {
    return this.#byName.get(name)?.values().next().value
  }
}

/** The kind of name first, so that no name can stand for another kind's. */
function namesOf({ identity, nodeCluster, services }: KnownProxy): ReadonlySet<string> {
  const { nodeId, mesh, resource } = identity
  const names = new Set([`resource ${mesh}/${resource}`])
  if (nodeId !== "") names.add(`id ${nodeId}`)
  for (const service of [...services, nodeCluster]) if (service !== "") names.add(`service ${service}`)
  return names
}
