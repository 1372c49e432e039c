import { BUCKET_COUNT, bucketOf } from "#mesh/histogram.ts"
import type { RequestRow, Target } from "#mesh/request.ts"

/**
 * What was counted since the last commit, one record per distinct (row, target, ending). A record is 128 bytes in one
 * buffer, keys and sums in its first half, so that a request touches two cache lines and little else.
 *
 *   int32 0..3    row id, target id, flags, ending
 *   uint32 4, 5   requests, attempts
 *   float64 3..6  request bytes, response bytes, sum of duration ms, sum of upstream ms
 *   uint16 28..   counts of durations, then of upstream durations
 *   uint32 31     how often a trace was looked for
 */
const RECORD_WORDS = 32
const RECORD_REALS = 16
const RECORD_HALVES = 64
export const REQUESTS = 4
export const ATTEMPTS = 5
export const REQUEST_BYTES = 3
export const RESPONSE_BYTES = 4
export const DURATION_MS = 5
export const UPSTREAM_MS = 6
export const DURATIONS = 28
export const UPSTREAMS = DURATIONS + BUCKET_COUNT
const BUCKETS_END = UPSTREAMS + BUCKET_COUNT
const TRACE_TRIES = 31
/** A record with so many requests must be settled first: its buckets are 16 bits wide. */
const MAX_REQUESTS = 65_535
/** More attempts than any retry policy allows; keeps the sum within 32 bits. */
const MAX_ATTEMPTS = 65_535

/** A record's slots in the ledger, from `record * SLOT_STRIDE` in `slots`; 0 means not looked up yet. */
export const SlotOf = {
  requests: 0,
  failures: 1,
  duration: 2,
  upstream: 3,
  requestBytes: 4,
  responseBytes: 5,
  attempts: 6,
} as const
export const SLOT_STRIDE = 8

/** Beyond this the table is settled and begun anew: flags of a forged line must not fill the memory. */
const MAX_RECORDS = 32_768
/** How often a record looks for a sampled trace between two commits. */
const MAX_TRACE_TRIES = 4

export interface PendingRequests {
  /** All four are views of one buffer; replaced when it grows. */
  words: Int32Array
  counts: Uint32Array
  reals: Float64Array
  halves: Uint16Array
  slots: Int32Array
  /** Open addressing: record number + 1, or 0. */
  table: Int32Array
  size: number
  readonly rows: RequestRow[]
  readonly targets: Target[]
  /** Trace of a record's newest exemplar since the last commit. */
  readonly traces: (string | undefined)[]
  readonly traceSeconds: number[]
  /** Records with requests since the last commit. */
  touched: Int32Array
  touchedCount: number
}

export function makePendingRequests(records = 1024): PendingRequests {
  const buffer = new ArrayBuffer(records * RECORD_WORDS * 4)
  return {
    words: new Int32Array(buffer),
    counts: new Uint32Array(buffer),
    reals: new Float64Array(buffer),
    halves: new Uint16Array(buffer),
    slots: new Int32Array(records * SLOT_STRIDE),
    table: new Int32Array(records * 2),
    size: 0,
    rows: [],
    targets: [],
    traces: [],
    traceSeconds: [],
    touched: new Int32Array(records),
    touchedCount: 0,
  }
}

/** Whether no further record fits: settle and `clear` first. */
export function isFull(pending: PendingRequests): boolean {
  return pending.size >= MAX_RECORDS
}

/** The record of a key, or -1. `ending` packs how the request ended, see `requests.ts`. */
export function findRecord(
  pending: PendingRequests,
  row: number,
  target: number,
  flags: number,
  ending: number,
): number {
  const { table, words } = pending
  const mask = table.length - 1
  for (let at = hash(row, target, flags, ending) & mask; ; at = (at + 1) & mask) {
    const record = (table[at] ?? 0) - 1
    if (record < 0) return -1
    const word = record * RECORD_WORDS
    if (
      words[word] === row &&
      words[word + 1] === target &&
      words[word + 2] === flags &&
      words[word + 3] === ending
    ) {
      return record
    }
  }
}

/** Makes a record of a key that has none. */
export function addRecord(
  pending: PendingRequests,
  row: RequestRow,
  target: Target,
  flags: number,
  ending: number,
): number {
  if ((pending.size + 1) * RECORD_WORDS > pending.words.length) grow(pending)
  const record = pending.size++
  pending.words.set([row.id, target.id, flags, ending], record * RECORD_WORDS)
  pending.rows[record] = row
  pending.targets[record] = target
  place(pending, record)
  return record
}

/** Whether the record takes no further request until it is settled. */
export function isRecordFull(pending: PendingRequests, record: number): boolean {
  return (pending.counts[record * RECORD_WORDS + REQUESTS] ?? 0) >= MAX_REQUESTS
}

/** Adds one request to a record that is not full. Amounts below 0 are unknown and left out. */
export function addRequest(
  pending: PendingRequests,
  record: number,
  durationMs: number,
  upstreamMs: number,
  requestBytes: number,
  responseBytes: number,
  attempts: number,
): void {
  // Two views and no more: each further one costs the hot path its loads.
  const { reals, words } = pending
  const word = record * RECORD_WORDS
  const real = record * RECORD_REALS
  const before = words[word + REQUESTS] ?? 0
  words[word + REQUESTS] = before + 1
  if (before === 0) pending.touched[pending.touchedCount++] = record
  if (requestBytes > 0) reals[real + REQUEST_BYTES] = (reals[real + REQUEST_BYTES] ?? 0) + requestBytes
  if (responseBytes > 0) reals[real + RESPONSE_BYTES] = (reals[real + RESPONSE_BYTES] ?? 0) + responseBytes
  if (attempts > 0) {
    words[word + ATTEMPTS] = (words[word + ATTEMPTS] ?? 0) + Math.min(attempts, MAX_ATTEMPTS)
  }
  if (durationMs >= 0) {
    reals[real + DURATION_MS] = (reals[real + DURATION_MS] ?? 0) + durationMs
    countHalf(words, word, DURATIONS + bucketOfMs(durationMs))
  }
  if (upstreamMs >= 0) {
    reals[real + UPSTREAM_MS] = (reals[real + UPSTREAM_MS] ?? 0) + upstreamMs
    countHalf(words, word, UPSTREAMS + bucketOfMs(upstreamMs))
  }
}

/** Adds 1 to a 16-bit count through the 32-bit view; the machine is little endian, as all that Node runs on here. */
function countHalf(words: Int32Array, word: number, half: number): void {
  const at = word + (half >> 1)
  words[at] = (words[at] ?? 0) + ((half & 1) === 0 ? 1 : 65_536)
}

/** Whether a trace should still be looked for. */
export function wantsTrace(pending: PendingRequests, record: number): boolean {
  return (pending.counts[record * RECORD_WORDS + TRACE_TRIES] ?? 0) < MAX_TRACE_TRIES
}

/** Notes the outcome of a look. The first trace that is found is kept until the next commit. */
export function noteTrace(
  pending: PendingRequests,
  record: number,
  trace: string | undefined,
  seconds: number,
): void {
  const at = record * RECORD_WORDS + TRACE_TRIES
  pending.counts[at] = trace === undefined ? (pending.counts[at] ?? 0) + 1 : MAX_TRACE_TRIES
  if (trace === undefined) return
  pending.traces[record] = trace
  pending.traceSeconds[record] = seconds
}

/** Sets a settled record's amounts back to nothing; keys and slots stay. */
export function emptyRecord(pending: PendingRequests, record: number): void {
  const word = record * RECORD_WORDS
  const half = record * RECORD_HALVES
  pending.counts[word + REQUESTS] = 0
  pending.counts[word + ATTEMPTS] = 0
  pending.reals.fill(0, record * RECORD_REALS + REQUEST_BYTES, record * RECORD_REALS + UPSTREAM_MS + 1)
  pending.halves.fill(0, half + DURATIONS, half + BUCKETS_END)
  pending.counts[word + TRACE_TRIES] = 0
  pending.traces[record] = undefined
}

/** Forgets which slots the records count into, after series were retired. */
export function forgetSlots(pending: PendingRequests): void {
  pending.slots.fill(0)
}

/** Forgets all records. Only after settling. */
export function clear(pending: PendingRequests): void {
  pending.words.fill(0)
  pending.slots.fill(0)
  pending.table.fill(0)
  pending.size = 0
  pending.touchedCount = 0
  pending.rows.length = 0
  pending.targets.length = 0
  pending.traces.length = 0
  pending.traceSeconds.length = 0
}

/** Where a record begins in each of the views. */
export function wordOf(record: number): number {
  return record * RECORD_WORDS
}
export function realOf(record: number): number {
  return record * RECORD_REALS
}
export function halfOf(record: number): number {
  return record * RECORD_HALVES
}

/** Log durations are whole milliseconds: up to ten seconds the bucket is looked up. */
const LOOKED_UP_MS = 10_000
const BUCKET_OF_MS = Uint8Array.from({ length: LOOKED_UP_MS + 1 }, (_, ms) => bucketOf(ms / 1000))

function bucketOfMs(ms: number): number {
  const whole = ms | 0
  return whole === ms && whole <= LOOKED_UP_MS ? (BUCKET_OF_MS[whole] ?? 0) : bucketOf(ms / 1000)
}

function hash(row: number, target: number, flags: number, ending: number): number {
  let mixed = Math.imul(row, 0x9e3779b1) ^ Math.imul(target, 0x85ebca6b)
  mixed ^= Math.imul(flags ^ (ending << 8), 0xc2b2ae35)
  return mixed ^ (mixed >>> 15)
}

function place(pending: PendingRequests, record: number): void {
  const { table, words } = pending
  const word = record * RECORD_WORDS
  const [row = 0, target = 0, flags = 0, ending = 0] = words.subarray(word, word + 4)
  const mask = table.length - 1
  let at = hash(row, target, flags, ending) & mask
  while (table[at] !== 0) at = (at + 1) & mask
  table[at] = record + 1
}

function grow(pending: PendingRequests): void {
  const bigger = makePendingRequests((pending.words.length / RECORD_WORDS) * 2)
  bigger.words.set(pending.words)
  bigger.touched.set(pending.touched)
  pending.words = bigger.words
  pending.counts = bigger.counts
  pending.reals = bigger.reals
  pending.halves = bigger.halves
  bigger.slots.set(pending.slots)
  pending.slots = bigger.slots
  pending.table = bigger.table
  pending.touched = bigger.touched
  for (let record = 0; record < pending.size; record++) place(pending, record)
}
