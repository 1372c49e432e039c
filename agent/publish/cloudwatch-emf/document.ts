import type { MetricSet } from "#mesh/cloudwatch/metric-set.ts"
import type { ToldMetric } from "#mesh/cloudwatch/told-metrics.ts"
import type { ValueCounts } from "./representatives.ts"

/** One metric's number in a document. */
export interface Point {
  readonly metric: ToldMetric
  readonly value: number | ValueCounts
}

/**
 * A document of the embedded metric format, as an object to be checked and then written as JSON. All its members have names of
 * ours; what a pod may have named stands in values only.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 * @param values of the set's dimensions, in their order
 * @param timeMs when the numbers were committed
 */
export function emfDocument(
  namespace: string,
  set: MetricSet,
  values: readonly string[],
  points: readonly Point[],
  timeMs: number,
): Record<string, unknown> {
  const document: Record<string, unknown> = {
    _aws: {
      Timestamp: Math.trunc(timeMs),
      CloudWatchMetrics: [
        {
          Namespace: namespace,
          Dimensions: [set.dimensions.map(({ name }) => name)],
          Metrics: points.map(({ metric }) => ({ Name: metric.name, Unit: metric.unit })),
        },
      ],
    },
  }
  for (const [at, { name }] of set.dimensions.entries()) document[name] = values[at] ?? ""
  for (const { metric, value } of points)
    document[metric.name] = typeof value === "number" ? value : histogram(value)
  return document
}

/**
 * The form that the OpenTelemetry Collector's and CloudWatch's own agents send: the written specification names only
 * numbers and arrays of them. CloudWatch takes the sample count from Counts.
 */
function histogram({ values, counts, sum, count }: ValueCounts): Record<string, unknown> {
  return { Values: values, Counts: counts, Max: values.at(-1), Min: values[0], Count: count, Sum: sum }
}
