import type { EnvoyRoute, VirtualHost } from "#mesh/proxy.ts"
import { compilePattern } from "../pattern/pattern.ts"
import { type Condition, conditionsOf, lower, type RequestView } from "./conditions.ts"
import { pathEnd } from "./normalize-path.ts"
import { PrefixTree } from "./prefix-tree.ts"
import { MAYBE, NO, type Tri, triOf, YES } from "./tri.ts"

/** One route of a virtual host, compiled. `order` is its place in Envoy's own order. */
export interface TableRow {
  readonly order: number
  readonly host: VirtualHost
  readonly route: EnvoyRoute
  readonly conditions: readonly Condition[]
  /** What the index did not check already; undefined: being found there is enough. `path` is without its query. */
  readonly pathTest: ((path: string) => Tri) | undefined
}

/**
 * The rows of one virtual host, found by path: exact paths in a map, prefixes in a tree, patterns in the tree by the
 * letters that they must begin with. What fits nowhere (case ignored, CONNECT, unknown kinds) is tried each time.
 */
export class HostIndex {
  readonly rows: readonly TableRow[]
  readonly #exact = new Map<string, number[]>()
  readonly #prefixes = new PrefixTree()
  readonly #loose: number[] = []
  /** Filled anew by each look-up. */
  readonly #found: number[] = []

  constructor(host: VirtualHost) {
    this.rows = host.routes.map((route, order) => this.#add(host, route, order))
  }

  #add(host: VirtualHost, route: EnvoyRoute, order: number): TableRow {
    return {
      order,
      host,
      route,
      conditions: conditionsOf(route.match),
      pathTest: this.#file(route.match, order),
    }
  }

  /** Puts a row where it will be found, and answers what is left to check then. */
  #file(match: EnvoyRoute["match"], order: number): TableRow["pathTest"] {
    const { kind, value, caseSensitive } = match
    if (kind === "regex") {
      const pattern = compilePattern(value)
      if (pattern === undefined) {
        this.#loose.push(order)
        return () => MAYBE
      }
      this.#prefixes.add(pattern.literalPrefix, order)
      return (path) => triOf(pattern.matches(path))
    }
    if (kind === "connect" || kind === "other") {
      this.#loose.push(order)
      return () => MAYBE
    }
    if (!caseSensitive) {
      this.#loose.push(order)
      const test = plainTest(kind, lower(value))
      return (path) => test(lower(path))
    }
    if (kind === "path") {
      const same = this.#exact.get(value)
      if (same === undefined) this.#exact.set(value, [order])
      else same.push(order)
      return undefined
    }
    this.#prefixes.add(value, order)
    return kind === "prefix" ? undefined : plainTest(kind, value)
  }

  /** Rows that the path may lead to, in Envoy's order. Valid until the next call. */
  candidates(path: string): readonly number[] {
    const found = this.#found
    found.length = 0
    const end = pathEnd(path)
    const bare = end === path.length ? path : path.slice(0, end)
    for (const order of this.#exact.get(bare) ?? NOTHING) found.push(order)
    this.#prefixes.collect(bare, bare.length, found)
    for (const order of this.#loose) found.push(order)
    if (found.length > 1) sortFew(found)
    return found
  }
}

const NOTHING: readonly number[] = []

/** Insertion sort: there are a few prefixes of a path, and they come nearly sorted. Many go to the engine's own. */
function sortFew(orders: number[]): void {
  if (orders.length > 24) {
    orders.sort((a, b) => a - b)
    return
  }
  for (let index = 1; index < orders.length; index += 1) {
    const order = orders[index] ?? 0
    let at = index
    for (; at > 0 && (orders[at - 1] ?? 0) > order; at -= 1) orders[at] = orders[at - 1] ?? 0
    orders[at] = order
  }
}

function plainTest(kind: "prefix" | "path" | "path_separated_prefix", value: string): (path: string) => Tri {
  if (kind === "path") return (path) => triOf(path === value)
  if (kind === "prefix") return (path) => triOf(path.startsWith(value))
  return (path) =>
    triOf(path.startsWith(value) && (path.length === value.length || path[value.length] === "/"))
}

/** Whether a row that the index found takes the request. */
export function rowHolds(row: TableRow, view: RequestView, barePath: string | undefined): Tri {
  if (row.route.match.kind === "connect" && view.method !== undefined && view.method !== "CONNECT") return NO
  let holds: Tri = barePath === undefined ? MAYBE : YES
  if (barePath !== undefined && row.pathTest !== undefined) {
    const path = row.pathTest(barePath)
    if (path === NO) return NO
    if (path === MAYBE) holds = MAYBE
  }
  for (const condition of row.conditions) {
    const one = condition(view)
    if (one === NO) return NO
    if (one === MAYBE) holds = MAYBE
  }
  return holds
}
