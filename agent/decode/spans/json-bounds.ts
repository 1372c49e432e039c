/**
 * Deeper than any span needs: eight levels of nested attribute values in OTLP take about forty. What writes spans again goes
 * down by calls.
 */
export const MAX_DEPTH = 64
/** A parsed value takes up to fifty bytes or so, however short it was written. */
export const MAX_VALUES = 1_000_000

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** What is too much in a text of JSON: brackets nested deeper than `MAX_DEPTH` at that byte, or more than `MAX_VALUES` values. */
export type JsonExcess = { readonly kind: "depth"; readonly at: number } | { readonly kind: "values" }

/** To be asked before anything is built. Looks at bytes alone, so it says nothing of whether they are JSON. */
export function jsonExcess(bytes: Buffer): JsonExcess | undefined {
  let depth = 0
  let values = 0
  for (let at = 0; at < bytes.length && values <= MAX_VALUES; at++) {
    switch (bytes[at] ?? 0) {
      case QUOTE:
        at = endOfText(bytes, at + 1)
        break
      case 0x5b: // [
      case 0x7b: // {
        values++
        if (++depth > MAX_DEPTH) return { kind: "depth", at }
        break
      case 0x5d: // ]
      case 0x7d: // }
        depth--
        break
      case 0x2c: // ,
        values++
        break
    }
  }
  return values <= MAX_VALUES ? undefined : { kind: "values" }
}

/** Position of the closing quote, or the end. */
function endOfText(bytes: Buffer, from: number): number {
  let at = from
  for (;;) {
    const quote = bytes.indexOf(QUOTE, at)
    if (quote < 0) return bytes.length
    let slashes = 0
    while (bytes[quote - 1 - slashes] === BACKSLASH && quote - slashes > from) slashes++
    if (slashes % 2 === 0) return quote
    at = quote + 1
  }
}
