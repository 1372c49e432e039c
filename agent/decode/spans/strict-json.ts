import { MeshscopeError } from "#mesh/errors.ts"
import { isObject, type JsonObject } from "#mesh/json-object.ts"
import { malformed } from "../protobuf-wire.ts"
import { jsonExcess, MAX_DEPTH, MAX_VALUES } from "./json-bounds.ts"

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

function requireBounds(bytes: Buffer): void {
  const excess = jsonExcess(bytes)
  if (excess === undefined) return
  if (excess.kind === "depth") throw malformed(`is nested deeper than ${MAX_DEPTH} levels`, excess.at)
  throw new MeshscopeError("INTAKE_TOO_LARGE", `The body holds more than ${MAX_VALUES} values.`)
}

/** A member that is an object; undefined where it is absent or null. @throws MeshscopeError INTAKE_MALFORMED */
export function objectOf(holder: JsonObject, member: string): JsonObject | undefined {
  const value = holder[member] ?? undefined
  if (value === undefined || isObject(value)) return value
  throw malformed(`holds a ${member} that is not an object`)
}

/** A member that is a list; empty where it is absent or null. @throws MeshscopeError INTAKE_MALFORMED */
export function listOf(holder: JsonObject, member: string): readonly unknown[] {
  const value = holder[member] ?? []
  if (Array.isArray(value)) return value
  throw malformed(`holds a ${member} that is not a list`)
}

/** A member that is a text; empty where it is absent or null. @throws MeshscopeError INTAKE_MALFORMED */
export function textOf(holder: JsonObject, member: string): string {
  const value = holder[member] ?? ""
  if (typeof value === "string") return value.toWellFormed()
  throw malformed(`holds a ${member} that is not a text`)
}

/** A number, or a text that holds one, as JSON writes 64-bit numbers; 0 where it is absent. @throws as above */
export function numberOf(holder: JsonObject, member: string): number {
  const value = holder[member] ?? 0
  if (typeof value === "number") return value
  if (typeof value === "string" && /^-?\d{1,20}$/.test(value)) return Number(value)
  throw malformed(`holds a ${member} that is not a number`)
}
