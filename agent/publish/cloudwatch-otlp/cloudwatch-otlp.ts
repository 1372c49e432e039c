import type { Clock } from "#mesh/clock.ts"
import type { Snapshot } from "#mesh/snapshot.ts"
import { awsTarget, type SdkSource } from "../aws/endpoints.ts"
import { makeAwsSigner } from "../aws/signing.ts"
import type { Outbox, Sink } from "../contract.ts"
import { makeOtlpHttpSink } from "../otlp/http-sink.ts"
import type { MetricsEncoderOptions } from "../otlp/metrics-encoder.ts"
import { makeMetricsExport } from "../otlp/metrics-export.ts"

export interface CloudWatchOtlpExportConfig extends MetricsEncoderOptions {
  /** Every series is sent so often, changed or not. */
  readonly fullEveryMs: number
}

export interface CloudWatchOtlpExportDeps {
  readonly snapshot: Snapshot
  readonly clock: Clock
  readonly outbox: Outbox
}

/** docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-OTLPEndpoint.html; more is a 400 for the whole request. */
const MAX_POINTS_PER_REQUEST = 1000

/**
 * Puts the catalogue's metrics into the outbox as requests for CloudWatch's OTLP endpoint, encoded and compressed. Points
 * are cumulative, so their newest values alone would keep every total right; they are queued all the same, since graphs and
 * alarms read what happened when: after an outage the newest values would make one step of all that happened in it.
 */
export function makeCloudWatchOtlpExport(
  config: CloudWatchOtlpExportConfig,
  { snapshot, clock, outbox }: CloudWatchOtlpExportDeps,
): { tick(): Promise<void> } {
  return makeMetricsExport(
    { ...config, maxPoints: MAX_POINTS_PER_REQUEST },
    {
      snapshot,
      clock,
      offer: ({ key, timeMs, payload, count }) => outbox.append(key, timeMs, payload, count),
    },
  )
}

/**
 * Sends them, signed, to `https://monitoring.<region>.amazonaws.com/v1/metrics`. To be delivered in order.
 * @param sdk of a CloudWatch client
 */
export function makeCloudWatchOtlpSink(deps: {
  readonly clock: Pick<Clock, "now">
  readonly sdk: SdkSource
}): Sink<Uint8Array> {
  const { clock, sdk } = deps
  const signer = makeAwsSigner({ service: "monitoring" }, { sdk, now: () => clock.now() })
  return makeOtlpHttpSink({ url: awsTarget(sdk, "/v1/metrics"), signer }, { clock })
}
