import { HEALTH_STATES, type Health } from "#mesh/health.ts"
import type { Answer, HostsSeen, Tally } from "./answer.ts"
import { answerHead, completenessOf } from "./completeness.ts"
import { hostsOf } from "./hosts.ts"
import { withUnrouted } from "./idle-routes.ts"
import { type Inventory, inventoryOf } from "./inventory.ts"
import { type NodeFault, nodeFaults } from "./node-fault.ts"
import { type Proxy, proxiesOf } from "./proxy-list.ts"
import type { Reading } from "./reading.ts"
import type { RouteRow } from "./route-row.ts"
import { routeRows } from "./route-rows.ts"
import { rowsByResource } from "./rows-by-resource.ts"

/** A reading put in order: what every view starts from. Pure, made once per reading. */
export interface Board {
  readonly reading: Reading
  readonly head: Answer
  readonly inventory: Inventory
  readonly proxies: readonly Proxy[]
  readonly hosts: ReadonlyMap<string, HostsSeen>
  /** By `nodeKey`; nodes without a fault are not in it. */
  readonly faults: ReadonlyMap<string, NodeFault>
  /** Worst first. */
  readonly rows: readonly RouteRow[]
  /** Durations of the window by row id. */
  readonly buckets: ReadonlyMap<string, Float64Array>
  /** Rows that a resource stands for, by `resource-states.ts`. */
  readonly under: ReadonlyMap<string, readonly RouteRow[]>
}

export function boardOf(reading: Reading): Board {
  const inventory = inventoryOf(reading)
  const proxies = proxiesOf(reading)
  const hosts = hostsOf(reading)
  const made = routeRows(reading, inventory, proxies, hosts)
  const rows = withUnrouted(made.rows).toSorted(byHealth)
  return {
    reading,
    head: answerHead(reading, completenessOf(reading, proxies)),
    inventory,
    proxies,
    hosts,
    faults: nodeFaults(reading, proxies, hosts),
    rows,
    buckets: made.buckets,
    under: rowsByResource(rows),
  }
}

/** Worst state first, then what goes on before what has ended, then most errors, then most requests, then by name. */
export function byHealth(a: RouteRow, b: RouteRow): number {
  return (
    HEALTH_STATES.indexOf(a.health) - HEALTH_STATES.indexOf(b.health) ||
    Number(a.endedAt !== null) - Number(b.endedAt !== null) ||
    b.numbers.errors - a.numbers.errors ||
    b.numbers.requests - a.numbers.requests ||
    byName(a, b)
  )
}

function nameText(row: RouteRow): string {
  return [row.key.mesh, row.key.virtualService, row.name, row.id].join("\u0000")
}

export function byName(a: RouteRow, b: RouteRow): number {
  return nameText(a) < nameText(b) ? -1 : 1
}

export function tallyOf(states: Iterable<Health>): Tally {
  const counts: Record<Health, number> = { failing: 0, degraded: 0, ok: 0, "no traffic": 0, unknown: 0 }
  let total = 0
  for (const state of states) {
    counts[state]++
    total++
  }
  return { ...counts, total }
}

/** How many known routes there are of each kind. */
export function routeKinds(rows: readonly RouteRow[]): Record<RouteRow["kind"], number> {
  const counts = { gateway_route: 0, route: 0, service: 0 }
  for (const row of rows) if (row.synthetic === null) counts[row.kind]++
  return counts
}

/** Health of rows of requests without one known route. */
export function syntheticTally(rows: readonly RouteRow[]): Tally {
  return tallyOf(rows.filter((row) => row.synthetic !== null).map((row) => row.health))
}

/** Health of known routes. */
export function routeTally(rows: readonly RouteRow[]): Tally {
  return tallyOf(rows.filter((row) => row.synthetic === null).map((row) => row.health))
}

/** The worst of several states: failing, degraded, then unknown, then ok where any is, else no traffic. */
export function worstOf(states: readonly Health[]): Health {
  for (const state of ["failing", "degraded", "unknown", "ok"] as const)
    if (states.includes(state)) return state
  return states.length === 0 ? "unknown" : "no traffic"
}
