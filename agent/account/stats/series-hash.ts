/** Two independent 32-bit hashes of a text, UTF-16 units: together they name a series in the kept state. */
export function hash64(text: string): readonly [number, number] {
  let high = 0x811c9dc5
  let low = 0x2545f491
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    high = Math.imul(high ^ unit, 16777619)
    low = Math.imul(low ^ (unit + 0x9e37), 0x85ebca6b)
    low ^= low >>> 13
  }
  return [high >>> 0, low >>> 0]
}

/** One number for a hash: its first half and 21 bits of the second, 53 in all. */
export function hashKey(high: number, low: number): number {
  return high * 2 ** 21 + (low % 2 ** 21)
}
