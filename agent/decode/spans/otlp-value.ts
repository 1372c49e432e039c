import { isObject, type JsonObject } from "#mesh/json-object.ts"
import type { AttributeValue } from "#mesh/span.ts"
import { double, limit, malformed, signedVarint, skip, text, varint, type Wire } from "../protobuf-wire.ts"
import { putAttribute } from "./span-draft.ts"
import { listOf } from "./strict-json.ts"

/** Lists and maps become JSON text, as OpenTelemetry writes them where only texts fit; deeper ones are cut off. */
const MAX_NESTING = 8
type Plain = AttributeValue | null | readonly Plain[] | { readonly [key: string]: Plain }

export interface AttributeTarget {
  readonly attributes: Map<string, AttributeValue>
  /** Told of what is cut off. */
  readonly counter: { cut: number }
}

/** KeyValue: key 1, value 2. */
export function readAttribute(wire: Wire, end: number, into: AttributeTarget): void {
  const [key, value] = readKeyValue(wire, end, 0)
  put(into, key, value)
}

/** A KeyValue of OTLP's JSON. */
export function putJsonAttribute(keyValue: unknown, into: AttributeTarget): void {
  const [key, value] = jsonKeyValue(keyValue, 0)
  put(into, key, value)
}

/** An attribute without a value says nothing. */
function put({ attributes, counter }: AttributeTarget, key: string, value: Plain | undefined): void {
  if (value === undefined) counter.cut++
  else if (value !== null)
    putAttribute(attributes, key, typeof value === "object" ? JSON.stringify(value) : value, counter)
}

function readKeyValue(wire: Wire, end: number, depth: number): [string, Plain | undefined] {
  let key = ""
  let value: Plain | undefined = null
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag === 10) key = text(wire, end)
    else if (tag === 18) value = readValue(wire, limit(wire, end), depth)
    else skip(wire, tag, end)
  }
  return [key, value]
}

/** AnyValue: string 1, bool 2, int 3, double 4, array 5, kvlist 6, bytes 7. Undefined: nested too deep. */
function readValue(wire: Wire, end: number, depth: number): Plain | undefined {
  let value: Plain | undefined = null
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag === 10) value = text(wire, end)
    else if (tag === 16) value = varint(wire, end) !== 0
    else if (tag === 24) value = signedVarint(wire, end)
    else if (tag === 33) value = finite(double(wire, end))
    else if (tag === 42 || tag === 50) value = readNested(wire, limit(wire, end), tag === 50, depth + 1)
    else if (tag === 58) {
      const stop = limit(wire, end)
      value = wire.bytes.toString("base64", wire.at, stop)
      wire.at = stop
    } else skip(wire, tag, end)
  }
  return value
}

/** ArrayValue and KeyValueList: values 1. */
function readNested(wire: Wire, end: number, map: boolean, depth: number): Plain | undefined {
  if (depth > MAX_NESTING) {
    wire.at = end
    return undefined
  }
  const values: Plain[] = []
  const entries: [string, Plain][] = []
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag !== 10) skip(wire, tag, end)
    else if (map) {
      const [key, value] = readKeyValue(wire, limit(wire, end), depth)
      entries.push([key, value ?? null])
    } else values.push(readValue(wire, limit(wire, end), depth) ?? null)
  }
  // fromEntries defines `__proto__` as a member like any other.
  return map ? Object.fromEntries(entries) : values
}

function jsonKeyValue(keyValue: unknown, depth: number): [string, Plain | undefined] {
  if (!isObject(keyValue)) throw malformed("holds an attribute that is not an object")
  const key = keyValue["key"] ?? ""
  if (typeof key !== "string") throw malformed("holds an attribute whose key is not a text")
  return [key.toWellFormed(), jsonValue(keyValue["value"], depth)]
}

/** Undefined: nested too deep. */
function jsonValue(any: unknown, depth: number): Plain | undefined {
  if (any === undefined || any === null) return null
  if (!isObject(any)) throw malformed("holds an attribute whose value is not an object")
  const { stringValue, boolValue, intValue, doubleValue, bytesValue } = any
  if (typeof stringValue === "string") return stringValue.toWellFormed()
  if (typeof boolValue === "boolean") return boolValue
  if (intValue !== undefined) return integerOf(intValue)
  if (doubleValue !== undefined) return doubleOf(doubleValue)
  if (typeof bytesValue === "string") return bytesValue.toWellFormed()
  return jsonNested(any, depth + 1)
}

function jsonNested({ arrayValue, kvlistValue }: JsonObject, depth: number): Plain | undefined {
  if (depth > MAX_NESTING) return undefined
  if (isObject(arrayValue))
    return listOf(arrayValue, "values").map((value) => jsonValue(value, depth) ?? null)
  if (!isObject(kvlistValue)) return null
  return Object.fromEntries(
    listOf(kvlistValue, "values").map((one): [string, Plain] => {
      const [key, value] = jsonKeyValue(one, depth)
      return [key, value ?? null]
    }),
  )
}

function integerOf(value: unknown): number | string {
  if (typeof value === "number") return finite(value)
  if (typeof value !== "string" || !/^-?\d{1,20}$/.test(value))
    throw malformed("holds an attribute whose value is not a number")
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

function doubleOf(value: unknown): number | string {
  if (typeof value === "number") return finite(value)
  // Numbers as texts, and `NaN`, `Infinity`, `-Infinity` (protobuf.dev, "ProtoJSON Format").
  if (typeof value === "string" && value.trim() !== "" && value.length < 40)
    return Number.isFinite(Number(value)) ? Number(value) : value.toWellFormed()
  throw malformed("holds an attribute whose value is not a number")
}

/** JSON has no other numbers, so they would not pass every output. */
const finite = (value: number): number | string => (Number.isFinite(value) ? value : String(value))
