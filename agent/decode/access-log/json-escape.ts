const BACKSLASH = 92
const LOWER_U = 117
/** What `\b \f \n \r \t` stand for; every other escaped byte stands for itself. */
const SHORT: ReadonlyMap<number, number> = new Map([
  [98, 8],
  [102, 12],
  [110, 10],
  [114, 13],
  [116, 9],
])

/**
 * Undoes the escapes of a JSON string in `[start, end)` and writes it to `out` from `to` on. Never writes more bytes
 * than it reads. Beside JSON's own it knows the octal `\ooo` of old Envoys (taken for U+00oo). A broken escape is kept
 * as it is.
 * @returns where the next byte of `out` would go
 */
export function unescapeJson(bytes: Buffer, start: number, end: number, out: Buffer, to: number): number {
  let at = start
  while (at < end) {
    const byte = bytes[at] ?? 0
    if (byte !== BACKSLASH || at + 1 >= end) {
      out[to++] = byte
      at += 1
      continue
    }
    const letter = bytes[at + 1] ?? 0
    if (letter === LOWER_U) {
      const code = codePoint(bytes, at, end)
      if (code >= 0) {
        to = writeUtf8(out, to, code)
        at += code > 0xffff ? 12 : 6
        continue
      }
      out[to++] = byte
      at += 1
      continue
    }
    const octal = octalAt(bytes, at + 1, end)
    if (octal >= 0) {
      to = writeUtf8(out, to, octal)
      at += 4
      continue
    }
    out[to++] = SHORT.get(letter) ?? letter
    at += 2
  }
  return to
}

/** The code point of `\uXXXX`, or of two such that are a pair; -1 when it is none. Half a pair gives U+FFFD. */
function codePoint(bytes: Buffer, at: number, end: number): number {
  const first = hex4(bytes, at + 2, end)
  if (first < 0xd800 || first > 0xdfff) return first
  if (first < 0xdc00 && bytes[at + 6] === BACKSLASH && bytes[at + 7] === LOWER_U) {
    const second = hex4(bytes, at + 8, end)
    if (second >= 0xdc00 && second <= 0xdfff) return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
  }
  return 0xfffd
}

function hex4(bytes: Buffer, at: number, end: number): number {
  if (at + 4 > end) return -1
  let code = 0
  for (let index = at; index < at + 4; index++) {
    const digit = hexDigit(bytes[index] ?? 0)
    if (digit < 0) return -1
    code = code * 16 + digit
  }
  return code
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48
  const lower = byte | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}

function octalAt(bytes: Buffer, at: number, end: number): number {
  if (at + 3 > end) return -1
  let code = 0
  for (let index = at; index < at + 3; index++) {
    const digit = (bytes[index] ?? 0) - 48
    if (digit < 0 || digit > 7) return -1
    code = code * 8 + digit
  }
  return code & 0xff
}

function writeUtf8(out: Buffer, to: number, code: number): number {
  if (code < 0x80) {
    out[to] = code
    return to + 1
  }
  if (code < 0x800) {
    out[to] = 0xc0 | (code >> 6)
    out[to + 1] = 0x80 | (code & 63)
    return to + 2
  }
  if (code < 0x10000) {
    out[to] = 0xe0 | (code >> 12)
    out[to + 1] = 0x80 | ((code >> 6) & 63)
    out[to + 2] = 0x80 | (code & 63)
    return to + 3
  }
  out[to] = 0xf0 | (code >> 18)
  out[to + 1] = 0x80 | ((code >> 12) & 63)
  out[to + 2] = 0x80 | ((code >> 6) & 63)
  out[to + 3] = 0x80 | (code & 63)
  return to + 4
}
