import { DURATION_BOUNDS, type Metric } from "#mesh/catalogue.ts"
import { UNSUPPORTED } from "./otlp-attributes.ts"
import { MAX_ATTRIBUTES, MAX_NAME_LENGTH, MAX_VALUE_LENGTH, type OtlpPoint } from "./otlp-point.ts"

const CUMULATIVE = 2

/** Why a point cannot be a point of this metric; undefined when it can. A reason is a sentence for the sender. */
export function shapeRefusal(metric: Metric, point: OtlpPoint): string | undefined {
  switch (metric.type) {
    case "gauge":
      return gaugeRefusal(metric, point)
    case "counter":
      return counterRefusal(metric, point)
    case "histogram":
      return histogramRefusal(metric, point)
  }
}

function gaugeRefusal(metric: Metric, point: OtlpPoint): string | undefined {
  if (point.kind === "gauge" || (point.kind === "sum" && !point.monotonic)) return undefined
  return `${metric.name} must be a gauge`
}

function counterRefusal(metric: Metric, point: OtlpPoint): string | undefined {
  if (point.kind !== "sum" || !point.monotonic) return `${metric.name} must be a monotonic sum`
  if (point.temporality !== CUMULATIVE) return `${metric.name} must be cumulative`
  return isCount(point.value) ? undefined : `${metric.name} holds a value that is no count`
}

function histogramRefusal(metric: Metric, point: OtlpPoint): string | undefined {
  if (point.kind !== "histogram") return `${metric.name} must be a histogram`
  if (point.temporality !== CUMULATIVE) return `${metric.name} must be cumulative`
  if (!sameBounds(point)) return `${metric.name} has other bucket bounds than the catalogue`
  let total = 0
  for (let bucket = 0; bucket < point.bucketCount; bucket++) {
    const count = point.counts[bucket] ?? 0
    if (!isCount(count)) return `${metric.name} holds a value that is no count`
    total += count
  }
  if (total !== point.count) return `${metric.name} holds buckets that do not add up to its count`
  return isCount(point.sum) ? undefined : `${metric.name} holds a sum that is no amount`
}

function isCount(value: number): boolean {
  return value >= 0 && value <= Number.MAX_SAFE_INTEGER
}

function sameBounds(point: OtlpPoint): boolean {
  if (point.boundCount !== DURATION_BOUNDS.length || point.bucketCount !== point.boundCount + 1) return false
  for (let index = 0; index < DURATION_BOUNDS.length; index++)
    if (point.bounds[index] !== DURATION_BOUNDS[index]) return false
  return true
}

/** The labels of a point, decoded; or why they are refused. Empty values are left out. Throws on text that is not UTF-8. */
export function labelsOf(point: OtlpPoint): Map<string, string> | string {
  const pairs = point.attributes()
  if (pairs.length > MAX_ATTRIBUTES * 2) return `more than ${MAX_ATTRIBUTES} attributes`
  const labels = new Map<string, string>()
  for (let index = 0; index + 1 < pairs.length; index += 2) {
    const name = pairs[index] ?? ""
    const value = pairs[index + 1] ?? ""
    if (name === "" || name.length > MAX_NAME_LENGTH) return "an attribute name is empty or too long"
    if (value === UNSUPPORTED) return "an attribute is neither text nor number"
    if (value.length > MAX_VALUE_LENGTH) return "an attribute value is too long"
    // Names are joined by it in keys behind this line.
    if (name.includes("\u0000") || value.includes("\u0000")) return "an attribute holds a zero character"
    if (value !== "") labels.set(name, value)
  }
  return labels
}
