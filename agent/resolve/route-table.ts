import type { RouteConfig, VirtualHost } from "#mesh/proxy.ts"
import type { RequestView } from "./route-table/conditions.ts"
import { Domains } from "./route-table/domains.ts"
import { HostIndex, rowHolds, type TableRow } from "./route-table/host-index.ts"
import { normalizedPath, type PathRules, pathEnd } from "./route-table/normalize-path.ts"
import { NO, YES } from "./route-table/tri.ts"

export type RouteAnswer =
  | { readonly kind: "row"; readonly row: TableRow }
  /** Any of these may have taken the request; they differ in what the log does not tell. */
  | { readonly kind: "ambiguous"; readonly rows: readonly TableRow[] }
  /** `host` is the virtual host that the authority names; undefined when none does. */
  | { readonly kind: "unmatched"; readonly host: VirtualHost | undefined }

export interface MatchOptions {
  /** Whether a row can have led to where the request is known to have gone. Absent: not known where it went. */
  readonly leads?: (row: TableRow) => boolean
  /** The request may have found no route at all, as far as the log tells. */
  readonly mayBeUnmatched?: boolean
}

/** Enough to tell that a row is not certain; a table may hold thousands that differ by a header. */
const MAX_AMBIGUOUS = 32

/**
 * Replays a request against one route configuration in Envoy's own order: virtual host by authority, then the first
 * route whose match holds. Where the log lacks a header, the rows before the first certain one stay possible.
 *
 * `same` tells what the caller holds two rows for: rows that it calls by one name are never ambiguous among each other.
 */
export class RouteTable {
  readonly #config: RouteConfig
  readonly #domains: Domains
  readonly #rules: PathRules
  readonly #same: (a: TableRow, b: TableRow) => boolean
  readonly #indexes = new Map<VirtualHost, HostIndex>()

  constructor(config: RouteConfig, rules: PathRules, same?: (a: TableRow, b: TableRow) => boolean) {
    this.#config = config
    this.#domains = new Domains(config)
    this.#rules = rules
    this.#same = same ?? ((a, b) => a === b)
  }

  match(view: RequestView, options: MatchOptions = {}): RouteAnswer {
    const { authority } = view
    const path = view.path === undefined ? undefined : normalizedPath(view.path, this.#rules)
    if (path === undefined && view.path !== undefined) return this.#refused(authority)
    const seen = path === view.path ? view : { ...view, path }
    if (authority === undefined) return this.#acrossHosts(seen, options)
    const host = this.#domains.find(authority)
    if (host === undefined) return { kind: "unmatched", host: undefined }
    const rows: TableRow[] = []
    const certain = this.#collect(host, seen, options, rows)
    return this.#answer(rows, certain, options, host)
  }

  /** Whether any virtual host takes this authority, by a wildcard too. */
  takesHost(authority: string): boolean {
    return this.#domains.find(authority) !== undefined
  }

  /** The virtual host that names this very authority (no wildcard). */
  namedHost(authority: string): VirtualHost | undefined {
    return this.#domains.exact(authority)
  }

  /** Envoy answered before it looked for a route. */
  #refused(authority: string | undefined): RouteAnswer {
    const host = authority === undefined ? undefined : this.#domains.find(authority)
    return { kind: "unmatched", host }
  }

  /** Without an authority each virtual host may have been meant. */
  #acrossHosts(view: RequestView, options: MatchOptions): RouteAnswer {
    const rows: TableRow[] = []
    let certain = true
    for (const host of this.#config.virtualHosts) {
      if (!this.#collect(host, view, options, rows)) certain = false
    }
    return this.#answer(rows, certain, options, undefined)
  }

  /** Adds the rows that may have taken the request, up to the first that certainly did; true when there is one. */
  #collect(host: VirtualHost, view: RequestView, options: MatchOptions, rows: TableRow[]): boolean {
    const index = this.#indexOf(host)
    const bare = view.path === undefined ? undefined : view.path.slice(0, pathEnd(view.path))
    const orders = view.path === undefined ? index.rows.keys() : index.candidates(view.path)
    for (const order of orders) {
      const row = index.rows[order]
      if (row === undefined || (options.leads !== undefined && !options.leads(row))) continue
      const holds = rowHolds(row, view, bare)
      if (holds === NO) continue
      if (rows.length === 0 || (rows.length < MAX_AMBIGUOUS && !rows.some((one) => this.#same(one, row)))) {
        rows.push(row)
      }
      if (holds === YES) return true
    }
    return false
  }

  #answer(
    rows: readonly TableRow[],
    certain: boolean,
    options: MatchOptions,
    host: VirtualHost | undefined,
  ): RouteAnswer {
    const first = rows[0]
    if (first === undefined) return { kind: "unmatched", host }
    if (rows.length === 1 && (certain || options.mayBeUnmatched !== true)) return { kind: "row", row: first }
    return { kind: "ambiguous", rows }
  }

  #indexOf(host: VirtualHost): HostIndex {
    const known = this.#indexes.get(host)
    if (known !== undefined) return known
    const made = new HostIndex(host)
    this.#indexes.set(host, made)
    return made
  }
}
