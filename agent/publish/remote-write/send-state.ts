import type { Series } from "#mesh/snapshot.ts"

/** What the receiver was sent so far, as far as later samples depend on it. Bytes: the last tick's time, a float64. */
export interface SendState {
  /** Whether samples of this time may be sent: receivers refuse those that are not after their predecessors. */
  due(timeMs: number): boolean
  /** When a counter or histogram that is new to the receiver was 0; undefined for one that it knows. */
  zeroMs(series: Series, timeMs: number): number | undefined
  /** A tick was put in the queue whole: everything born up to `generation`. */
  sent(timeMs: number, generation: number): void
  save(): Uint8Array | undefined
}

/** A wall clock that was set back by more is followed: waiting for the old time to come again could take years. */
const MAX_BACK_MS = 300_000

/**
 * Without a state, what began before now is sent as it is: it may be years' worth, which was not counted now.
 * @param generation of the ledger now
 */
export function makeSendState(
  restored: Uint8Array | undefined,
  now: { readonly generation: number; readonly timeMs: number },
): SendState {
  const saved = savedMs(restored)
  const sinceMs = saved ?? now.timeMs
  /** Of samples that the receiver may have. */
  let lastMs = saved ?? -Infinity
  /** Series born up to here are known to the receiver; undefined before the first tick after a restart. */
  let known = saved === undefined ? now.generation : undefined
  let changed = saved === undefined
  return {
    due: (timeMs) => timeMs > lastMs || timeMs < lastMs - MAX_BACK_MS,
    zeroMs({ born, startMs }, timeMs) {
      if (known === undefined ? startMs <= sinceMs : born <= known) return undefined
      const zero = Math.max(Math.min(startMs, timeMs - 1), lastMs + 1)
      return zero < timeMs ? zero : undefined
    },
    sent(timeMs, generationThen) {
      lastMs = timeMs
      known = generationThen
      changed = true
    },
    save() {
      if (!changed) return undefined
      changed = false
      return new Uint8Array(Float64Array.of(Math.max(lastMs, sinceMs)).buffer)
    },
  }
}

function savedMs(bytes: Uint8Array | undefined): number | undefined {
  if (bytes?.length !== 8) return undefined
  const ms = new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0, true)
  return Number.isFinite(ms) && ms >= 0 ? ms : undefined
}
