import { OUTCOMES, type Outcome } from "#mesh/outcome.ts"
import { PROVENANCES, type Provenance, REPORTERS, type Reporter } from "#mesh/resource.ts"
import type { RangeAnswer, RangeGroup } from "../store/series-store.ts"
import type { RouteKey } from "./route-row.ts"

/** Labels of one group by name. */
export function named(by: readonly string[], group: RangeGroup): ReadonlyMap<string, string> {
  return new Map(by.map((name, index) => [name, group.labels[index] ?? ""] as const))
}

/** Requests of one combination of labels in one window. */
export interface RequestFact {
  readonly key: RouteKey
  readonly reporter: Reporter
  readonly source: string
  readonly virtualNode: string
  readonly outcome: Outcome
  readonly codeClass: string
  readonly provenance: Provenance
  readonly count: number
}

export function requestFacts(by: readonly string[], answer: RangeAnswer): RequestFact[] {
  return reported(by, answer, (labels) => ({
    source: labels.get("source") ?? "",
    codeClass: labels.get("code_class") ?? "",
    provenance: PROVENANCES.find((name) => name === labels.get("provenance")) ?? "log",
  }))
}

/** Facts with what requests and failures have in common; `more` reads what they have not. */
function reported<T extends object>(
  by: readonly string[],
  answer: RangeAnswer,
  more: (labels: ReadonlyMap<string, string>) => T,
) {
  return outcomeGroups(by, answer).flatMap(({ labels, outcome, count }) => {
    const reporter = REPORTERS.find((name) => name === labels.get("reporter"))
    if (reporter === undefined) return []
    const fact = {
      key: keyOf(labels),
      reporter,
      outcome,
      virtualNode: labels.get("virtual_node") ?? "",
      count,
    }
    return [Object.assign(fact, more(labels))]
  })
}

/** Requests of one group by the names of its labels. */
export interface OutcomeGroup {
  readonly labels: ReadonlyMap<string, string>
  readonly outcome: Outcome
  readonly count: number
}

/** Groups with an outcome that we know; those of no request too. */
export function outcomeGroups(by: readonly string[], answer: RangeAnswer): OutcomeGroup[] {
  return answer.groups.flatMap((group) => {
    const labels = named(by, group)
    const outcome = OUTCOMES.find((name) => name === labels.get("outcome"))
    return outcome === undefined ? [] : [{ labels, outcome, count: total(group.values) }]
  })
}

export function keyOf(labels: ReadonlyMap<string, string>): RouteKey {
  return {
    mesh: labels.get("mesh") ?? "",
    flavor: labels.get("flavor") ?? "",
    virtualGateway: labels.get("virtual_gateway") ?? "",
    gatewayRoute: labels.get("gateway_route") ?? "",
    virtualService: labels.get("virtual_service") ?? "",
    virtualRouter: labels.get("virtual_router") ?? "",
    route: labels.get("route") ?? "",
  }
}

/** Failed requests of one combination of flags in one window. */
export interface FailureFact {
  readonly key: RouteKey
  readonly reporter: Reporter
  readonly virtualNode: string
  readonly outcome: Outcome
  readonly flags: string
  readonly answeredBy: string
  readonly count: number
}

export function failureFacts(by: readonly string[], answer: RangeAnswer): FailureFact[] {
  return reported(by, answer, (labels) => ({
    flags: labels.get("flag") ?? "-",
    answeredBy: labels.get("answered_by") ?? "unknown",
  })).filter(({ count }) => count > 0)
}

export function total(values: Float64Array): number {
  let sum = 0
  for (const value of values) sum += value
  return sum
}
