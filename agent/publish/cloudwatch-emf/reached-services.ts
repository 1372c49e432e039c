import { AMBIGUOUS } from "#mesh/resource.ts"
import type { Family, Snapshot } from "#mesh/snapshot.ts"

/**
 * By which virtual service a caller reaches a node. What an upstream took is counted per caller and node; App Mesh told it
 * per service too. Where the requests of a caller to a node all went by one service, it is that one; else `(ambiguous)`.
 */
export interface ReachedServices {
  /** Takes in what is new. True when an answer may be another than before. */
  update(snapshot: Snapshot): boolean
  /** The service for the labels of a series; undefined where no request of this caller to this node is known. */
  of(labels: ReadonlyMap<string, string>): string | undefined
}

export function makeReachedServices(): ReachedServices {
  const services = new Map<string, string>()
  let read = 0
  let removals = 0
  const take = (family: Family): boolean => {
    let changed = false
    for (; read < family.series.length; read++) {
      const labels = new Map(family.series[read]?.labels)
      const service = labels.get("virtual_service")
      if (labels.get("reporter") !== "source" || service === undefined) continue
      const edge = edgeOf(labels)
      const known = services.get(edge)
      if (known === service || known === AMBIGUOUS) continue
      services.set(edge, known === undefined ? service : AMBIGUOUS)
      changed = true
    }
    return changed
  }
  return {
    update(snapshot) {
      const family = snapshot.families.find(({ key }) => key === "requests")
      if (family === undefined) return false
      const anew = family.removals !== removals
      if (anew) {
        removals = family.removals
        services.clear()
        read = 0
      }
      return take(family) || anew
    },
    of: (labels) => services.get(edgeOf(labels)),
  }
}

/** Caller and node. */
function edgeOf(labels: ReadonlyMap<string, string>): string {
  return JSON.stringify(
    ["mesh", "source", "virtual_gateway", "virtual_node"].map((name) => labels.get(name) ?? ""),
  )
}
