import { gunzipSync, gzipSync } from "node:zlib"
import type { ProxyConfig } from "#mesh/proxy.ts"
import type { Participant } from "./account/contract.ts"

const VERSION = 1

/**
 * The last configuration of one proxy, kept with the counters. Lines that a proxy wrote before it went away can then be
 * named after a restart of the agent, although nobody answers at its admin interface any more.
 */
export class ConfigCache implements Participant {
  readonly key: string
  #config: ProxyConfig | undefined
  #dirty = false

  constructor(proxy: string, restored: Uint8Array | undefined) {
    this.key = `config/${proxy}`
    this.#config = restored === undefined ? undefined : parse(restored)
  }

  get config(): ProxyConfig | undefined {
    return this.#config
  }

  keep(config: ProxyConfig): void {
    this.#config = config
    this.#dirty = true
  }

  save(): Uint8Array | undefined {
    if (!this.#dirty || this.#config === undefined) return undefined
    this.#dirty = false
    return gzipSync(JSON.stringify({ v: VERSION, config: this.#config }), { level: 1 })
  }
}

/** What cannot be read counts as nothing: the proxy is asked anew. */
function parse(bytes: Uint8Array): ProxyConfig | undefined {
  try {
    const kept: unknown = JSON.parse(gunzipSync(bytes).toString())
    return isKept(kept) ? kept.config : undefined
  } catch {
    return undefined
  }
}

function isKept(value: unknown): value is { v: number; config: ProxyConfig } {
  return (
    typeof value === "object" &&
    value !== null &&
    "v" in value &&
    value.v === VERSION &&
    "config" in value &&
    typeof value.config === "object"
  )
}
