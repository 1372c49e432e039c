import type { LabelSelector } from "../declared.ts"
import { type KubeObject, type KubeObjects, nameOf } from "./kube-objects.ts"
import { selectorOf } from "./selector.ts"
import { at } from "./spot.ts"

/** A node or gateway and the labels that its pods must have. */
interface Claim {
  readonly object: KubeObject
  readonly labels: readonly string[]
  /** Its place among all. */
  readonly order: number
}

/**
 * Notes nodes and gateways of one namespace of which it is certain that a pod can be both: all that one demands, the
 * other demands too. Selectors with expressions are compared only as a whole.
 */
export function noteSharedPods(objects: KubeObjects): void {
  const byNamespace = Map.groupBy(claims(objects), ({ object }) => object.namespace)
  for (const found of byNamespace.values()) notePairs(objects, found)
}

function claims(objects: KubeObjects): Claim[] {
  const all = [...objects.of("VirtualNode"), ...objects.of("VirtualGateway")]
  return all.flatMap((object, order) => {
    const selector = objects.reading.attempt(() => selectorOf(at(object.spec, "podSelector")))
    return selector === undefined ? [] : [{ object, labels: demands(selector), order }]
  })
}

function demands({ matchLabels, matchExpressions }: LabelSelector): string[] {
  const labels = Object.entries(matchLabels ?? {}).map(([key, value]) => `${key}=${value}`)
  return matchExpressions === undefined ? labels : [...labels, JSON.stringify(matchExpressions)]
}

/** Each claim is filed under its rarest demand, so that a claim meets few others however many share a label. */
function notePairs(objects: KubeObjects, found: readonly Claim[]): void {
  const uses = new Map<string, number>()
  for (const { labels } of found) for (const label of labels) uses.set(label, (uses.get(label) ?? 0) + 1)
  const filed = Map.groupBy(found, ({ labels }) => rarest(labels, uses))
  for (const claim of found) {
    const wider = widerThan(claim, filed)
    if (wider === undefined) continue
    objects.reading.notes.add(
      `${nameOf(claim.object)}: spec.podSelector: ${nameOf(wider.object)} selects every pod of it too`,
    )
  }
}

/** What demands no label at all. */
const NOTHING = ""

function rarest(labels: readonly string[], uses: ReadonlyMap<string, number>): string {
  let best = NOTHING
  for (const label of labels) {
    if (best === NOTHING || (uses.get(label) ?? 0) < (uses.get(best) ?? 0)) best = label
  }
  return best
}

function widerThan(claim: Claim, filed: ReadonlyMap<string, readonly Claim[]>): Claim | undefined {
  const own = new Set(claim.labels)
  for (const label of [NOTHING, ...claim.labels]) {
    for (const other of filed.get(label) ?? []) {
      // Of two that demand the same, the later one is noted.
      if (other.labels.length > own.size || (other.labels.length === own.size && other.order >= claim.order))
        continue
      if (other.labels.every((one) => own.has(one))) return other
    }
  }
  return undefined
}
