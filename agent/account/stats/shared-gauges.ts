import type { MetricKey } from "#mesh/catalogue.ts"
import type { Labels, Ledger, Slot } from "../contract.ts"

/** How the values of replicas on one node become one: they share a gauge's labels. */
export type Merge = "sum" | "min" | "max"

interface Shared {
  readonly slot: Slot
  readonly merge: Merge
  readonly values: Map<object, number>
}

/**
 * Gauges that several proxies of this agent feed: replicas of a node have the same labels. Each tells its own value;
 * the ledger holds their sum (connections), least (healthy hosts, as the worst client sees them) or greatest (open
 * breakers). A gauge is retired when the last of them takes its value back. One per agent.
 */
export class SharedGauges {
  readonly #ledger: Ledger
  readonly #bySlot = new Map<Slot, Shared>()

  constructor(ledger: Ledger) {
    this.#ledger = ledger
  }

  /** Finds or makes the gauge. */
  slot(metric: MetricKey, labels: Labels): Slot {
    return this.#ledger.slot(metric, labels)
  }

  /** @param teller who tells; one value of each teller counts */
  tell(slot: Slot, teller: object, value: number, merge: Merge): void {
    let shared = this.#bySlot.get(slot)
    if (shared === undefined) {
      shared = { slot, merge, values: new Map() }
      this.#bySlot.set(slot, shared)
    }
    if (shared.values.get(teller) === value) return
    shared.values.set(teller, value)
    this.#ledger.set(slot, merged(shared))
  }

  takeBack(slot: Slot, teller: object): void {
    const shared = this.#bySlot.get(slot)
    if (shared === undefined || !shared.values.delete(teller)) return
    if (shared.values.size > 0) {
      this.#ledger.set(slot, merged(shared))
      return
    }
    this.#bySlot.delete(slot)
    this.#ledger.retire(slot)
  }
}

function merged({ merge, values }: Shared): number {
  const all = [...values.values()]
  if (merge === "sum") return all.reduce((sum, value) => sum + value, 0)
  return merge === "min" ? Math.min(...all) : Math.max(...all)
}
