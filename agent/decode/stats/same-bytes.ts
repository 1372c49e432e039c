/** Up to here eight bytes at a time in JavaScript are faster than one call into native code. Measured. */
const SHORT = 640

/** A view of a whole buffer, for `sameBytes`. */
export function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
}

/**
 * Whether `length` bytes are equal. Short stretches are compared as 64-bit floats, which cannot call different bytes
 * equal but for the two zeros; those, and whatever compares unequal (NaN does), are looked at again natively.
 */
export function sameBytes(
  one: Buffer,
  oneView: DataView,
  oneStart: number,
  other: Buffer,
  otherView: DataView,
  otherStart: number,
  length: number,
): boolean {
  if (length > SHORT || length < 8) {
    return (
      length <= 0 || one.compare(other, otherStart, otherStart + length, oneStart, oneStart + length) === 0
    )
  }
  const last = length - 8
  for (let at = 0; at < last; at += 8) {
    const word = oneView.getFloat64(oneStart + at, true)
    if (word !== otherView.getFloat64(otherStart + at, true) || word === 0) {
      return one.compare(other, otherStart, otherStart + length, oneStart, oneStart + length) === 0
    }
  }
  const word = oneView.getFloat64(oneStart + last, true)
  if (word === otherView.getFloat64(otherStart + last, true) && word !== 0) return true
  return one.compare(other, otherStart, otherStart + length, oneStart, oneStart + length) === 0
}
