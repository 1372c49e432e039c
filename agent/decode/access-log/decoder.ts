import type { AccessFact, FormatAbilities } from "#mesh/access.ts"

/** What a decoder says about one line. */
export const DecodeResult = {
  /** One finished request or connection; `fact` holds it. */
  ok: 0,
  /** An access line of a request that goes on (`ACCESS_LOG_TYPE` is periodic, start, …): not to be counted. */
  intermediate: 1,
  /** Not a line of this format. */
  notAccessLine: 2,
  /** Begins like a line of this format and is none: torn, or cut by a full disk. Counted as a drop. */
  malformed: 3,
} as const

/** Decodes the lines of one access-log format. Pure, never throws, reads nothing outside `[start, end)`. */
export interface AccessLogDecoder {
  readonly abilities: FormatAbilities
  /**
   * What the last line held that was answered with `ok` or `intermediate`; the next call overwrites it, and
   * `fact.bytes` is the caller's buffer or the decoder's own. After any other answer its content means nothing.
   */
  readonly fact: AccessFact
  /** Why this format cannot be decoded, as a sentence; then every line is `notAccessLine`. */
  readonly unsupported?: string
  /** Operators of the format that this build does not know; their values are skipped. */
  readonly unknownOperators: readonly string[]
  /** A line says itself whether it is a request or a connection, so loggers of both kinds can share this decoder. */
  readonly tellsKind: boolean
  /**
   * Reads one line.
   * @param start first byte of the line, after any container framing
   * @param end behind its last byte, without the newline
   * @returns one of `DecodeResult`
   */
  decode(bytes: Buffer, start: number, end: number): number
}
