import {
  type DataPoint,
  DataPointType,
  type Histogram,
  MetricReader,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics"
import type { OwnFamily, OwnPoint } from "./families.ts"

/** Reads the instruments when asked. Sends nothing, keeps no timer. */
export class PullReader extends MetricReader {
  /** Current values of all instruments. */
  async families(): Promise<readonly OwnFamily[]> {
    // Errors are those of callbacks of ours; the instruments that worked are still there.
    const { resourceMetrics } = await this.collect()
    return familiesOf(resourceMetrics)
  }

  protected override onForceFlush(): Promise<void> {
    return Promise.resolve()
  }

  protected override onShutdown(): Promise<void> {
    return Promise.resolve()
  }
}

function familiesOf({ scopeMetrics }: ResourceMetrics): OwnFamily[] {
  return scopeMetrics.flatMap(({ metrics }) =>
    metrics.flatMap((metric): OwnFamily[] => {
      const { name, description: help, unit } = metric.descriptor
      switch (metric.dataPointType) {
        case DataPointType.SUM: {
          const type = metric.isMonotonic ? "counter" : "gauge"
          return [{ name, help, unit, type, points: metric.dataPoints.map(pointOf) }]
        }
        case DataPointType.GAUGE:
          return [{ name, help, unit, type: "gauge", points: metric.dataPoints.map(pointOf) }]
        case DataPointType.HISTOGRAM:
          return [{ name, help, unit, type: "histogram", points: metric.dataPoints.map(histogramOf) }]
        case DataPointType.EXPONENTIAL_HISTOGRAM:
          return [] // none of the instruments has this aggregation
      }
    }),
  )
}

function pointOf({ attributes, value }: DataPoint<number>): OwnPoint {
  return { labels: texts(attributes), value }
}

function histogramOf({ attributes, value }: DataPoint<Histogram>): OwnPoint {
  const { boundaries, counts } = value.buckets
  return { labels: texts(attributes), value: value.sum ?? 0, histogram: { bounds: boundaries, counts } }
}

function texts(attributes: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, String(value)]))
}
