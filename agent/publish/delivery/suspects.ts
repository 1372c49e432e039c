import type { QueueRecord } from "../contract.ts"
import type { Waiting } from "./waiting-window.ts"

/**
 * Finds the records for which a receiver refuses a whole request: its halves are sent by themselves, and theirs, until those
 * are alone that are no good. A receiver that refuses all that comes would be asked much for nothing: after some refusals in
 * a row requests are given up whole, until it takes one.
 */
export interface Suspects {
  /** Whether the request's records are to be sent again, in halves. Else they are to be given up. */
  halve(records: readonly Waiting<QueueRecord>[], reason: string): boolean
  /** The receiver took a request. */
  clear(): void
}

/** What may be the fault of some of the records alone. */
const OF_RECORDS: ReadonlySet<string> = new Set(["invalid", "too_large"])
/** As often as 65,536 records can be halved. */
const MOST_IN_A_ROW = 16

export function makeSuspects(): Suspects {
  let parts = 0
  let inARow = 0
  return {
    halve(records, reason) {
      if (records.length < 2 || !OF_RECORDS.has(reason) || inARow >= MOST_IN_A_ROW) return false
      inARow++
      const middle = Math.ceil(records.length / 2)
      for (const half of [records.slice(0, middle), records.slice(middle)]) {
        parts++
        for (const one of half) one.part = parts
      }
      return true
    },
    clear() {
      inARow = 0
    },
  }
}
