import { ERROR, OUTCOMES } from "#mesh/outcome.ts"
import type { ListenerPlan } from "#mesh/request.ts"
import type { Ledger, Slot } from "../contract.ts"
import { connectionLabels } from "../request-labels.ts"
import { makeSlotCache, type SlotCache } from "../slot-cache.ts"
import type { SeriesSpace } from "./series-space.ts"

interface ChainlessSlots {
  readonly opened: Slot
  readonly failed: Slot
}

/** Connections that no filter chain of one listener took: Envoy closes each at once and passes no byte. */
export class Chainless {
  readonly #plan: ListenerPlan
  readonly #listener: number
  readonly #ledger: Ledger
  readonly #space: SeriesSpace
  readonly #slots: SlotCache<ChainlessSlots>

  constructor(plan: ListenerPlan, listener: number, parts: { ledger: Ledger; space: SeriesSpace }) {
    this.#plan = plan
    this.#listener = listener
    this.#ledger = parts.ledger
    this.#space = parts.space
    this.#slots = makeSlotCache(parts.ledger)
  }

  tick(): void {
    const times = this.#space.delta[this.#space.ofListener(this.#listener, "no_filter_chain_match")] ?? 0
    if (times <= 0) return
    const { opened, failed } = this.#slots.of(0, () => this.#find())
    this.#ledger.add(opened, times)
    this.#ledger.add(failed, times)
  }

  #find(): ChainlessSlots {
    const { row, target } = this.#plan
    const labels = { ...connectionLabels(row, target), provenance: "stats" }
    return {
      opened: this.#ledger.slot("tcpOpened", labels),
      failed: this.#ledger.slot("tcpClosed", { ...labels, outcome: OUTCOMES[ERROR] ?? "" }),
    }
  }
}
