import { FLAGS } from "#mesh/flags.ts"
import { ANSWERED_BY, type AnsweredBy, OUTCOMES, type Outcome } from "#mesh/outcome.ts"
import type { Answer, HostsSeen, RequestNumbers, ResourceLink } from "./answer.ts"
import type { Board } from "./board.ts"
import { outcomeGroups } from "./fact.ts"
import { findingsOf } from "./findings.ts"
import { nodeKey } from "./hosts.ts"
import type { ObjectiveOrigin, Resource } from "./inventory.ts"
import { knownRates } from "./known-rate.ts"
import { noOutcomes, numbersOf, quantileSteps } from "./numbers.ts"
import type { Reading } from "./reading.ts"
import { rowsUnder, stateAbove, sumRows } from "./resource-states.ts"
import { nativeOf } from "./resources.ts"
import { ownKey, routeText } from "./route-id.ts"
import { bucketsOf, countsOf, FLAG_BY, type RouteReading, type Span, type SpanFact } from "./route-reading.ts"
import type { RouteRow } from "./route-row.ts"
import { timeText } from "./time-text.ts"

export interface DetailNumbers extends RequestNumbers {
  /** Upstream attempts per request, retries included; null when no source tells. */
  readonly attemptsPerRequest: number | null
}

/** One calling virtual node or gateway. */
export interface CallerRow {
  readonly kind: "virtual_node" | "virtual_gateway"
  /** Empty when the caller is not known (a gateway's own callers are outside). */
  readonly name: string
  readonly numbers: RequestNumbers
}

/** One target node: what was declared for it and what it received. */
export interface TargetRow {
  readonly virtualNode: string
  /** null: no weight was declared for it. 0 is a weight. */
  readonly declaredWeight: number | null
  /** Of the sum of weights, 0..1. */
  readonly declaredShare: number | null
  readonly receivedShare: number | null
  readonly numbers: DetailNumbers
  readonly hosts: HostsSeen | null
}

export interface FlagRow {
  readonly flags: string
  /** What the flags mean, in words. */
  readonly meaning: string
  readonly answeredBy: AnsweredBy
  readonly outcome: Outcome
  readonly virtualNode: string
  readonly count: number
  /** Of all failures with the same outcome, 0..1. */
  readonly share: number
}

export interface CodeRow {
  readonly codeClass: string
  readonly count: number
}

/** Something proven by the numbers on this page. */
export interface Finding {
  readonly id: string
  readonly sentence: string
  readonly evidence: readonly string[]
  /** What would disprove it. */
  readonly refutation: readonly string[]
  /** What cannot be seen from here. */
  readonly unseen: readonly string[]
}

/** Objective and how fast its budget burns in the window: 1 spends it exactly over 30 days. */
export interface Budget {
  readonly objective: number
  /** `default`: nobody declared an objective for this route. */
  readonly origin: ObjectiveOrigin
  readonly burnRate: number | null
}

/** 60 points of a minute on one time axis. */
export interface Charts {
  readonly startAt: string
  readonly stepSeconds: number
  /** Per second; null before anything was known. */
  readonly requests: readonly (number | null)[]
  readonly errors: readonly (number | null)[]
  readonly aborted: readonly (number | null)[]
  readonly errorRatio: readonly (number | null)[]
  readonly p50Ms: readonly (number | null)[]
  readonly p95Ms: readonly (number | null)[]
  readonly p99Ms: readonly (number | null)[]
}

export interface RouteDetailView extends Answer {
  readonly row: RouteRow
  /** From the gateway or service down to the route itself. */
  readonly parents: readonly ResourceLink[]
  readonly nativeKind: string | null
  readonly nativeName: string | null
  readonly namespace: string | null
  /** The filter in force; null for everyone, any node. Latency cannot be told per caller and is null then. */
  readonly caller: string | null
  readonly target: string | null
  readonly now: DetailNumbers
  /** The hour that ended where the window begins. */
  readonly before: DetailNumbers
  readonly budget: Budget | null
  readonly callers: readonly CallerRow[]
  readonly targets: readonly TargetRow[]
  readonly flags: readonly FlagRow[]
  readonly codes: readonly CodeRow[]
  readonly charts: Charts
  readonly findings: readonly Finding[]
}

/** One route from numbers to cause. `row` is its row of the board; `route` was read with the same store and window. */
export function routeDetailView(board: Board, row: RouteRow, route: RouteReading): RouteDetailView {
  const resource = resourceOf(board, row)
  const detail = {
    ...board.head,
    row,
    parents: parentsOf(board, row),
    ...nativeOf(resource),
    caller: route.filter.caller,
    target: route.filter.target,
    now: detailNumbers(route.now, null),
    before: detailNumbers(route.before, null),
    budget: budgetOf(board, row, route),
    callers: callersOf(route, row),
    targets: targetsOf(board, row, route),
    flags: flagsOf(route),
    codes: codesOf(route),
    charts: chartsOf(route, board.reading),
  }
  return { ...detail, findings: findingsOf(board, detail, route) }
}

function resourceOf(board: Board, row: RouteRow): Resource | undefined {
  const { key } = row
  const kind = row.kind === "service" ? "virtual_service" : row.kind
  return board.inventory.resources.find(
    (resource) =>
      resource.kind === kind &&
      resource.mesh === key.mesh &&
      resource.flavor === key.flavor &&
      resource.name === row.name &&
      (kind !== "route" || resource.virtualRouter === key.virtualRouter) &&
      (kind !== "gateway_route" || resource.virtualGateway === key.virtualGateway),
  )
}

function parentsOf(board: Board, row: RouteRow): ResourceLink[] {
  const { key } = row
  const link = (
    kind: "virtual_gateway" | "virtual_service" | "virtual_router",
    name: string,
  ): ResourceLink[] => {
    const rows = rowsUnder(board, kind, key.mesh, key.flavor, name)
    return name === "" ? [] : [{ kind, name, health: stateAbove(rows, sumRows(board, rows)) }]
  }
  if (row.kind === "gateway_route") return link("virtual_gateway", key.virtualGateway)
  return [
    ...link("virtual_service", key.virtualService),
    ...link("virtual_router", key.virtualRouter),
  ].filter((parent) => row.kind !== "service" || parent.kind !== "virtual_service")
}

function detailNumbers(span: Span, virtualNode: string | null): DetailNumbers {
  const takes = (fact: SpanFact): boolean => virtualNode === null || fact.virtualNode === virtualNode
  const numbers = numbersOf(countsOf(span, takes), bucketsOf(span, virtualNode), span.seconds)
  const { attempts } = span
  if (attempts === undefined || numbers.requests === 0) return { ...numbers, attemptsPerRequest: null }
  const tried =
    virtualNode === null
      ? [...attempts.values()].reduce((sum, count) => sum + count, 0)
      : (attempts.get(virtualNode) ?? 0)
  return { ...numbers, attemptsPerRequest: tried / numbers.requests }
}

function budgetOf(board: Board, row: RouteRow, route: RouteReading): Budget | null {
  const text = routeText(row.key, row.reporter)
  const all = board.inventory.objectives.filter(({ key }) => {
    const reporter = key.gatewayRoute === "" ? "source" : "gateway"
    return reporter === row.reporter && routeText(ownKey(key, reporter), reporter) === text
  })
  // Of two agents one may not have the new declaration yet.
  const found = all.find(({ origin }) => origin === "declared") ?? all[0]
  if (found === undefined || found.objective >= 1) return null
  const { objective, origin } = found
  const ratio = detailNumbers(route.now, null).errorRatio
  return { objective, origin, burnRate: ratio === null ? null : ratio / (1 - objective) }
}

function callersOf(route: RouteReading, row: RouteRow): CallerRow[] {
  if (row.reporter === "gateway") return []
  const names = new Map<string, Pick<CallerRow, "kind" | "name">>()
  for (const { source, gateway } of route.now.requests) {
    const kind = source === "" && gateway !== "" ? "virtual_gateway" : "virtual_node"
    names.set(`${source}\u0000${gateway}`, { kind, name: source === "" ? gateway : source })
  }
  return [...names]
    .map(([key, caller]) => {
      const takes = (fact: SpanFact): boolean => `${fact.source}\u0000${fact.gateway}` === key
      const numbers = numbersOf(countsOf(route.now, takes), undefined, route.now.seconds)
      return { kind: caller.kind, name: caller.name, numbers }
    })
    .toSorted((a, b) => b.numbers.requests - a.numbers.requests)
}

/** Declared targets and those that received something. What never had a target stands in none. */
function targetsOf(board: Board, row: RouteRow, route: RouteReading): TargetRow[] {
  const text = routeText(row.key, row.reporter)
  const weights = new Map<string, number>()
  for (const { key, virtualNode, weight } of board.inventory.weights)
    if (routeText(ownKey(key, "source"), "source") === text) weights.set(virtualNode, weight)
  const received = route.now.requests.filter((fact) => fact.virtualNode !== "")
  const sum = [...weights.values()].reduce((all, weight) => all + weight, 0)
  const all = received.reduce((count, fact) => count + fact.count, 0)
  const names = new Set([...weights.keys(), ...received.map((fact) => fact.virtualNode)])
  return [...names].toSorted().map((virtualNode) => {
    const weight = weights.get(virtualNode) ?? null
    const numbers = detailNumbers(route.now, virtualNode)
    return {
      virtualNode,
      declaredWeight: weight,
      declaredShare: weight === null || sum === 0 ? null : weight / sum,
      receivedShare: all === 0 ? null : numbers.requests / all,
      numbers,
      hosts: board.hosts.get(nodeKey(row.key.mesh, row.key.flavor, virtualNode)) ?? null,
    }
  })
}

const FLAG_ORDER: readonly Outcome[] = ["error", "client_error", "aborted", "ok"]

function flagsOf(route: RouteReading): FlagRow[] {
  const told = outcomeGroups(FLAG_BY, route.failures).filter(({ count }) => count > 0)
  const rows = told.map(({ labels, outcome, count }) => {
    const flags = labels.get("flag") || "-"
    return {
      flags,
      meaning: meaningOf(flags),
      answeredBy: ANSWERED_BY.find((name) => name === labels.get("answered_by")) ?? ("unknown" as const),
      outcome,
      virtualNode: labels.get("virtual_node") ?? "",
      count,
    }
  })
  const sums = noOutcomes()
  for (const row of rows) sums[row.outcome] += row.count
  return rows
    .map((row) => Object.assign(row, { share: row.count / sums[row.outcome] }))
    .toSorted((a, b) => FLAG_ORDER.indexOf(a.outcome) - FLAG_ORDER.indexOf(b.outcome) || b.count - a.count)
}

const meanings: ReadonlyMap<string, string> = new Map(FLAGS.map((flag) => [flag.name, flag.meaning] as const))

function meaningOf(flags: string): string {
  if (flags === "-") return "no flag: the code alone tells"
  return flags
    .split(",")
    .map((name) => meanings.get(name) ?? "a flag that is not in our table")
    .join("; ")
}

function codesOf(route: RouteReading): CodeRow[] {
  const counts = new Map<string, number>()
  for (const { codeClass, count } of route.now.requests)
    counts.set(codeClass, (counts.get(codeClass) ?? 0) + count)
  return [...counts].map(([codeClass, count]) => ({ codeClass, count })).toSorted((a, b) => b.count - a.count)
}

function chartsOf(route: RouteReading, reading: Reading): Charts {
  const { hour, durationHour } = route
  const minutes = Array.from({ length: hour.steps }, (_, minute) => {
    const counts = noOutcomes()
    for (const group of hour.groups) {
      const outcome = OUTCOMES.find((name) => name === group.labels[0])
      if (outcome !== undefined) counts[outcome] += group.values[minute] ?? 0
    }
    return numbersOf(counts, undefined, hour.stepMs / 1000)
  })
  const buckets = route.filter.caller === null ? durationHour.groups[0]?.values : undefined
  const rate = knownRates(hour, reading)
  return {
    startAt: timeText(hour.fromMs),
    stepSeconds: hour.stepMs / 1000,
    requests: minutes.map(({ requests }, minute) => rate(requests, minute)),
    errors: minutes.map(({ errors }, minute) => rate(errors, minute)),
    aborted: minutes.map(({ aborted }, minute) => rate(aborted, minute)),
    errorRatio: minutes.map((minute) => minute.errorRatio),
    p50Ms: quantileSteps(buckets, hour.steps, 0.5),
    p95Ms: quantileSteps(buckets, hour.steps, 0.95),
    p99Ms: quantileSteps(buckets, hour.steps, 0.99),
  }
}
