import type { RequestRow, Target } from "#mesh/request.ts"
import type { Ledger, Slot } from "../contract.ts"
import { makeRequestSlots, packEnding, type RequestSlots } from "../request-slots.ts"

/** Counts requests of one row and target that stats tell of; remembers the slots. */
export class RequestCounter {
  readonly row: RequestRow
  readonly target: Target
  readonly #ledger: Ledger
  readonly #find: RequestSlots
  readonly #protocol: number
  readonly #slots = new Map<number, { readonly requests: Slot; readonly failures: Slot | undefined }>()
  #retired: number
  #attempts: Slot | undefined
  /** Requests counted here since this object was made. */
  counted = 0

  constructor(ledger: Ledger, row: RequestRow, target: Target, protocol: number) {
    this.row = row
    this.target = target
    this.#ledger = ledger
    this.#find = makeRequestSlots(ledger, "stats")
    this.#protocol = protocol
    this.#retired = ledger.counters.retired
  }

  /**
   * @param outcome index into `OUTCOMES`
   * @param statusClass index into `CODE_CLASSES`
   * @param answeredBy index into `ANSWERED_BY`
   */
  add(requests: number, outcome: number, statusClass: number, flags: number, answeredBy: number): void {
    if (!(requests > 0)) return
    this.#forgetRetired()
    const ending = packEnding(outcome, statusClass, this.#protocol, answeredBy)
    const key = flags * 1024 + ending
    let slots = this.#slots.get(key)
    if (slots === undefined) {
      slots = {
        requests: this.#find.requests(this.row, this.target, ending),
        failures: this.#find.failures(this.row, this.target, ending, flags),
      }
      this.#slots.set(key, slots)
    }
    this.#ledger.add(slots.requests, requests)
    if (slots.failures !== undefined) this.#ledger.add(slots.failures, requests)
    this.counted += requests
  }

  addAttempts(attempts: number): void {
    if (!(attempts > 0)) return
    this.#forgetRetired()
    this.#attempts ??= this.#find.perTarget("attempts", this.row, this.target)
    this.#ledger.add(this.#attempts, attempts)
  }

  #forgetRetired(): void {
    if (this.#ledger.counters.retired === this.#retired) return
    this.#retired = this.#ledger.counters.retired
    this.#slots.clear()
    this.#attempts = undefined
  }
}
