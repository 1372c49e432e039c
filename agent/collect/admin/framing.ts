import { roomFor } from "./body.ts"

/**
 * Reads one HTTP/1.1 answer from pieces of a connection: a status line, headers, and a body framed by content-length
 * or by chunks. Written for speed: node:http costs five to nine times as much CPU on a page of 1 MB, most of it for
 * chunk objects and stream events. It understands no more than an admin interface sends, and refuses the rest.
 */
export interface Framing {
  /** HTTP status; 0 until the head is read. */
  status: number
  /** Body so far; may be replaced by a bigger buffer. */
  body: Buffer
  bodyBytes: number
  /** Whether the server closes the connection after this answer. */
  closes: boolean
  /** Bytes past the end of the answer were seen. */
  garbage: boolean
  /** How many bytes of the answer have been seen at all. */
  seenBytes: number
  state: State
  head: string
  /** Body bytes still to come: of the whole body, or of the chunk. */
  left: number
  line: string
}
type State = "head" | "length" | "chunk-size" | "chunk" | "chunk-end" | "trailers" | "done"

const HEAD_LIMIT = 32 * 1024
const HEAD_END = Buffer.from("\r\n\r\n")
const LINE_LIMIT = 1024

/** Why an answer cannot be read: `malformed` with a sentence, or `too large`. */
export type FramingFault =
  | { readonly kind: "malformed"; readonly why: string }
  | { readonly kind: "too-large" }

const malformed = (why: string): FramingFault => ({ kind: "malformed", why })

export function makeFraming(body: Buffer): Framing {
  return {
    status: 0,
    body,
    bodyBytes: 0,
    closes: false,
    garbage: false,
    seenBytes: 0,
    state: "head",
    head: "",
    left: 0,
    line: "",
  }
}

/**
 * Takes the next piece, `[0, bytes)` of `piece`, which the caller may reuse afterwards.
 * @returns a fault, or undefined; the answer is whole when `framing.state` is `done`
 */
export function takePiece(
  framing: Framing,
  piece: Buffer,
  bytes: number,
  maxBodyBytes: number,
): FramingFault | undefined {
  framing.seenBytes += bytes
  let at = 0
  while (at < bytes) {
    if (framing.state === "done") {
      framing.garbage = true
      return undefined
    }
    const step = takeSome(framing, piece, at, bytes, maxBodyBytes)
    if (typeof step !== "number") return step
    at = step
  }
  return undefined
}

/** @returns the position after what was taken, or a fault */
function takeSome(
  f: Framing,
  piece: Buffer,
  at: number,
  end: number,
  maxBytes: number,
): number | FramingFault {
  switch (f.state) {
    case "head":
      return takeHead(f, piece, at, end, maxBytes)
    case "length":
    case "chunk":
      return takeBody(f, piece, at, end, maxBytes)
    case "chunk-size":
    case "chunk-end":
    case "trailers":
      return takeLine(f, piece, at, end)
    case "done":
      return end
  }
}

function takeHead(
  f: Framing,
  piece: Buffer,
  at: number,
  end: number,
  maxBytes: number,
): number | FramingFault {
  const before = f.head.length
  // No more than the head becomes text: as a rule the page is in the same piece.
  const found = piece.indexOf(HEAD_END, at)
  const until = found < 0 ? end : Math.min(end, found + HEAD_END.length)
  f.head += piece.toString("latin1", at, Math.min(until, at + HEAD_LIMIT))
  const stop = f.head.indexOf("\r\n\r\n", Math.max(0, before - 3))
  if (stop < 0) return f.head.length >= HEAD_LIMIT ? malformed("its headers do not end") : until
  const fault = readHead(f, f.head.slice(0, stop), maxBytes)
  return fault ?? at + stop + 4 - before
}

function readHead(f: Framing, head: string, maxBytes: number): FramingFault | undefined {
  const [first = "", ...lines] = head.split("\r\n")
  const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(first)?.[1]
  if (status === undefined) return malformed("it does not speak HTTP/1.1")
  f.status = Number(status)
  f.closes = first.startsWith("HTTP/1.0")
  let length: string | undefined
  let chunked = false
  for (const line of lines) {
    const colon = line.indexOf(":")
    if (colon <= 0) return malformed("a header line has no name")
    const value = line.slice(colon + 1).trim()
    switch (line.slice(0, colon).toLowerCase()) {
      case "content-length":
        if (!/^\d{1,15}$/.test(value) || length !== undefined)
          return malformed("its content-length is not a number")
        length = value
        break
      case "transfer-encoding":
        if (value.toLowerCase() !== "chunked")
          return malformed(`transfer-encoding ${value.slice(0, 40)} was not asked for`)
        chunked = true
        break
      case "content-encoding":
        if (value.toLowerCase() !== "identity") return malformed("it is compressed, which was not asked for")
        break
      case "connection":
        f.closes ||= value.toLowerCase().includes("close")
        break
    }
  }
  return frameBody(f, length, chunked, maxBytes)
}

function frameBody(
  f: Framing,
  length: string | undefined,
  chunked: boolean,
  maxBytes: number,
): FramingFault | undefined {
  if (f.status < 200) return malformed(`status ${f.status} was not asked for`)
  if (chunked) {
    if (length !== undefined) return malformed("it has both a length and chunks")
    f.state = "chunk-size"
    return undefined
  }
  // Without either, the end of the connection would be the end of the page, and a cut page would look whole.
  if (length === undefined && f.status !== 204 && f.status !== 304)
    return malformed("it does not tell its length")
  f.left = Number(length ?? 0)
  if (f.left > maxBytes) return { kind: "too-large" }
  f.state = f.left === 0 ? "done" : "length"
  return undefined
}

function takeBody(
  f: Framing,
  piece: Buffer,
  at: number,
  end: number,
  maxBytes: number,
): number | FramingFault {
  const bytes = Math.min(f.left, end - at)
  const total = f.bodyBytes + bytes
  if (total > maxBytes) return { kind: "too-large" }
  f.body = roomFor(f.body, total, f.bodyBytes)
  piece.copy(f.body, f.bodyBytes, at, at + bytes)
  f.bodyBytes = total
  f.left -= bytes
  if (f.left === 0) f.state = f.state === "length" ? "done" : "chunk-end"
  return at + bytes
}

/** A line of the chunk framing; lines may be split anywhere between pieces. */
function takeLine(f: Framing, piece: Buffer, at: number, end: number): number | FramingFault {
  const newline = piece.indexOf(10, at)
  const stop = newline < 0 || newline >= end ? end : newline
  f.line += piece.toString("latin1", at, Math.min(stop, at + LINE_LIMIT))
  if (f.line.length >= LINE_LIMIT) return malformed("a line of its chunks does not end")
  if (stop === end) return end
  const line = f.line.endsWith("\r") ? f.line.slice(0, -1) : f.line
  f.line = ""
  return lineRead(f, line) ?? stop + 1
}

function lineRead(f: Framing, line: string): FramingFault | undefined {
  if (f.state === "chunk-end") {
    if (line !== "") return malformed("a chunk is longer than it says")
    f.state = "chunk-size"
    return undefined
  }
  if (f.state === "trailers") {
    if (line === "") f.state = "done"
    return undefined
  }
  const size = /^([0-9a-f]{1,8})(?:;|$)/i.exec(line)?.[1]
  if (size === undefined) return malformed("a chunk has no size")
  f.left = Number.parseInt(size, 16)
  f.state = f.left === 0 ? "trailers" : "chunk"
  return undefined
}
