import { MeshscopeError } from "#mesh/errors.ts"
import { isObject, type JsonObject } from "#mesh/json-object.ts"
import { UNSUPPORTED } from "./otlp-attributes.ts"
import {
  clearPoint,
  MAX_BUCKETS,
  makePoint,
  type OtlpPoint,
  type PointKind,
  type PointVisitor,
} from "./otlp-point.ts"
import { malformed } from "./wire.ts"

/**
 * Reads the JSON form: lowerCamelCase names, 64-bit integers as strings (or numbers), enums as numbers or names.
 * Unknown members are passed over. Throws INTAKE_MALFORMED and nothing else.
 * Source: opentelemetry-specification protocol/otlp.md, "JSON Protobuf Encoding".
 */
export function readJsonMetrics(body: string, visitor: PointVisitor): void {
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch (cause) {
    throw new MeshscopeError("INTAKE_MALFORMED", "OTLP body: not valid JSON", { cause })
  }
  const point = makePoint()
  for (const resource of list(object(parsed, "the body"), "resourceMetrics")) {
    if (!visitor.resource(attributes(optional(resource, "resource")))) continue
    for (const scope of list(resource, "scopeMetrics")) {
      for (const metric of list(scope, "metrics")) readMetric(metric, point, visitor)
    }
  }
}

const KINDS: readonly PointKind[] = ["gauge", "sum", "histogram"]
const UNREAD = [
  ["exponentialHistogram", "exponential histograms are not read"],
  ["summary", "summaries are not read"],
] as const

function readMetric(metric: JsonObject, point: OtlpPoint, visitor: PointVisitor): void {
  point.metric = typeof metric["name"] === "string" ? metric["name"] : ""
  for (const [member, reason] of UNREAD) {
    const data = optional(metric, member)
    if (data !== undefined) visitor.unread(list(data, "dataPoints").length, reason)
  }
  for (const kind of KINDS) {
    const data = optional(metric, kind)
    if (data === undefined) continue
    point.kind = kind
    point.temporality = temporality(data["aggregationTemporality"])
    point.monotonic = data["isMonotonic"] === true
    for (const json of list(data, "dataPoints")) readPoint(json, point, visitor)
  }
}

function readPoint(json: JsonObject, point: OtlpPoint, visitor: PointVisitor): void {
  clearPoint(point)
  point.startMs = number(json["startTimeUnixNano"]) / 1e6
  point.timeMs = number(json["timeUnixNano"]) / 1e6
  point.flags = number(json["flags"])
  if (point.kind === "histogram") {
    point.count = number(json["count"])
    point.sum = number(json["sum"])
    point.bucketCount = numbers(json["bucketCounts"], point.counts)
    point.boundCount = numbers(json["explicitBounds"], point.bounds)
  } else point.value = number(json["asInt"] ?? json["asDouble"])
  const pairs = attributes(json)
  point.attributes = () => pairs
  point.key = undefined
  visitor.point(point)
}

function temporality(value: unknown): number {
  if (value === "AGGREGATION_TEMPORALITY_CUMULATIVE") return 2
  if (value === "AGGREGATION_TEMPORALITY_DELTA") return 1
  return number(value)
}

/** Name, value, name, value... */
function attributes(holder: JsonObject | undefined): string[] {
  if (holder === undefined) return []
  const pairs: string[] = []
  for (const attribute of list(holder, "attributes")) {
    // An empty text is protobuf's default, which writers of JSON leave out.
    const name = attribute["key"] ?? ""
    if (typeof name !== "string") throw malformed("an attribute's key is no text")
    pairs.push(name, valueText(optional(attribute, "value")))
  }
  return pairs
}

function valueText(value: JsonObject | undefined): string {
  if (value === undefined) return ""
  const { stringValue, intValue, doubleValue, boolValue } = value
  if (typeof stringValue === "string") return stringValue
  if (typeof boolValue === "boolean") return String(boolValue)
  if (intValue !== undefined) return typeof intValue === "string" ? intValue : String(number(intValue))
  if (doubleValue !== undefined) return String(number(doubleValue))
  return Object.keys(value).length === 0 ? "" : UNSUPPORTED
}

/** A number, a text that holds one, or nothing (0, protobuf's default). */
function number(value: unknown): number {
  if (value === undefined || value === null) return 0
  if (typeof value === "number") return value
  if (typeof value === "string" && value !== "") {
    if (value === "NaN") return Number.NaN
    const read = Number(value)
    if (!Number.isNaN(read)) return read
  }
  throw malformed("a number was expected")
}

function numbers(value: unknown, into: Float64Array): number {
  if (value === undefined || value === null) return 0
  if (!Array.isArray(value)) throw malformed("a list of numbers was expected")
  if (value.length > MAX_BUCKETS) throw malformed(`more than ${MAX_BUCKETS} buckets`)
  value.forEach((entry, index) => {
    into[index] = number(entry)
  })
  return value.length
}

function object(value: unknown, what: string): JsonObject {
  if (isObject(value)) return value
  throw malformed(`${what} is not an object`)
}

function optional(holder: JsonObject, member: string): JsonObject | undefined {
  const value = holder[member]
  return value === undefined || value === null ? undefined : object(value, member)
}

function list(holder: JsonObject, member: string): readonly JsonObject[] {
  const value = holder[member]
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw malformed(`${member} is not a list`)
  return value.map((entry) => object(entry, member))
}
