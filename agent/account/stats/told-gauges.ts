import type { MetricKey } from "#mesh/catalogue.ts"
import type { Labels, Slot } from "../contract.ts"
import type { Merge, SharedGauges } from "./shared-gauges.ts"

/** The gauges that one proxy tells. Those that it does not tell again by the end of a round are taken back. */
export class ToldGauges {
  readonly #gauges: SharedGauges
  readonly #slots = new Map<string, Slot>()
  #round = new Set<string>()
  #before = new Set<string>()

  constructor(gauges: SharedGauges) {
    this.#gauges = gauges
  }

  tell(metric: MetricKey, labels: Labels, value: number, merge: Merge = "max"): void {
    const text = JSON.stringify([metric, labels])
    let slot = this.#slots.get(text)
    if (slot === undefined) {
      slot = this.#gauges.slot(metric, labels)
      this.#slots.set(text, slot)
    }
    this.#round.add(text)
    this.#gauges.tell(slot, this, value, merge)
  }

  endRound(): void {
    for (const text of this.#before) if (!this.#round.has(text)) this.#takeBack(text)
    this.#before = this.#round
    this.#round = new Set()
  }

  close(): void {
    for (const text of this.#slots.keys()) this.#takeBack(text)
  }

  #takeBack(text: string): void {
    const slot = this.#slots.get(text)
    if (slot === undefined) return
    this.#slots.delete(text)
    this.#gauges.takeBack(slot, this)
  }
}
