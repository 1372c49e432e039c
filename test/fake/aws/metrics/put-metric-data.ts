import { type Input, isObject, type JsonHandler } from "../operation.ts"
import { Refusal } from "../refusal.ts"
import { isDimensionText } from "./emf-directive.ts"
import { type MetricPoint, type MetricsStore, type Statistics, valuesPoint } from "./store.ts"
import { isMetricTime, isMetricValue, UNITS } from "./units.ts"

/** All from client-cloudwatch, PutMetricDataCommand and its types; lengths from API_MetricDatum.html and API_Dimension.html */
const MAX_BODY_BYTES = 1_048_576
const MAX_METRICS = 1000
const MAX_VALUES = 150
const MAX_DIMENSIONS = 30
const MAX_NAME = 255
const MAX_DIMENSION_VALUE = 1024

const invalid = (message: string): Refusal => new Refusal("InvalidParameterValueException", message)
const missing = (member: string): Refusal =>
  new Refusal("MissingRequiredParameterException", `The parameter ${member} is required.`)

interface Datum {
  readonly name: string
  readonly dimensions: Readonly<Record<string, string>>
  readonly point: MetricPoint
}

/** EntityMetricData is counted, and its metrics kept like the others; its entity is not checked. */
export function putMetricData(store: MetricsStore): JsonHandler {
  return (input, { body, nowMs }) => {
    // "limited to 1 MB in size for HTTP POST requests"; whether before or after packing is not documented: here after
    // inflating, which is the stricter
    if (body.length > MAX_BODY_BYTES)
      throw new Refusal("RequestEntityTooLargeException", "The request is larger than 1 MB.", { status: 413 })
    const namespace = checkedNamespace(input["Namespace"])
    const list = [...listOf(input, "MetricData"), ...entityData(input)]
    if (list.length === 0) throw missing("MetricData")
    if (list.length > MAX_METRICS)
      throw invalid(`The collection MetricData must not have a size greater than 1000.`)
    const data = list.map((datum, index) => checkedDatum(datum, `MetricData.member.${index + 1}`, nowMs))
    for (const { name, dimensions, point } of data) store.add(namespace, name, dimensions, point)
    return {}
  }
}

function listOf(input: Input, member: string): unknown[] {
  const list = input[member] ?? []
  if (!Array.isArray(list)) throw new Refusal("SerializationException", `${member} is not a list.`)
  return list
}

const entityData = (input: Input): unknown[] =>
  listOf(input, "EntityMetricData").flatMap((one) => (isObject(one) ? listOf(one, "MetricData") : []))

/** API_PutMetricData.html: 1 to 255 characters, `[^:].*`; ASCII without controls. */
function checkedNamespace(namespace: unknown): string {
  if (namespace === undefined) throw missing("Namespace")
  if (typeof namespace !== "string" || namespace.length < 1 || namespace.length > MAX_NAME)
    throw invalid("Namespace is not 1 to 255 characters.")
  if (!/^[ -~]+$/.test(namespace) || namespace.startsWith(":"))
    throw invalid("The value for parameter Namespace contains a character that is not allowed.")
  if (namespace.startsWith("AWS/"))
    throw invalid("The value AWS/ for parameter Namespace is invalid: it is reserved.")
  return namespace
}

function checkedDatum(datum: unknown, where: string, nowMs: number): Datum {
  if (!isObject(datum)) throw new Refusal("SerializationException", `${where} is not an object.`)
  const { MetricName: name, Unit: unit = "None", StorageResolution: resolution = 60 } = datum
  if (name === undefined) throw missing(`${where}.MetricName`)
  if (typeof name !== "string" || name.length < 1 || name.length > MAX_NAME)
    throw invalid(`${where}.MetricName is not 1 to 255 characters.`)
  if (typeof unit !== "string" || !UNITS.has(unit)) throw invalid(`${where}.Unit is not a standard unit.`)
  if (resolution !== 1 && resolution !== 60) throw invalid(`${where}.StorageResolution is neither 1 nor 60.`)
  // JSON 1.0 writes times in seconds
  const timeMs = datum["Timestamp"] === undefined ? nowMs : Number(datum["Timestamp"]) * 1000
  if (!isMetricTime(timeMs, nowMs))
    throw invalid(
      `The parameter ${where}.Timestamp must specify a time within the past two weeks or 2 hours ahead.`,
    )
  const about = { timeMs, unit, resolution, from: "PutMetricData" as const }
  return { name, dimensions: checkedDimensions(datum, where), point: pointOf(datum, where, about) }
}

function checkedDimensions(datum: Input, where: string): Record<string, string> {
  const list = listOf(datum, "Dimensions")
  if (list.length > MAX_DIMENSIONS) throw invalid(`${where}.Dimensions has more than 30 members.`)
  const pairs = list.map((one) => {
    const { Name: name, Value: value } = isObject(one) ? one : {}
    if (typeof name !== "string" || name.length > MAX_NAME || !isDimensionText(name) || name.startsWith(":"))
      throw invalid(`${where}.Dimensions has a Name that is not allowed.`)
    if (typeof value !== "string" || value.length > MAX_DIMENSION_VALUE || !isDimensionText(value))
      throw invalid(`${where}.Dimensions has a Value that is not allowed.`)
    return [name, value] as const
  })
  return Object.fromEntries(pairs)
}

/** Value, StatisticValues or Values: exactly one of them. */
function pointOf(
  datum: Input,
  where: string,
  about: Pick<MetricPoint, "timeMs" | "unit" | "resolution" | "from">,
): MetricPoint {
  const { Value: value, StatisticValues: set, Values: values } = datum
  const given = [value, set, values].filter((one) => one !== undefined).length
  if (given === 0) throw missing(`${where}.Value`)
  if (given > 1)
    throw new Refusal(
      "InvalidParameterCombinationException",
      `${where}: Value, Values and StatisticValues are mutually exclusive.`,
    )
  if (set !== undefined) return { ...about, values: [], counts: [], statistics: statisticSet(set, where) }
  const numbers: unknown[] = value === undefined ? listOf(datum, "Values") : [value]
  if (numbers.length < 1 || numbers.length > MAX_VALUES)
    throw invalid(`${where}.Values has not 1 to 150 members.`)
  if (!numbers.every(isMetricValue)) throw invalid(`${where} has a value out of range.`)
  const counts = datum["Counts"] === undefined ? numbers.map(() => 1) : listOf(datum, "Counts")
  if (counts.length !== numbers.length) throw invalid(`${where}.Counts must be of the same size as Values.`)
  if (
    !counts.every((count): count is number => isMetricValue(count) && count >= 0) ||
    !counts.some((count) => count > 0)
  )
    throw invalid(`${where}.Counts has a count that is not allowed.`)
  return valuesPoint(numbers, counts, about)
}

function statisticSet(set: unknown, where: string): Statistics {
  const { SampleCount: count, Sum: sum, Minimum: min, Maximum: max } = isObject(set) ? set : {}
  if (!isMetricValue(count) || !isMetricValue(sum) || !isMetricValue(min) || !isMetricValue(max))
    throw invalid(`${where}.StatisticValues has a value out of range.`)
  if (count <= 0 || min > max)
    throw invalid(`${where}.StatisticValues: Maximum must be greater than Minimum.`)
  return { count, sum, min, max }
}
