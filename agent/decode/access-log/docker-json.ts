import { unescapeJson } from "./json-escape.ts"
import { endOfString } from "./json-value.ts"

const HEAD = Buffer.from('{"log":"')
const STREAM = Buffer.from('"stream":"')
const STDERR = Buffer.from('"stream":"stderr"')
const CLOSE = 125

/** What the process wrote in one line; reused from line to line. */
export interface DockerLine {
  /** Holds the text from 0 on; belongs to this object, overwritten by the next line. */
  bytes: Buffer
  /** Behind the last byte. A text without a newline at its end goes on in the next line of its stream. */
  end: number
  stderr: boolean
}

/** Whether a line is one of Docker's json-file driver and nothing else's. */
export function looksLikeDocker(bytes: Buffer, start: number, end: number): boolean {
  const close = textEnd(bytes, start, end)
  return close >= 0 && bytes.subarray(close, end).includes(STREAM)
}

/** Reads `{"log":"…\n","stream":"stdout","time":"…"}` and undoes the escapes of the text; false when it is none. */
export function dockerLine(bytes: Buffer, start: number, end: number, line: DockerLine): boolean {
  const close = textEnd(bytes, start, end)
  if (close < 0) return false
  const from = start + HEAD.length
  // Undoing escapes never makes a text longer.
  if (close - from > line.bytes.length) line.bytes = Buffer.alloc((close - from) * 2)
  line.end = unescapeJson(bytes, from, close, line.bytes, 0)
  line.stderr = bytes.subarray(close, end).includes(STDERR)
  return true
}

function textEnd(bytes: Buffer, start: number, end: number): number {
  if (end - start < HEAD.length + 2 || bytes[end - 1] !== CLOSE) return -1
  for (let index = 0; index < HEAD.length; index++) if (bytes[start + index] !== HEAD[index]) return -1
  return endOfString(bytes, start + HEAD.length, end)
}
