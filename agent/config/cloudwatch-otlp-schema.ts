import * as z from "zod"
import { duration } from "#mesh/quantities.ts"

/** All metrics to CloudWatch by OTLP. Region, credentials and endpoint are those of the AWS SDK. */
export const cloudwatchOtlpSchema = z.strictObject({
  interval: duration({ min: "10s", max: "1h" })
    .prefault("60s")
    .describe("Time between two sendings of what changed."),
  fullEvery: duration({ min: "10s", max: "1h" })
    .prefault("4m")
    .describe(
      "Time between two sendings of everything, changed or not. PromQL forgets a series after 5 minutes without a point; each point is paid for by its bytes.",
    ),
  timeout: duration({ min: "100ms", max: "5m" }).prefault("30s").describe("How long one request may take."),
})
