import type { MetricKey } from "#mesh/catalogue.ts"
import { BUCKET_COUNT } from "#mesh/histogram.ts"
import type { Ledger, Slot } from "./contract.ts"
import {
  ATTEMPTS,
  DURATION_MS,
  DURATIONS,
  emptyRecord,
  halfOf,
  type PendingRequests,
  REQUEST_BYTES,
  REQUESTS,
  RESPONSE_BYTES,
  realOf,
  SLOT_STRIDE,
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
  const { counts, halves, reals, words } = pending
  const row = pending.rows[record]
  const target = pending.targets[record]
  if (row === undefined || target === undefined) return
  const word = wordOf(record)
  const real = realOf(record)
  const half = halfOf(record)
  const flags = words[word + 2] ?? 0
  const ending = words[word + 3] ?? 0
  const slotOf = (which: number, find: () => Slot | undefined): Slot => {
    const at = record * SLOT_STRIDE + which
    const known = pending.slots[at] ?? 0
    if (known !== 0) return known
    const found = find() ?? 0
    pending.slots[at] = found
    return found
  }
  const addSome = (which: number, amount: number, find: () => Slot | undefined): void => {
    if (amount === 0) return
    const slot = slotOf(which, find)
    if (slot !== 0) ledger.add(slot, amount)
  }
  const observed = (at: number): boolean => {
    for (let bucket = at; bucket < at + BUCKET_COUNT; bucket++) if (halves[bucket] !== 0) return true
    return false
  }
  const requests = counts[word + REQUESTS] ?? 0
  const perTarget = (metric: MetricKey) => (): Slot => slots.perTarget(metric, row, target)
  addSome(SlotOf.requests, requests, () => slots.requests(row, target, ending))
  addSome(SlotOf.failures, requests, () => slots.failures(row, target, ending, flags))
  addSome(SlotOf.requestBytes, reals[real + REQUEST_BYTES] ?? 0, perTarget("requestBytes"))
  addSome(SlotOf.responseBytes, reals[real + RESPONSE_BYTES] ?? 0, perTarget("responseBytes"))
  addSome(SlotOf.attempts, counts[word + ATTEMPTS] ?? 0, perTarget("attempts"))
  if (observed(half + DURATIONS)) {
    const slot = slotOf(SlotOf.duration, () => slots.duration(row, target, ending))
    ledger.absorb(slot, halves, half + DURATIONS, (reals[real + DURATION_MS] ?? 0) / 1000)
    const trace = pending.traces[record]
    if (trace !== undefined) ledger.exemplify(slot, trace, pending.traceSeconds[record] ?? 0)
  }
  if (observed(half + UPSTREAMS)) {
    const slot = slotOf(SlotOf.upstream, () => slots.upstream(row, target))
    if (slot !== 0) ledger.absorb(slot, halves, half + UPSTREAMS, (reals[real + UPSTREAM_MS] ?? 0) / 1000)
  }
  emptyRecord(pending, record)
}
