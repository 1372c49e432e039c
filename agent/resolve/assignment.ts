import type { RouteMatch, WeightedTarget } from "#mesh/declared.ts"
import type { EnvoyRoute, VirtualHost } from "#mesh/proxy.ts"
import { DIFFERENT, EQUAL, sameMatch } from "./match-equality.ts"

/** A row of Envoy's table that waits for its declared name. */
export interface UnnamedRow {
  readonly host: VirtualHost
  readonly route: EnvoyRoute
  /** Virtual nodes that it sends to, by the dialect; for a gateway's row the virtual service. */
  readonly targets: ReadonlySet<string>
  /** By what the declared route may be called, the surest first. Absent: the row's own name. */
  readonly names?: readonly string[]
}

export interface DeclaredRow {
  readonly name: string
  readonly match: RouteMatch
  /** Names that rows made of it bear in Envoy; see `Route.wireNames`. */
  readonly wireNames?: readonly string[]
  readonly targets: readonly string[]
}

export interface Assigned<T> {
  readonly declared: T
  /** How sure: by its own name, by equal match (and targets where needed), or only by its place in the order. */
  readonly by: "name" | "match" | "order"
}

/**
 * Finds for each row of Envoy, in order, the declared route that it was made of. Match and targets decide. Where a row
 * equals none, the place in the order decides, but only when both sides have equally many: then somebody changed a
 * match, and one of the two sides is older. A row that stays without a name is answered as undefined.
 */
export function assignRoutes<T extends DeclaredRow>(
  rows: readonly UnnamedRow[],
  declared: readonly T[],
): (Assigned<T> | undefined)[] {
  const taken = new Map<string, number>()
  const found = rows.map((row) => byName(row, declared) ?? byMatch(row, declared, taken))
  return found.every((one) => one !== undefined) ? found : byOrder(rows, declared, found)
}

/** Control planes after App Mesh's may name routes. Two that bear the same name are of one declared object. */
function byName<T extends DeclaredRow>(row: UnnamedRow, declared: readonly T[]): Assigned<T> | undefined {
  const found = declaredByName(row, declared)
  return found === undefined ? undefined : { declared: found, by: "name" }
}

/** The declared route whose name in Envoy, or whose own, the row bears. */
export function declaredByName<T extends Pick<DeclaredRow, "name" | "wireNames">>(
  row: Pick<UnnamedRow, "route" | "names">,
  declared: readonly T[],
): T | undefined {
  const { name } = row.route
  if (name === "") return undefined
  const wired = declared.find(({ wireNames }) => wireNames?.includes(name) === true)
  if (wired !== undefined) return wired
  for (const wanted of row.names ?? [name]) {
    const named = declared.find((one) => one.name === wanted)
    if (named !== undefined) return named
  }
  return undefined
}

function byMatch<T extends DeclaredRow>(
  row: UnnamedRow,
  declared: readonly T[],
  taken: Map<string, number>,
): Assigned<T> | undefined {
  const grades = declared.map((one) => sameMatch(one.match, row.route, row.host))
  const best = Math.max(DIFFERENT, ...grades)
  if (best === DIFFERENT) return undefined
  const pool = declared.filter((_, index) => grades[index] === best)
  const exact = pool.filter((one) => sameTargets(one.targets, row.targets))
  const narrowed = exact.length > 0 ? exact : pool
  const only = narrowed[0]
  if (only === undefined) return undefined
  if (narrowed.length === 1) return { declared: only, by: "match" }
  // Several declared routes are equal in all that Envoy tells: they follow one another as declared.
  const key = JSON.stringify(narrowed.map((one) => one.name))
  const turn = taken.get(key) ?? 0
  if (best === EQUAL) taken.set(key, turn + 1)
  return { declared: narrowed[Math.min(turn, narrowed.length - 1)] ?? only, by: "order" }
}

function sameTargets(declared: readonly string[], targets: ReadonlySet<string>): boolean {
  const wanted = new Set(declared)
  return wanted.size === targets.size && declared.every((one) => targets.has(one))
}

/** Fills the gaps of a table that has as many rows as were declared (two rows that differ by a slash count once). */
function byOrder<T extends DeclaredRow>(
  rows: readonly UnnamedRow[],
  declared: readonly T[],
  found: readonly (Assigned<T> | undefined)[],
): (Assigned<T> | undefined)[] {
  const places = placesOf(rows)
  if ((places.at(-1) ?? -1) + 1 !== declared.length) return [...found]
  const used = new Set(found.map((one) => one?.declared.name))
  return found.map((one, index) => {
    const candidate = declared[places[index] ?? -1]
    if (one !== undefined || candidate === undefined || used.has(candidate.name)) return one
    return { declared: candidate, by: "order" }
  })
}

function placesOf(rows: readonly UnnamedRow[]): number[] {
  const places: number[] = []
  let place = -1
  let before = ""
  for (const { route } of rows) {
    const { kind, value, headers, query } = route.match
    const text = JSON.stringify([kind, value.length > 1 ? value.replace(/\/$/, "") : value, headers, query])
    if (text !== before) place += 1
    before = text
    places.push(place)
  }
  return places
}

/** What two targets have to share to be one: the node's name, whatever its port and weight, which shift. */
export function targetNames(targets: readonly WeightedTarget[]): string[] {
  return targets.map((target) => target.virtualNode)
}
