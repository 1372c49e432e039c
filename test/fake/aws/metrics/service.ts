import { jsonRun, type Operation } from "../operation.ts"
import { takeEmf } from "./emf.ts"
import { putMetricData } from "./put-metric-data.ts"
import { type FakeMetrics, makeStore } from "./store.ts"

export interface FakeMetricsService {
  readonly store: FakeMetrics
  readonly operations: readonly Operation[]
  /** Reads a stored log event for the embedded metric format. */
  takeEvent(group: string, message: string, nowMs: number): void
}

/** CloudWatch's classic metrics: PutMetricData, and what the embedded metric format brings. */
export function makeMetrics(): FakeMetricsService {
  const store = makeStore()
  const operation: Operation = {
    api: "monitoring:PutMetricData",
    service: "monitoring",
    wire: "json-1.0",
    throttle: { code: "ThrottlingException", status: 400 },
    gzip: true,
    run: jsonRun("json-1.0", putMetricData(store)),
  }
  return {
    store,
    operations: [operation],
    takeEvent: (group, message, nowMs) => takeEmf(store, group, message, nowMs),
  }
}
