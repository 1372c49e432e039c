import type { MetricPoint } from "./store.ts"

/**
 * docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html. A document
 * that breaks a rule makes no metric at all, and the put of its event succeeds all the same. The monitoring page
 * (CloudWatch-Logs-Monitoring-CloudWatch-Metrics.html) has two counts for it: `parsing` where the form is wrong,
 * `validation` where it breaks the specification; which rule counts as which is not documented beyond that.
 */
export class EmfProblem extends Error {
  readonly kind: "parsing" | "validation"
  constructor(kind: "parsing" | "validation", message: string) {
    super(message)
    this.name = "EmfProblem"
    this.kind = kind
  }
}

export interface EmfMetric {
  readonly namespace: string
  readonly name: string
  readonly dimensions: Readonly<Record<string, string>>
  readonly point: MetricPoint
}
