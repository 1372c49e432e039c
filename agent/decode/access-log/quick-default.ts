import { type AccessFact, Field } from "#mesh/access.ts"
import { DecodeResult } from "./decoder.ts"
import { readFlags } from "./flag-bytes.ts"
import { QuoteIndex } from "./quote-index.ts"

const BLANK = 32
const QUOTE = 34
const DASH = 45
const LETTER_T = 84
const OPEN = 91
const CLOSE = 93
/** `[2026-11-20T15:53:52.113Z] "` up to and with the quote. */
const PREFIX = 28
const QUOTES = 12
const DIGITS = 15

/**
 * `QuickText` for Envoy's default format, written out: twice as fast, and most App Mesh proxies log in it. A test holds
 * the two against each other. Answers `notAccessLine` for whatever is not plain; the facts may then be half filled.
 */
export class QuickDefault {
  readonly #fact: AccessFact
  readonly #spans: Int32Array
  readonly #quotes = new QuoteIndex(QUOTES)
  /** X-Forwarded-For has no field of its own: it is the first header. */
  readonly #forwardedFor: number
  /** Behind the number that was read last. */
  #at = 0

  constructor(fact: AccessFact, forwardedFor: number) {
    this.#fact = fact
    this.#spans = fact.spans
    this.#forwardedFor = forwardedFor
  }

  read(bytes: Buffer, start: number, end: number): number {
    const first = start + PREFIX
    if (end - start < PREFIX + QUOTES || bytes[start] !== OPEN || bytes[start + 11] !== LETTER_T) return NO
    if (bytes[first - 3] !== CLOSE || bytes[first - 2] !== BLANK || bytes[first - 1] !== QUOTE) return NO
    // The time holds no quote, so the search begins behind it, at the first quote.
    if (!this.#quotes.find(bytes, first - 1, end)) return NO
    const { places } = this.#quotes
    const forwarded = places[2] ?? 0
    const host = places[10] ?? 0
    if (places[11] !== end - 1) return NO
    if (
      !this.#request(bytes, first, places[1] ?? 0) ||
      !this.#numbers(bytes, (places[1] ?? 0) + 1, forwarded)
    )
      return NO
    const spans = this.#spans
    for (let pair = 2; pair < 10; pair += 2) {
      const close = places[pair + 1] ?? 0
      if (bytes[close + 1] !== BLANK || close + 2 !== places[pair + 2]) return NO
    }
    spans[Field.startTime * 2] = start + 1
    spans[Field.startTime * 2 + 1] = first - 3
    this.#text(this.#forwardedFor, bytes, forwarded + 1, places[3] ?? 0)
    this.#text(Field.userAgent, bytes, (places[4] ?? 0) + 1, places[5] ?? 0)
    this.#text(Field.requestId, bytes, (places[6] ?? 0) + 1, places[7] ?? 0)
    this.#text(Field.authority, bytes, (places[8] ?? 0) + 1, places[9] ?? 0)
    this.#text(Field.upstreamHost, bytes, host + 1, end - 1)
    return DecodeResult.ok
  }

  /** `GET /path HTTP/1.1`: the method is the first word, the protocol the last, and the path all between. */
  #request(bytes: Buffer, start: number, end: number): boolean {
    let method = start
    while (method < end && bytes[method] !== BLANK) method++
    let protocol = end
    while (protocol > method && bytes[protocol - 1] !== BLANK) protocol--
    if (protocol - 2 < method) return false
    this.#text(Field.method, bytes, start, method)
    this.#text(Field.eitherPath, bytes, method + 1, protocol - 1)
    this.#text(Field.protocol, bytes, protocol, end)
    return true
  }

  /** ` 200 - 0 4 4 4 ` from the first blank to the quote behind the last. */
  #numbers(bytes: Buffer, start: number, end: number): boolean {
    const fact = this.#fact
    const code = this.#number(bytes, start, end)
    const flags = this.#at + 1
    let stop = flags
    while (stop < end && bytes[stop] !== BLANK) stop++
    const none = stop === flags + 1 && bytes[flags] === DASH
    fact.flags = none ? 0 : readFlags(bytes, flags, stop)
    this.#spans[Field.flags * 2] = none ? -1 : flags
    this.#spans[Field.flags * 2 + 1] = none ? -1 : stop
    fact.bytesReceived = this.#number(bytes, stop, end)
    fact.bytesSent = this.#number(bytes, this.#at, end)
    fact.durationMs = this.#number(bytes, this.#at, end)
    fact.upstreamMs = this.#number(bytes, this.#at, end)
    fact.code = code < 0 ? 0 : code
    return this.#at + 1 === end && bytes[this.#at] === BLANK && bytes[flags - 1] === BLANK
  }

  /** A blank and a number or `-`; the next blank is where `#at` points. Anything else leaves `#at` behind the end. */
  #number(bytes: Buffer, blank: number, end: number): number {
    let value = 0
    let at = blank + 1
    for (; at < end; at++) {
      const digit = (bytes[at] ?? 0) - 48
      if (digit >>> 0 > 9) break
      value = value * 10 + digit
    }
    const digits = at - blank - 1
    if (digits === 0) {
      value = -1
      if (bytes[at] === DASH) at += 1
    }
    this.#at = bytes[blank] === BLANK && bytes[at] === BLANK && digits <= DIGITS ? at : end
    return value
  }

  #text(field: number, bytes: Buffer, start: number, end: number): void {
    const none = end === start || (end === start + 1 && bytes[start] === DASH)
    this.#spans[field * 2] = none ? -1 : start
    this.#spans[field * 2 + 1] = none ? -1 : end
  }
}

const NO = DecodeResult.notAccessLine
