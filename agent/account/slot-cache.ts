import type { Ledger } from "./contract.ts"

const MAX_KEYS = 16_384

/** Remembers slots by an integer key. Begun anew when the ledger retired series, and when it grew too large. */
export interface SlotCache<T> {
  of(key: number, find: () => T): T
}

export function makeSlotCache<T>(ledger: Ledger): SlotCache<T> {
  const known = new Map<number, T>()
  let retired = ledger.counters.retired
  return {
    of(key, find) {
      if (ledger.counters.retired !== retired || known.size >= MAX_KEYS) {
        retired = ledger.counters.retired
        known.clear()
      }
      const slot = known.get(key)
      if (slot !== undefined) return slot
      const found = find()
      known.set(key, found)
      return found
    },
  }
}
