import { HEALTH_RULES, type Health } from "#mesh/health.ts"
import type { Board } from "./board.ts"
import { callerSaw } from "./caller-saw.ts"
import { nodeKey } from "./hosts.ts"
import type { NodeFault } from "./node-fault.ts"
import { resourceId } from "./resource-states.ts"
import { ownKey, routeText } from "./route-id.ts"
import type { RouteRow } from "./route-row.ts"
import { timeText } from "./time-text.ts"

/** A route whose errors are those of an origin. */
export interface AffectedRoute {
  readonly id: string
  readonly name: string
  readonly health: Health
  /** `there`: its target is the origin. `same`: the same requests, seen one hop earlier. `through`: by a node's own calls. */
  readonly how: "there" | "same" | "through"
  /** The node whose own calls fail at the origin; `through` only. */
  readonly via: string | null
  /** Of its errors, those that lead to the origin. */
  readonly errors: number
  readonly ofErrors: number
}

/** Where a fault begins, as counts prove it, and the routes that fail for it. */
export interface FaultOrigin {
  /** `pathText` of the node, or of the service or gateway whose requests no route takes. */
  readonly id: string
  readonly mesh: string
  /** Empty where requests came to no node. */
  readonly virtualNode: string
  /** What is wrong there, without a full stop; in the past tense once it has ended. */
  readonly sentence: string
  readonly evidence: readonly string[]
  /** Since when the route with most errors there has its state; null once that has ended. */
  readonly since: string | null
  /** When it ended; null while it goes on. */
  readonly endedAt: string | null
  readonly routes: readonly AffectedRoute[]
}

/** Of a route's errors, those that must lead to an origin for the route to stand under it. */
const MOST = 0.5
/** Two passes of the same requests through a gateway are written and read apart: so far their counts may differ. */
const SAME_COUNTS = 0.1

/** Where a row's errors lead: node -> count. */
type Targets = ReadonlyMap<string, number>

/** All nodes whose faults explain a failing or degraded route. */
export function originsOf(board: Board): FaultOrigin[] {
  const targets = targetsOf(board)
  const found = new Map<NodeFault, { row: RouteRow; route: AffectedRoute }[]>()
  for (const row of board.rows) {
    if ((row.health !== "failing" && row.health !== "degraded") || row.synthetic !== null) continue
    const led = leading(board, row, targets)
    if (led === undefined) continue
    found.set(led.fault, [...(found.get(led.fault) ?? []), { row, route: led.route }])
  }
  return [...found].map(([fault, rows]) => originOf(fault, rows))
}

/** What goes on before what has ended, then most errors first. */
export function inOrder(origins: readonly FaultOrigin[]): FaultOrigin[] {
  return origins.toSorted(
    (a, b) => Number(a.endedAt !== null) - Number(b.endedAt !== null) || errorsOf(b) - errorsOf(a),
  )
}

function errorsOf({ routes }: FaultOrigin): number {
  return routes.reduce((sum, route) => sum + (route.how === "there" ? route.errors : 0), 0)
}

const HOWS = ["there", "same", "through"] as const

function originOf(fault: NodeFault, rows: readonly { row: RouteRow; route: AffectedRoute }[]): FaultOrigin {
  const sorted = rows.toSorted(
    (a, b) => HOWS.indexOf(a.route.how) - HOWS.indexOf(b.route.how) || b.route.errors - a.route.errors,
  )
  return {
    id: resourceId("virtual_node", fault.mesh, fault.flavor, fault.virtualNode),
    mesh: fault.mesh,
    virtualNode: fault.virtualNode,
    sentence: fault.sentence,
    evidence: fault.evidence,
    since: fault.endedMs === undefined ? sinceOf(fault, sorted) : null,
    endedAt: fault.endedMs === undefined ? null : timeText(fault.endedMs),
    routes: sorted.map(({ route }) => route),
  }
}

/** A route that failed before, for another reason, does not make this fault older than it is. */
function sinceOf({ sinceMs }: NodeFault, rows: readonly { row: RouteRow }[]): string | null {
  const since = rows.find(({ row }) => row.since !== null)?.row.since ?? null
  if (since === null || sinceMs === undefined) return since
  return timeText(Math.max(Date.parse(since), sinceMs))
}

/** Errors of each caller's row by target, and of each gateway's second pass by service and target. */
function targetsOf(board: Board): ReadonlyMap<string, Targets> {
  const all = new Map<string, Map<string, number>>()
  const add = (key: string, node: string, count: number): void => {
    const counts = all.get(key) ?? new Map<string, number>()
    all.set(key, counts.set(node, (counts.get(node) ?? 0) + count))
  }
  for (const { key, reporter, virtualNode, outcome, count } of board.reading.requests) {
    if (!callerSaw(reporter, key) || outcome !== "error" || count === 0) continue
    add(routeText(ownKey(key, reporter), reporter), virtualNode, count)
    if (reporter === "source" && key.virtualGateway !== "")
      add(passText(key.mesh, key.flavor, key.virtualGateway, key.virtualService), virtualNode, count)
  }
  return all
}

function passText(mesh: string, flavor: string, gateway: string, service: string): string {
  return ["pass", mesh, flavor, gateway, service].join("\u0000")
}

interface Led {
  readonly fault: NodeFault
  readonly route: AffectedRoute
}

function leading(board: Board, row: RouteRow, targets: ReadonlyMap<string, Targets>): Led | undefined {
  const counts = callerSaw(row.reporter, row.key)
    ? targets.get(routeText(row.key, row.reporter))
    : secondPass(board, row, targets)
  if (counts === undefined) return undefined
  const sums = new Map<NodeFault, { errors: number; via: string | null }>()
  const ends = [...counts].map(([node, errors]) => ({ node, errors, end: endOf(board, row, node) }))
  // A fault that has ended does not explain what goes on while another one does.
  const goesOn =
    row.endedAt === null && ends.some(({ end }) => end !== undefined && end.endedMs === undefined)
  let all = 0
  let asked = 0
  for (const { node, errors, end } of ends) {
    all += errors
    if (goesOn && end?.endedMs !== undefined) continue
    asked += errors
    if (end === undefined) continue
    const via = end.virtualNode === node ? null : node
    sums.set(end, { errors: (sums.get(end)?.errors ?? 0) + errors, via })
  }
  const [most] = [...sums].toSorted((a, b) => b[1].errors - a[1].errors)
  if (most === undefined || most[1].errors < asked * MOST) return undefined
  const [fault, { errors, via }] = most
  const how = via !== null ? "through" : callerSaw(row.reporter, row.key) ? "there" : "same"
  return { fault, route: { id: row.id, name: row.name, health: row.health, how, via, errors, ofErrors: all } }
}

/** What the gateway sent on for a row's service, when the counts show that these are the same requests. */
function secondPass(board: Board, row: RouteRow, targets: ReadonlyMap<string, Targets>): Targets | undefined {
  const { mesh, flavor, virtualGateway, virtualService } = row.key
  const counts = targets.get(passText(mesh, flavor, virtualGateway, virtualService))
  if (counts === undefined) return undefined
  const first = board.rows
    .filter(
      ({ reporter, key }) =>
        reporter === "gateway" &&
        key.mesh === mesh &&
        key.flavor === flavor &&
        key.virtualGateway === virtualGateway &&
        key.virtualService === virtualService,
    )
    .reduce((sum, { numbers }) => sum + numbers.errors, 0)
  const second = [...counts.values()].reduce((sum, count) => sum + count, 0)
  const slack = Math.max(HEALTH_RULES.minimumErrors, first * SAME_COUNTS)
  return Math.abs(first - second) <= slack ? counts : undefined
}

/** Follows nodes that only pass on to the one where it begins. */
function endOf(board: Board, { key }: RouteRow, node: string): NodeFault | undefined {
  const seen = new Set<string>()
  let fault = board.faults.get(nodeKey(key.mesh, key.flavor, node))
  while (fault !== undefined && fault.kind === "passed" && fault.to !== null && !seen.has(fault.to)) {
    seen.add(fault.to)
    const next = board.faults.get(nodeKey(key.mesh, key.flavor, fault.to))
    if (next === undefined) return fault
    fault = next
  }
  return fault
}
