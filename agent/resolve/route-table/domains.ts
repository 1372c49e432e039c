import type { RouteConfig, VirtualHost } from "#mesh/proxy.ts"
import { lower } from "./conditions.ts"

interface Wildcard {
  readonly text: string
  readonly host: VirtualHost
}

/**
 * Envoy's choice of a virtual host (`RouteMatcher::findVirtualHost`): the exact domain, then the longest `*suffix`, then
 * the longest `prefix*`, then `*`. Case does not count; a port is part of the text unless the configuration ignores it.
 */
export class Domains {
  readonly #exact = new Map<string, VirtualHost>()
  readonly #suffixes: Wildcard[] = []
  readonly #prefixes: Wildcard[] = []
  readonly #ignorePort: boolean
  #any: VirtualHost | undefined

  constructor(config: RouteConfig) {
    this.#ignorePort = config.ignorePort ?? false
    for (const host of config.virtualHosts) for (const domain of host.domains) this.#add(lower(domain), host)
    this.#suffixes.sort(longestFirst)
    this.#prefixes.sort(longestFirst)
  }

  #add(domain: string, host: VirtualHost): void {
    if (domain === "*") this.#any ??= host
    else if (domain.startsWith("*")) this.#suffixes.push({ text: domain.slice(1), host })
    else if (domain.endsWith("*")) this.#prefixes.push({ text: domain.slice(0, -1), host })
    else if (!this.#exact.has(domain)) this.#exact.set(domain, host)
  }

  find(authority: string): VirtualHost | undefined {
    return this.exact(authority) ?? this.#wild(this.#key(authority)) ?? this.#any
  }

  /** The virtual host that names this very authority, not one that takes many. */
  exact(authority: string): VirtualHost | undefined {
    return this.#exact.get(this.#key(authority))
  }

  #key(authority: string): string {
    const text = /[A-Z]/.test(authority) ? lower(authority) : authority
    return this.#ignorePort ? text.replace(/:\d+$/, "") : text
  }

  /** A wildcard stands for at least one letter. */
  #wild(text: string): VirtualHost | undefined {
    for (const one of this.#suffixes) {
      if (text.length > one.text.length && text.endsWith(one.text)) return one.host
    }
    for (const one of this.#prefixes) {
      if (text.length > one.text.length && text.startsWith(one.text)) return one.host
    }
    return undefined
  }
}

function longestFirst(a: Wildcard, b: Wildcard): number {
  return b.text.length - a.text.length
}
