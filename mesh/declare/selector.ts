import { at, isThere, listAt, type Spot, textAt, textsAt, wordAt } from "./spot.ts"

type Labels = Readonly<Record<string, string>>
const OPERATORS = ["In", "NotIn", "Exists", "DoesNotExist"] as const

/**
 * A Kubernetes label selector. `absent` is the answer where there is no selector: nothing for a mesh's or gateway's
 * `namespaceSelector`, everything for a `gatewayRouteSelector`. An empty selector takes everything.
 */
export function selects(selector: Spot, labels: Labels, absent: boolean): boolean {
  if (!isThere(selector)) return absent
  for (const [key, value] of Object.entries(textsAt(selector, "matchLabels") ?? {})) {
    if (labels[key] !== value) return false
  }
  return listAt(selector, "matchExpressions").every((expression) => holds(expression, labels))
}

function holds(expression: Spot, labels: Labels): boolean {
  const label = labels[textAt(expression, "key") ?? ""]
  const among = listAt(expression, "values").some((value) => at(value).value === label)
  switch (wordAt(expression, OPERATORS, "operator")) {
    case "In":
      return label !== undefined && among
    case "NotIn":
      return label === undefined || !among
    case "Exists":
      return label !== undefined
    case "DoesNotExist":
      return label === undefined
    case undefined:
      return false
  }
}
