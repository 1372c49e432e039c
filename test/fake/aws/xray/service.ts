import { type ApiName, type JsonHandler, jsonRun, type Operation } from "../operation.ts"
import { putTraceSegments } from "./put-trace-segments.ts"
import { defaultRule, samplingRules, samplingSummaries, samplingTargets } from "./sampling.ts"
import { type FakeXray, makeStore } from "./store.ts"
import { putTelemetryRecords } from "./telemetry-records.ts"

export type { FakeXray } from "./store.ts"

/** client-xray, ThrottledException: 429. */
const operation = (api: ApiName, handler: JsonHandler): Operation => ({
  api,
  service: "xray",
  wire: "rest-json",
  throttle: { code: "ThrottledException", status: 429 },
  gzip: false,
  run: jsonRun("rest-json", handler),
})

/** AWS X-Ray. */
export function makeXray(): { store: FakeXray; operations: Operation[] } {
  const store = makeStore([defaultRule()])
  return {
    store,
    operations: [
      operation("xray:PutTraceSegments", putTraceSegments(store)),
      operation("xray:PutTelemetryRecords", putTelemetryRecords(store)),
      operation("xray:GetSamplingRules", samplingRules(store)),
      operation("xray:GetSamplingTargets", samplingTargets(store)),
      operation("xray:GetSamplingStatisticSummaries", samplingSummaries(store)),
    ],
  }
}
