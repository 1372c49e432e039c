/** Up to here a loop is faster than a native copy. */
const FEW = 40

/** Copies `bytes` to `out[to]`; answers where the next byte goes. */
export function put(out: Buffer, to: number, bytes: Buffer): number {
  const { length } = bytes
  if (length > FEW) {
    out.set(bytes, to)
    return to + length
  }
  for (let at = 0; at < length; at++) out[to + at] = bytes[at] ?? 0
  return to + length
}

/** Copies `bytes[start, end)`, which are few. */
export function putRange(out: Buffer, to: number, bytes: Buffer, start: number, end: number): number {
  for (let at = start; at < end; at++) out[to++] = bytes[at] ?? 0
  return to
}

/** Writes a whole number from 0 to `Number.MAX_SAFE_INTEGER`. */
export function putNumber(out: Buffer, to: number, value: number): number {
  if (value < 1e9) return putDigits(out, to, value, digitsOf(value))
  // Nine digits fit 32 bits, which is what makes the loop fast.
  const billions = Math.floor(value / 1e9)
  return putDigits(out, putNumber(out, to, billions), value - billions * 1e9, 9)
}

/** Writes the last `count` digits of a whole number below 10^9, with zeros before it. */
export function putDigits(out: Buffer, to: number, value: number, count: number): number {
  let rest = value | 0
  for (let at = to + count - 1; at >= to; at--) {
    const tens = (rest / 10) | 0
    out[at] = 48 + rest - tens * 10
    rest = tens
  }
  return to + count
}

function digitsOf(value: number): number {
  if (value < 1000) return value < 10 ? 1 : value < 100 ? 2 : 3
  if (value < 1e6) return value < 1e4 ? 4 : value < 1e5 ? 5 : 6
  return value < 1e7 ? 7 : value < 1e8 ? 8 : 9
}
