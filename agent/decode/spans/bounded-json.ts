import { MeshscopeError } from "#mesh/errors.ts"
import { malformed } from "./protobuf-wire.ts"

export type Json = Readonly<Record<string, unknown>>

/** Deeper than any span needs: eight levels of nested attribute values in OTLP take about forty. */
const MAX_DEPTH = 64
/** A parsed value takes up to fifty bytes or so, however short it was written. */
const MAX_VALUES = 1_000_000

/**
 * Parses JSON of a hostile sender: depth and number of values are bounded before anything is built.
 * @throws MeshscopeError INTAKE_MALFORMED, INTAKE_TOO_LARGE
 */
export function boundedJson(body: Uint8Array): unknown {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  requireBounds(bytes)
  try {
    return JSON.parse(bytes.toString("utf8"))
  } catch (cause) {
    throw new MeshscopeError("INTAKE_MALFORMED", "The body is not JSON.", { cause })
  }
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

function requireBounds(bytes: Buffer): void {
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
        if (++depth > MAX_DEPTH) throw malformed(`is nested deeper than ${MAX_DEPTH} levels`, at)
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
  if (values <= MAX_VALUES) return
  throw new MeshscopeError("INTAKE_TOO_LARGE", `The body holds more than ${MAX_VALUES} values.`)
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

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

/** A member that is an object; undefined where it is absent or null. @throws MeshscopeError INTAKE_MALFORMED */
export function objectOf(holder: Json, member: string): Json | undefined {
  const value = holder[member] ?? undefined
  if (value === undefined || isObject(value)) return value
  throw malformed(`holds a ${member} that is not an object`)
}

/** A member that is a list; empty where it is absent or null. @throws MeshscopeError INTAKE_MALFORMED */
export function listOf(holder: Json, member: string): readonly unknown[] {
  const value = holder[member] ?? []
  if (Array.isArray(value)) return value
  throw malformed(`holds a ${member} that is not a list`)
}

/** A member that is a text; empty where it is absent or null. @throws MeshscopeError INTAKE_MALFORMED */
export function textOf(holder: Json, member: string): string {
  const value = holder[member] ?? ""
  if (typeof value === "string") return value.toWellFormed()
  throw malformed(`holds a ${member} that is not a text`)
}

/** A number, or a text that holds one, as JSON writes 64-bit numbers; 0 where it is absent. @throws as above */
export function numberOf(holder: Json, member: string): number {
  const value = holder[member] ?? 0
  if (typeof value === "number") return value
  if (typeof value === "string" && /^-?\d{1,20}$/.test(value)) return Number(value)
  throw malformed(`holds a ${member} that is not a number`)
}
