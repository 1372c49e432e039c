const BLANK = 32
const COLON = 58
const STDERR = 101
const STD = Buffer.from("std")
/** `2026-11-20T15:53:52Z` at least, nanoseconds and a zone at most. */
const SHORTEST_TIME = 20
const LONGEST_TIME = 40

/** The header of one line; reused from line to line. */
export interface CriLine {
  /** First byte of what the process wrote. */
  content: number
  /** The line goes on in the next one of its stream (tag `P`). */
  partial: boolean
  stderr: boolean
  /** Bytes of the time in the line before: nearly always the same again. */
  timeBytes: number
}

/**
 * Reads the header of a CRI line: `<RFC 3339 time> stdout|stderr <tags> `, where the first tag is `F` or `P`.
 * Source: Kubernetes, container runtime interface, logging format.
 * @returns false when the line has none; `line` is then half filled
 */
export function criHeader(bytes: Buffer, start: number, end: number, line: CriLine): boolean {
  const time = timeEnd(bytes, start, end, line.timeBytes)
  if (time < 0 || time + 9 > end || !isStream(bytes, time + 1)) return false
  line.timeBytes = time - start
  line.stderr = bytes[time + 4] === STDERR
  const tag = bytes[time + 8]
  if (tag !== 70 && tag !== 80) return false
  line.partial = tag === 80
  let at = time + 9
  // Further tags follow after colons; none is defined yet.
  if (at < end && bytes[at] === COLON) while (at < end && bytes[at] !== BLANK) at++
  if (at < end && bytes[at] !== BLANK) return false
  line.content = Math.min(at + 1, end)
  return true
}

function timeEnd(bytes: Buffer, start: number, end: number, guess: number): number {
  if (end - start < SHORTEST_TIME || bytes[start + 4] !== 45 || bytes[start + 10] !== 84) return -1
  if (start + guess < end && bytes[start + guess] === BLANK && isStream(bytes, start + guess + 1))
    return start + guess
  const stop = Math.min(end, start + LONGEST_TIME)
  for (let at = start + SHORTEST_TIME; at < stop; at++) if (bytes[at] === BLANK) return at
  return -1
}

/** `stdout ` or `stderr ` */
function isStream(bytes: Buffer, at: number): boolean {
  const letter = bytes[at + 3]
  return (
    bytes[at] === STD[0] &&
    bytes[at + 1] === STD[1] &&
    bytes[at + 2] === STD[2] &&
    (letter === STDERR || letter === 111) &&
    bytes[at + 6] === BLANK
  )
}
