import type { Ledger, Slot } from "./contract.ts"
import {
  ATTEMPTS,
  DURATION_MS,
  DURATIONS,
  emptyRecord,
  type PendingRequests,
  REQUEST_BYTES,
  REQUESTS,
  RESPONSE_BYTES,
  realOf,
  SLOTS,
  SlotOf,
  UPSTREAM_MS,
  UPSTREAMS,
  wordOf,
} from "./pending-requests.ts"
import type { RequestSlots } from "./request-slots.ts"

/** Brings one record into the ledger and empties it. Series are looked up once and remembered in the record. */
export function settleRecord(
  ledger: Ledger,
  slots: RequestSlots,
  pending: PendingRequests,
  record: number,
): void {
  const { counts, reals, words } = pending
  const row = pending.rows[record]
  const target = pending.targets[record]
  if (row === undefined || target === undefined) return
  const word = wordOf(record)
  const real = realOf(record)
  const flags = words[word + 2] ?? 0
  const ending = words[word + 3] ?? 0
  const slotOf = (which: number, find: () => Slot | undefined): Slot => {
    const known = counts[word + SLOTS + which] ?? 0
    if (known !== 0) return known
    const found = find() ?? 0
    counts[word + SLOTS + which] = found
    return found
  }
  const addSome = (which: number, field: number, find: () => Slot | undefined): void => {
    const amount = reals[real + field] ?? 0
    if (amount === 0) return
    const slot = slotOf(which, find)
    if (slot !== 0) ledger.add(slot, amount)
  }
  const observed = (at: number, end: number): boolean => {
    for (let bucket = at; bucket < end; bucket++) if (counts[bucket] !== 0) return true
    return false
  }
  addSome(SlotOf.requests, REQUESTS, () => slots.requests(row, target, ending))
  addSome(SlotOf.failures, REQUESTS, () => slots.failures(row, target, ending, flags))
  addSome(SlotOf.requestBytes, REQUEST_BYTES, () => slots.perTarget("requestBytes", row, target))
  addSome(SlotOf.responseBytes, RESPONSE_BYTES, () => slots.perTarget("responseBytes", row, target))
  addSome(SlotOf.attempts, ATTEMPTS, () => slots.perTarget("attempts", row, target))
  if (observed(word + DURATIONS, word + UPSTREAMS)) {
    const slot = slotOf(SlotOf.duration, () => slots.duration(row, target, ending))
    ledger.absorb(slot, counts, word + DURATIONS, (reals[real + DURATION_MS] ?? 0) / 1000)
    const trace = pending.traces[record]
    if (trace !== undefined) ledger.exemplify(slot, trace, pending.traceSeconds[record] ?? 0)
  }
  if (observed(word + UPSTREAMS, word + SLOTS)) {
    const slot = slotOf(SlotOf.upstream, () => slots.upstream(row, target))
    if (slot !== 0) ledger.absorb(slot, counts, word + UPSTREAMS, (reals[real + UPSTREAM_MS] ?? 0) / 1000)
  }
  emptyRecord(pending, record)
}
