import type { LabelSelector } from "../declared.ts"
import { optional } from "./match-spec.ts"
import { at, invalid, isThere, listAt, neededText, type Spot, textAt, textsAt, wordAt } from "./spot.ts"

type Labels = Readonly<Record<string, string>>
type Expression = NonNullable<LabelSelector["matchExpressions"]>[number]
const OPERATORS = ["In", "NotIn", "Exists", "DoesNotExist"] as const

/** A Kubernetes label selector as declared; undefined where there is none, which is not the same as an empty one. */
export function selectorOf(spot: Spot): LabelSelector | undefined {
  if (!isThere(spot)) return undefined
  const expressions = listAt(spot, "matchExpressions").map(expressionOf)
  return {
    ...optional("matchLabels", textsAt(spot, "matchLabels")),
    ...optional("matchExpressions", expressions.length === 0 ? undefined : expressions),
  }
}

function expressionOf(spot: Spot): Expression {
  const operator = wordAt(spot, OPERATORS, "operator")
  if (operator === undefined) throw invalid(at(spot, "operator"), "is missing")
  return {
    key: neededText(spot, "key"),
    operator,
    values: listAt(spot, "values").map((value) => textAt(value) ?? ""),
  }
}

/**
 * Whether a selector takes something with these labels. Without conditions it takes everything. What no selector at all
 * means is the caller's to know: nothing for a mesh's or gateway's `namespaceSelector` and for a `podSelector`,
 * everything for a `gatewayRouteSelector`.
 */
function selects(selector: LabelSelector, labels: Labels): boolean {
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    if (!Object.hasOwn(labels, key) || labels[key] !== value) return false
  }
  return (selector.matchExpressions ?? []).every((expression) => holds(expression, labels))
}

function holds({ key, operator, values }: Expression, labels: Labels): boolean {
  const label = Object.hasOwn(labels, key) ? labels[key] : undefined
  switch (operator) {
    case "In":
      return label !== undefined && values.includes(label)
    case "NotIn":
      return label === undefined || !values.includes(label)
    case "Exists":
      return label !== undefined
    case "DoesNotExist":
      return label === undefined
  }
}

/** The selector at a spot, with the answer for where there is none. */
export function selectorAt(
  spot: Spot,
  absent: boolean,
  ...keys: readonly string[]
): (labels: Labels) => boolean {
  const selector = selectorOf(at(spot, ...keys))
  return selector === undefined ? () => absent : (labels) => selects(selector, labels)
}
