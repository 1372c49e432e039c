import { type AccessFact, Field } from "./access.ts"

/** The trace that a line belongs to. A view: `headAt` and `tailAt` point into the bytes of the fact that was read. */
export interface TraceHeader {
  /**
   * `xray`: `x-amzn-trace-id`, or an id in X-Ray's own form; `w3c`: `traceparent`; `bare`: 32 digits and no more (Envoy's
   * `%TRACE_ID%`); `none`: no header, or not one of these, or an id of zeros.
   */
  form: "none" | "xray" | "w3c" | "bare"
  /** Where the id's first 8 lower-case hexadecimal digits begin. */
  headAt: number
  /** Where its other 24 begin: in X-Ray's form behind a dash, else right behind the first 8. */
  tailAt: number
  /** Whether the trace was sampled; undefined where the header does not tell. */
  sampled: boolean | undefined
}

export const HEAD_DIGITS = 8
export const TAIL_DIGITS = 24
const ID_DIGITS = HEAD_DIGITS + TAIL_DIGITS
const XRAY_LENGTH = 2 + HEAD_DIGITS + 1 + TAIL_DIGITS
/** Version, trace, parent, flags. */
const W3C_LENGTH = 2 + 1 + ID_DIGITS + 1 + 16 + 1 + 2
const LONGEST = 512
const DASH = 45
const SEMICOLON = 59
const ONE = 49
const ZERO = 48
const ROOT = Buffer.from("Root=")
const SAMPLED = Buffer.from("Sampled=")

export function makeTraceHeader(): TraceHeader {
  return { form: "none", headAt: -1, tailAt: -1, sampled: undefined }
}

/** Reads what the line holds of a trace into `into`, without making a text of it. */
export function readTraceHeader(fact: AccessFact, into: TraceHeader): void {
  into.form = "none"
  into.sampled = undefined
  const start = fact.spans[Field.traceId * 2] ?? -1
  const end = fact.spans[Field.traceId * 2 + 1] ?? -1
  if (start < 0 || end - start < ID_DIGITS || end - start > LONGEST) return
  const { bytes } = fact
  if (end - start === ID_DIGITS) readBare(bytes, start, into)
  else if (bytes[start + 2] === DASH && end - start >= W3C_LENGTH) readW3c(bytes, start, end, into)
  else if (isXrayId(bytes, start, end)) take(bytes, "xray", start + 2, start + 11, into)
  else readXray(bytes, start, end, into)
}

function readBare(bytes: Buffer, start: number, into: TraceHeader): void {
  if (areDigits(bytes, start, ID_DIGITS)) take(bytes, "bare", start, start + HEAD_DIGITS, into)
}

/** W3C trace context: the lowest bit of the flags says sampled. Later versions may add fields behind a dash. */
function readW3c(bytes: Buffer, start: number, end: number, into: TraceHeader): void {
  const parent = start + 3 + ID_DIGITS + 1
  const flags = parent + 17
  if (bytes[parent - 1] !== DASH || bytes[flags - 1] !== DASH) return
  if (end !== flags + 2 && bytes[flags + 2] !== DASH) return
  if (!areDigits(bytes, start, 2) || !areDigits(bytes, start + 3, ID_DIGITS)) return
  if (!areDigits(bytes, parent, 16) || !areDigits(bytes, flags, 2)) return
  into.sampled = isOdd(bytes[flags + 1] ?? ZERO)
  take(bytes, "w3c", start + 3, start + 3 + HEAD_DIGITS, into)
}

/** `Root=1-<8>-<24>;Parent=…;Sampled=1`, in any order and with fields of other services between them. */
function readXray(bytes: Buffer, start: number, end: number, into: TraceHeader): void {
  let root = -1
  for (let at = start; at < end; ) {
    const next = fieldEnd(bytes, at, end)
    if (root < 0 && beginsWith(bytes, at, next, ROOT) && isXrayId(bytes, at + ROOT.length, next)) {
      root = at + ROOT.length
    } else if (next === at + SAMPLED.length + 1 && beginsWith(bytes, at, next, SAMPLED)) {
      const mark = bytes[next - 1]
      into.sampled = mark === ONE ? true : mark === ZERO ? false : undefined
    }
    at = next + 1
  }
  if (root >= 0) take(bytes, "xray", root + 2, root + 11, into)
}

function take(
  bytes: Buffer,
  form: TraceHeader["form"],
  headAt: number,
  tailAt: number,
  into: TraceHeader,
): void {
  if (areZeros(bytes, headAt, HEAD_DIGITS) && areZeros(bytes, tailAt, TAIL_DIGITS)) return
  into.form = form
  into.headAt = headAt
  into.tailAt = tailAt
}

function isXrayId(bytes: Buffer, at: number, end: number): boolean {
  if (end - at !== XRAY_LENGTH || bytes[at] !== ONE || bytes[at + 1] !== DASH) return false
  return (
    bytes[at + 10] === DASH && areDigits(bytes, at + 2, HEAD_DIGITS) && areDigits(bytes, at + 11, TAIL_DIGITS)
  )
}

function fieldEnd(bytes: Buffer, at: number, end: number): number {
  while (at < end && bytes[at] !== SEMICOLON) at++
  return at
}

function beginsWith(bytes: Buffer, at: number, end: number, text: Buffer): boolean {
  if (end - at < text.length) return false
  for (let index = 0; index < text.length; index++) {
    if (bytes[at + index] !== text[index]) return false
  }
  return true
}

function areDigits(bytes: Buffer, at: number, count: number): boolean {
  for (let index = at; index < at + count; index++) {
    const byte = bytes[index] ?? 0
    if (byte < ZERO || byte > 102 || (byte > 57 && byte < 97)) return false
  }
  return true
}

function areZeros(bytes: Buffer, at: number, count: number): boolean {
  for (let index = at; index < at + count; index++) {
    if (bytes[index] !== ZERO) return false
  }
  return true
}

/** Of a lower-case hexadecimal digit: `0` is 48 and `a` is 97. */
const isOdd = (digit: number): boolean => ((digit < 97 ? digit - ZERO : digit - 87) & 1) === 1
