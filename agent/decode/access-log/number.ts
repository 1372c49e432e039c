/** Nothing that is counted is larger; keeps sums exact. */
const LARGEST = Number.MAX_SAFE_INTEGER

/**
 * A number that is zero or more, fractions cut off; -1 for anything else, also for a negative one.
 * Digits are the hot way; older Envoys print round numbers in JSON as `1e+05`.
 */
export function readNumber(bytes: Buffer, start: number, end: number): number {
  let value = 0
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] ?? 0) - 48
    if (digit < 0 || digit > 9)
      return end - start > 32 ? -1 : readOddNumber(bytes.toString("latin1", start, end))
    value = value * 10 + digit
  }
  return value <= LARGEST && end > start ? value : -1
}

function readOddNumber(text: string): number {
  if (!/^\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text)) return -1
  const value = Math.floor(Number(text))
  return value <= LARGEST ? value : -1
}
