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
  return answer.groups.flatMap((group) => {
    const labels = named(by, group)
    const reporter = REPORTERS.find((name) => name === labels.get("reporter"))
    const outcome = OUTCOMES.find((name) => name === labels.get("outcome"))
    if (reporter === undefined || outcome === undefined) return []
    return [
      {
        key: keyOf(labels),
        reporter,
        outcome,
        source: labels.get("source") ?? "",
        virtualNode: labels.get("virtual_node") ?? "",
        codeClass: labels.get("code_class") ?? "",
        provenance: PROVENANCES.find((name) => name === labels.get("provenance")) ?? "log",
        count: total(group.values),
      },
    ]
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
  return answer.groups.flatMap((group) => {
    const labels = named(by, group)
    const reporter = REPORTERS.find((name) => name === labels.get("reporter"))
    const outcome = OUTCOMES.find((name) => name === labels.get("outcome"))
    const count = total(group.values)
    if (reporter === undefined || outcome === undefined || count === 0) return []
    return [
      {
        key: keyOf(labels),
        reporter,
        outcome,
        virtualNode: labels.get("virtual_node") ?? "",
        flags: labels.get("flag") ?? "-",
        answeredBy: labels.get("answered_by") ?? "unknown",
        count,
      },
    ]
  })
}

export function total(values: Float64Array): number {
  let sum = 0
  for (const value of values) sum += value
  return sum
}
