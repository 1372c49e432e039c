/** What entries tell by number and lines in words: Envoy's `%PROTOCOL%`, `%REQ(:METHOD)%`. */
const WORDS = [
  "HTTP/1.0",
  "HTTP/1.1",
  "HTTP/2",
  "HTTP/3",
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "CONNECT",
  "OPTIONS",
  "TRACE",
  "PATCH",
  "filter_chain_not_found",
] as const
type Word = (typeof WORDS)[number]

const TEXT = Buffer.from(WORDS.join(""), "latin1")
/** Addresses, the start time and flags of one entry, in words. */
const SCRATCH = 2048
const FIRST_SIZE = 64 * 1024

function place(word: Word): readonly [start: number, end: number] {
  const start = WORDS.slice(0, WORDS.indexOf(word)).join("").length
  return [start, start + word.length]
}

/** `HTTPAccessLogEntry.HTTPVersion` (accesslog.proto) from 1 on, as `[start, end)` in the workspace. */
export const PROTOCOL_PLACES = (["HTTP/1.0", "HTTP/1.1", "HTTP/2", "HTTP/3"] as const).map(place)
/** `envoy.config.core.v3.RequestMethod` (base.proto) from 1 on. */
export const METHOD_PLACES = (
  ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"] as const
).map(place)
/** What a listener's own log says of a connection that no filter chain took. */
export const NO_CHAIN_PLACE = place("filter_chain_not_found")

/**
 * One buffer in which everything that a fact points to lies: words, then a copy of one message, then what is told in
 * words of the entry that is being read. One for all streams, since a message is read to its end before the next.
 */
export class AlsWorkspace {
  bytes = Buffer.alloc(FIRST_SIZE)
  /** Where the scratch of an entry begins: behind the message. */
  scratch = TEXT.length
  /** Where the next text in words goes. */
  at = TEXT.length

  constructor() {
    TEXT.copy(this.bytes)
  }

  /** Takes a message in, in place of the one before. @returns where it begins; it ends at `scratch` */
  load(message: Buffer): number {
    const start = TEXT.length
    const end = start + message.length
    if (end + SCRATCH > this.bytes.length) {
      this.bytes = Buffer.alloc(2 ** Math.ceil(Math.log2(end + SCRATCH)))
      TEXT.copy(this.bytes)
    }
    message.copy(this.bytes, start)
    this.scratch = end
    this.at = end
    return start
  }

  /** An entry begins: what was told in words of the one before is overwritten. */
  entry(): void {
    this.at = this.scratch
  }

  /** Whether so many more bytes fit behind what is there. */
  fits(count: number): boolean {
    return this.at + count <= this.scratch + SCRATCH && this.at + count <= this.bytes.length
  }

  byte(value: number): void {
    this.bytes[this.at++] = value
  }

  /** Copies bytes of the message. They are few: by hand that is faster than a call into the engine. */
  copy(start: number, end: number): void {
    const { bytes } = this
    let { at } = this
    for (let from = start; from < end; from++) bytes[at++] = bytes[from] ?? 0
    this.at = at
  }

  /** A whole number with at least so many digits. */
  digits(value: number, least: number): void {
    let width = 1
    for (let rest = Math.floor(value / 10); rest > 0; rest = Math.floor(rest / 10)) width++
    width = Math.max(width, least)
    let left = value
    for (let at = this.at + width - 1; at >= this.at; at--) {
      this.bytes[at] = 48 + (left % 10)
      left = Math.floor(left / 10)
    }
    this.at += width
  }

  /** ASCII words of ours. */
  words(text: string): void {
    const { bytes } = this
    let { at } = this
    for (let index = 0; index < text.length; index++) bytes[at++] = text.charCodeAt(index)
    this.at = at
  }
}
