import { isObject, type JsonObject, ownMember } from "#mesh/json-object.ts"

/**
 * What can be wrong with a document. CloudWatch does not tell a sender: it keeps a wrong document as a log line and makes no
 * metric of it. Each rule with its source: S the specification of the embedded metric format, P the reference of
 * PutMetricData, L PutLogEvents.
 */
export const EMF_RULES = {
  object: "S: one JSON object.",
  size: "S, L: 1 MB at most, counted as UTF-8 plus 26 bytes.",
  metadata: "S: `_aws` holds Timestamp and CloudWatchMetrics, nothing else.",
  timestamp: "S: milliseconds since 1970, a whole number. P: not over 14 days old, not over 2 h ahead.",
  directive: "S: a list of objects with Namespace, Dimensions and Metrics, nothing else.",
  namespace:
    "P: 1 to 255 of A-Z a-z 0-9 . - _ / # : and blank, not blank all over, not begun by a colon or AWS/.",
  dimension_sets: "S: at least one set; each a list of distinct texts.",
  dimension_count: "S: 30 dimensions in a set at most.",
  dimension_name: "S: 1 to 250 characters. P: ASCII without controls, not blank, not begun by a colon.",
  dimension_value: "S: a text at the root, 1 to 1,024 characters. P: ASCII without controls, not blank.",
  metric_count: "S: 1 to 100 metrics in a directive.",
  metric_definition: "S: Name, Unit and StorageResolution, nothing else; no name twice.",
  metric_name: "P: 1 to 255 characters of ASCII without controls, not blank.",
  unit: "S: one of the units of CloudWatch.",
  resolution: "S: 1 or 60.",
  metric_missing: "S: each metric has its member at the root.",
  metric_value: "S: a number, or numbers. P: finite, within 2^360.",
  value_count: "S: 1 to 100 values.",
  counts: "P: as many counts as values, each above 0.",
} as const
export type EmfRule = keyof typeof EMF_RULES

const MAX_BYTES = 1_048_576
const EVENT_OVERHEAD_BYTES = 26
const DAY_MS = 86_400_000
const MAX_AGE_MS = 14 * DAY_MS
const MAX_AHEAD_MS = 2 * 3_600_000
const MAX_VALUE = 2 ** 360
const SIZES = ["Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes"]
const AMOUNTS = [...SIZES, ...SIZES.map((size) => size.replace("ytes", "its")), "Count"]
const UNITS: ReadonlySet<unknown> = new Set([
  "Seconds",
  "Microseconds",
  "Milliseconds",
  "Percent",
  "None",
  ...AMOUNTS,
  ...AMOUNTS.map((unit) => `${unit}/Second`),
])

/**
 * The first rule that a document breaks, or undefined for one that CloudWatch takes.
 * @param document what the JSON text says
 * @param bytes length of the text in UTF-8
 * @param nowMs when it is looked at, ms since the epoch
 */
export function brokenRule(document: unknown, bytes: number, nowMs: number): EmfRule | undefined {
  if (!isObject(document)) return "object"
  if (bytes + EVENT_OVERHEAD_BYTES > MAX_BYTES) return "size"
  const aws = ownMember(document, "_aws")
  if (!isObject(aws) || !onlyOf(aws, ["Timestamp", "CloudWatchMetrics"])) return "metadata"
  const time = aws["Timestamp"]
  if (typeof time !== "number" || !Number.isInteger(time)) return "timestamp"
  if (time < nowMs - MAX_AGE_MS || time > nowMs + MAX_AHEAD_MS) return "timestamp"
  const directives = aws["CloudWatchMetrics"]
  if (!Array.isArray(directives) || directives.length === 0) return "directive"
  return firstOf(directives, (directive) => inDirective(directive, document))
}

function inDirective(directive: unknown, root: JsonObject): EmfRule | undefined {
  if (!isObject(directive) || !onlyOf(directive, ["Namespace", "Dimensions", "Metrics"])) return "directive"
  const { Namespace: namespace, Dimensions: sets, Metrics: metrics } = directive
  if (typeof namespace !== "string" || !isNamespace(namespace)) return "namespace"
  if (!Array.isArray(sets) || sets.length === 0) return "dimension_sets"
  if (!Array.isArray(metrics) || metrics.length === 0 || metrics.length > 100) return "metric_count"
  const names = metrics.map((metric) => (isObject(metric) ? metric["Name"] : undefined))
  if (new Set(names).size !== names.length) return "metric_definition"
  return firstOf(sets, (set) => inSet(set, root)) ?? firstOf(metrics, (metric) => inMetric(metric, root))
}

function inSet(set: unknown, root: JsonObject): EmfRule | undefined {
  if (!Array.isArray(set) || new Set(set).size !== set.length) return "dimension_sets"
  if (set.length > 30) return "dimension_count"
  return firstOf(set, (name) => {
    if (!isText(name, 250) || name.startsWith(":")) return "dimension_name"
    return isText(ownMember(root, name), 1024) ? undefined : "dimension_value"
  })
}

function inMetric(metric: unknown, root: JsonObject): EmfRule | undefined {
  if (!isObject(metric) || !onlyOf(metric, ["Name", "Unit", "StorageResolution"])) return "metric_definition"
  const { Name: name, Unit: unit, StorageResolution: resolution } = metric
  if (!isText(name, 255)) return "metric_name"
  if (unit !== undefined && !UNITS.has(unit)) return "unit"
  if (resolution !== undefined && resolution !== 1 && resolution !== 60) return "resolution"
  if (!Object.hasOwn(root, name)) return "metric_missing"
  return inValue(root[name])
}

function inValue(value: unknown): EmfRule | undefined {
  if (Array.isArray(value)) return inList(value)
  if (!isObject(value)) return isAmount(value) ? undefined : "metric_value"
  const { Values: values, Counts: counts, ...statistics } = value
  if (!Array.isArray(values) || !Array.isArray(counts) || !onlyOf(statistics, ["Max", "Min", "Count", "Sum"]))
    return "metric_value"
  if (counts.length !== values.length) return "counts"
  if (!counts.every((count) => isAmount(count) && count > 0)) return "counts"
  return inList(values) ?? inStatistics(Object.values(statistics))
}

function inList(values: readonly unknown[]): EmfRule | undefined {
  if (values.length === 0 || values.length > 100) return "value_count"
  return inStatistics(values)
}

function inStatistics(values: readonly unknown[]): EmfRule | undefined {
  return values.every(isAmount) ? undefined : "metric_value"
}

const isAmount = (value: unknown): value is number =>
  typeof value === "number" && Math.abs(value) <= MAX_VALUE

const isText = (value: unknown, most: number): value is string =>
  typeof value === "string" && value.length <= most && /^[ -~]+$/.test(value) && value.trim() !== ""

const isNamespace = (text: string): boolean =>
  /^[\w.\-/#: ]{1,255}$/.test(text) && text.trim() !== "" && !/^(?::|AWS\/)/.test(text)

const onlyOf = (value: JsonObject, allowed: readonly string[]): boolean =>
  Object.keys(value).every((key) => allowed.includes(key))

function firstOf(
  list: readonly unknown[],
  check: (one: unknown) => EmfRule | undefined,
): EmfRule | undefined {
  for (const one of list) {
    const rule = check(one)
    if (rule !== undefined) return rule
  }
  return undefined
}
