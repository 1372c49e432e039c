import type { MetricSet } from "../cloudwatch/metric-set.ts"
import type { ToldMetric } from "../cloudwatch/told-metrics.ts"

/** PutLogEvents counts a message as UTF-8 and 26 bytes; whether the bill does so too was not found. */
export const LOG_EVENT_BYTES = 26

/** Frame of a document of the embedded metric format, with a namespace of nine characters. */
const DOCUMENT_BYTES = 107
/** `{"Name":"","Unit":""},` in the list, and `"":` with its comma at the root. */
const METRIC_BYTES = 26
/** A number, and a histogram with about four buckets in use. */
const NUMBER_BYTES = 3
const HISTOGRAM_BYTES = 200

/** Bytes of one document as a log event. `values`: characters of all values of its dimensions. */
export function documentBytes(set: MetricSet, values: number, metrics: readonly ToldMetric[]): number {
  // A name stands in the list of dimensions and at the root, with quotes, commas and colon.
  const dimensions = set.dimensions.reduce((sum, { name }) => sum + 2 * name.length + 9, values)
  const told = metrics.reduce(
    (sum, { name, unit, kind }) =>
      sum +
      METRIC_BYTES +
      2 * name.length +
      unit.length +
      (kind === "histogram" ? HISTOGRAM_BYTES : NUMBER_BYTES),
    0,
  )
  return DOCUMENT_BYTES + dimensions + told + LOG_EVENT_BYTES
}

/** Resource attributes of an agent's points: names, id, version, host. */
const RESOURCE_BYTES = 150
/** Start, time, value and the heads around them. */
const POINT_BYTES = 40
/** 17 counts and 16 bounds of 8 bytes, count and sum. */
const HISTOGRAM_POINT_BYTES = 40 + 33 * 8 + 22

/**
 * Bytes of one OTLP point as CloudWatch bills it: name, labels, resource attributes, time and value
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/metrics-otel-pricing.html). Ours share name and resource
 * among the points of a request; whether the bill sees them once or with each point was not found: with each is counted.
 */
export function pointBytes(name: string, labels: ReadonlyMap<string, string>, histogram: boolean): number {
  let bytes = RESOURCE_BYTES + name.length + (histogram ? HISTOGRAM_POINT_BYTES : POINT_BYTES)
  // Heads of an attribute, its key and its value.
  for (const [label, value] of labels) bytes += 8 + label.length + value.length
  return bytes
}
