const BACKSLASH = 0x5c
const QUOTE = 0x22
const HEX = Buffer.from("0123456789abcdef")
const REPLACEMENT = [0xef, 0xbf, 0xbd] as const
/** Most bytes that one byte of text becomes: `\u001b`. */
export const MOST_GROWTH = 6

/**
 * Writes the inside of a JSON string: `bytes[start, end)` as text, at `out[to]`. What is not UTF-8 becomes U+FFFD as
 * `TextDecoder` does it; control characters, direction marks and what else can act on a terminal (see mesh/plain-text.ts)
 * is escaped. Stops before the first character that would end behind `limit`, never within one.
 * @returns where the next byte goes
 */
export function writeText(
  out: Buffer,
  to: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  limit: number,
): number {
  let at = start
  while (at < end) {
    for (const plainEnd = Math.min(end, at + limit - to); at < plainEnd; at++) {
      const byte = bytes[at] ?? 0
      // ASCII that stands for itself. Compared, not looked up: a table costs half as much again.
      if (byte < 0x20 || byte > 0x7e || byte === QUOTE || byte === BACKSLASH) break
      out[to++] = byte
    }
    if (at >= end) break
    const size = sequence(bytes, at, end)
    const next = writeCharacter(out, to, bytes, at, size, limit)
    if (next < 0) break
    to = next
    at += Math.abs(size)
  }
  return to
}

/** @returns -1 when it does not fit */
function writeCharacter(
  out: Buffer,
  to: number,
  bytes: Uint8Array,
  at: number,
  size: number,
  limit: number,
): number {
  if (size < 0) {
    if (to + REPLACEMENT.length > limit) return -1
    for (const byte of REPLACEMENT) out[to++] = byte
    return to
  }
  const code = codePoint(bytes, at, size)
  if (code === QUOTE || code === BACKSLASH) {
    if (to + 2 > limit) return -1
    out[to] = BACKSLASH
    out[to + 1] = code
    return to + 2
  }
  if (isUnsafe(code)) return to + MOST_GROWTH > limit ? -1 : writeEscape(out, to, code)
  if (to + size > limit) return -1
  for (let index = 0; index < size; index++) out[to++] = bytes[at + index] ?? 0
  return to
}

/** `\uXXXX` once is enough: all of these lie in the basic plane. */
function writeEscape(out: Buffer, to: number, code: number): number {
  out[to] = BACKSLASH
  out[to + 1] = 0x75
  for (let digit = 0; digit < 4; digit++) out[to + 2 + digit] = HEX[(code >> (12 - 4 * digit)) & 15] ?? 0
  return to + MOST_GROWTH
}

/**
 * Length of the character at `at`. Negative: it is no UTF-8, and so many bytes stand for one U+FFFD (the longest beginning
 * of a character; encoding.spec.whatwg.org, "UTF-8 decoder").
 */
function sequence(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at] ?? 0
  if (first < 0x80) return 1
  const size = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0
  if (size === 0) return -1
  // Overlong forms, halves of surrogate pairs, and what lies above U+10FFFF show in the second byte.
  const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
  const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
  for (let index = 1; index < size; index++) {
    const byte = at + index < end ? (bytes[at + index] ?? 0) : 0
    if (byte < (index === 1 ? least : 0x80) || byte > (index === 1 ? most : 0xbf)) return -index
  }
  return size
}

function codePoint(bytes: Uint8Array, at: number, size: number): number {
  const first = bytes[at] ?? 0
  if (size === 1) return first
  let code = first & (0x7f >> size)
  for (let index = 1; index < size; index++) code = code * 64 + ((bytes[at + index] ?? 0) & 0x3f)
  return code
}

function isUnsafe(code: number): boolean {
  if (code < 0x20) return true
  if (code < 0x061c) return code >= 0x7f && code <= 0x9f
  return (
    code === 0x061c ||
    code === 0x200b ||
    code === 0x200e ||
    code === 0x200f ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2060 && code <= 0x2069) ||
    code === 0xfeff ||
    (code >= 0xfff9 && code <= 0xfffb)
  )
}
