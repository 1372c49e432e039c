import type { Carry } from "./carry.ts"
import type { Durations } from "./durations.ts"
import type { Epoch } from "./epoch.ts"
import { hashKey } from "./series-hash.ts"
import type { SeriesSpace } from "./series-space.ts"

/**
 * The kept state of one proxy: `Epoch`, then pairs of a name's 64-bit hash and a number. Names instead of positions, so
 * that a new configuration or version of ours finds what it still knows. 16 bytes a series.
 *
 *   u8 version, u8 x 7 zero | f64 hot restarts, uptime, wall ms | (u32 high, u32 low, f64 value)*
 */
const VERSION = 1
const HEAD_BYTES = 32
const PAIR_BYTES = 16

export interface KeptState {
  readonly epoch: Epoch
  /** Value by the two halves of the hash, as `high * 2^21 + low % 2^21`: exact, and still 53 bits. */
  readonly values: ReadonlyMap<number, number>
}

export function encodeState(
  epoch: Epoch,
  space: SeriesSpace,
  base: Float64Array,
  carry: Carry,
  durations: Durations,
): Uint8Array {
  let pairs = 0
  for (let place = 0; place < space.count; place++) if (!Number.isNaN(base[place] ?? Number.NaN)) pairs++
  for (let cell = 0; cell < carry.count; cell++) if (carry.values[cell] !== 0) pairs++
  durations.save(() => pairs++)
  const bytes = new Uint8Array(HEAD_BYTES + pairs * PAIR_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, VERSION)
  view.setFloat64(8, epoch.hotRestarts, true)
  view.setFloat64(16, epoch.uptime, true)
  view.setFloat64(24, epoch.wallMs, true)
  let at = HEAD_BYTES
  const put = (high: number, low: number, value: number): void => {
    view.setUint32(at, high, true)
    view.setUint32(at + 4, low, true)
    view.setFloat64(at + 8, value, true)
    at += PAIR_BYTES
  }
  for (let place = 0; place < space.count; place++) {
    const value = base[place] ?? Number.NaN
    if (!Number.isNaN(value)) put(space.hashes[place * 2] ?? 0, space.hashes[place * 2 + 1] ?? 0, value)
  }
  for (let cell = 0; cell < carry.count; cell++) {
    const value = carry.values[cell] ?? 0
    const [high, low] = carry.hashes[cell] ?? [0, 0]
    if (value !== 0) put(high, low, value)
  }
  durations.save(([high, low], value) => put(high, low, value))
  return bytes
}

/** Undefined for bytes of another version: then the proxy is seen as for the first time. */
export function decodeState(bytes: Uint8Array): KeptState | undefined {
  if (bytes.length < HEAD_BYTES || bytes[0] !== VERSION) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const values = new Map<number, number>()
  for (let at = HEAD_BYTES; at + PAIR_BYTES <= bytes.length; at += PAIR_BYTES) {
    values.set(hashKey(view.getUint32(at, true), view.getUint32(at + 4, true)), view.getFloat64(at + 8, true))
  }
  return {
    epoch: {
      hotRestarts: view.getFloat64(8, true),
      uptime: view.getFloat64(16, true),
      wallMs: view.getFloat64(24, true),
      monotonicMs: Number.NaN,
    },
    values,
  }
}
