import type { Flavor, Provenance, Reporter } from "./resource.ts"

/** What one look at everything there is found: `meshscope once`. */
export interface OnceReport {
  readonly proxies: readonly OnceProxy[]
  /** Largest number of requests first. */
  readonly requests: readonly OnceRequests[]
  readonly lines: OnceLines
  /** Whether an agent of this configuration takes spans from proxies. */
  readonly takesSpans: boolean
}

export interface OnceProxy {
  readonly proxy: string
  readonly mesh: string
  readonly flavor: Flavor | ""
  readonly role: "sidecar" | "gateway" | ""
  /** Virtual node or gateway; empty when it is not known. */
  readonly resource: string
  readonly version: string
  readonly provenance: Provenance | ""
  /** Why the proxy could not be read, else what this look does not count and what is missing; empty when all is well. */
  readonly problem: string
  /** Words of `mesh_proxy_info{missing}`. */
  readonly missing: readonly string[]
  /** Files that hold its access lines. */
  readonly logs: readonly string[]
  /** Which way its spans would go (`mesh/span-way.ts`). */
  readonly spans: string
  readonly ok: boolean
}

/** Requests of one row since their source began. Empty texts do not apply. */
export interface OnceRequests {
  readonly mesh: string
  readonly reporter: Reporter
  readonly virtualGateway: string
  readonly gatewayRoute: string
  readonly virtualService: string
  readonly virtualRouter: string
  readonly route: string
  readonly source: string
  readonly virtualNode: string
  readonly ok: number
  readonly clientErrors: number
  readonly errors: number
  readonly aborted: number
}

export interface OnceLines {
  readonly read: number
  readonly accounted: number
  readonly dropped: Readonly<Record<string, number>>
  readonly doubts: Readonly<Record<string, number>>
}
