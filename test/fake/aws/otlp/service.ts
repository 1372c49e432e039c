import type { FakeLogs } from "../logs/store.ts"
import type { Call, Operation } from "../operation.ts"
import type { Answer } from "../refusal.ts"
import { takeLogs } from "./logs.ts"
import { takeMetrics } from "./metrics.ts"
import type { FakeOtlp, OtlpStore } from "./store.ts"
import { takeTraces } from "./traces.ts"
import { type Codec, makeCodec } from "./wire.ts"

const operation = (
  api: "otlp:metrics" | "otlp:logs" | "otlp:traces",
  service: Operation["service"],
  codec: () => Promise<Codec>,
  take: (codec: Codec, call: Call) => Answer,
): Operation => ({
  api,
  service,
  wire: "otlp",
  // opentelemetry.io/docs/specs/otlp (throttling): 429 or 503; AWS's own choice is not documented
  throttle: { code: "ThrottlingException", status: 429 },
  gzip: true,
  run: async (call) => take(await codec(), call),
})

/** The descriptors are read when they are first needed. */
const once = (signal: string, rejectedField: string, path: readonly string[]): (() => Promise<Codec>) => {
  let codec: Promise<Codec> | undefined
  return () => (codec ??= makeCodec(signal, rejectedField, path))
}

/**
 * The three OTLP endpoints, each signed for the service of its host (CloudWatch-OTLPEndpoint.html). The protocol's
 * descriptors, a component, are read at the first call.
 */
export function makeOtlp(logs: FakeLogs): { store: FakeOtlp; operations: Operation[] } {
  const store: OtlpStore = { points: [], records: [], spans: [] }
  return {
    store,
    operations: [
      operation(
        "otlp:metrics",
        "monitoring",
        once("metrics", "rejectedDataPoints", ["resourceMetrics", "scopeMetrics", "metrics"]),
        (codec, call) => takeMetrics(store, codec, call),
      ),
      operation(
        "otlp:logs",
        "logs",
        once("logs", "rejectedLogRecords", ["resourceLogs", "scopeLogs", "logRecords"]),
        (codec, call) => takeLogs(store, logs, codec, call),
      ),
      operation(
        "otlp:traces",
        "xray",
        once("trace", "rejectedSpans", ["resourceSpans", "scopeSpans", "spans"]),
        (codec, call) => takeTraces(store, codec, call),
      ),
    ],
  }
}
