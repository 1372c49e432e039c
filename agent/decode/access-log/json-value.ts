const QUOTE = 34
const BACKSLASH = 92

/** Where the closing quote of a string is whose first byte is at `at`; -1 when the line ends before. */
export function endOfString(bytes: Buffer, at: number, end: number): number {
  for (; at < end; at++) {
    const byte = bytes[at]
    if (byte === QUOTE) return at
    if (byte === BACKSLASH) at += 1
  }
  return -1
}

/** Behind the last byte of a bare word or number that starts at `at`; -1 when there is something else in it. */
function endOfWord(bytes: Buffer, at: number, end: number): number {
  for (; at < end; at++) {
    const byte = bytes[at] ?? 0
    if (byte === 44 || byte === 125 || byte === 93 || byte <= 32) return at
    if (!isWord(byte)) return -1
  }
  return end
}

/** Letters, digits, and the signs of numbers. */
const isWord = (byte: number): boolean =>
  (byte >= 48 && byte <= 57) ||
  ((byte | 32) >= 97 && (byte | 32) <= 122) ||
  byte === 45 ||
  byte === 46 ||
  byte === 43

/**
 * Behind a value that is not looked at: objects and arrays with all they hold, strings, words. Brackets are counted,
 * not matched by kind: the line is a proxy's, and only its end matters.
 * @returns -1 when the line ends before the value does, or what stands there is no value
 */
export function endOfValue(bytes: Buffer, at: number, end: number): number {
  let depth = 0
  while (at < end) {
    const byte = bytes[at]
    if (byte === QUOTE) {
      const close = endOfString(bytes, at + 1, end)
      if (close < 0) return -1
      at = close + 1
    } else if (byte === 123 || byte === 91) {
      depth += 1
      at += 1
    } else if (byte === 125 || byte === 93) {
      depth -= 1
      at += 1
      if (depth < 0) return -1
    } else if (depth > 0) {
      at += 1
      continue
    } else {
      const stop = endOfWord(bytes, at, end)
      return stop > at ? stop : -1
    }
    if (depth === 0) return at
  }
  return -1
}

/** The next byte that is not a blank. */
export function skipBlanks(bytes: Buffer, at: number, end: number): number {
  while (at < end && (bytes[at] === 32 || bytes[at] === 9)) at++
  return at
}
