import { promisify } from "node:util"
import { gzip } from "node:zlib"
import type { Clock } from "#mesh/clock.ts"
import { awsTarget, type SdkSource } from "../aws/endpoints.ts"
import { makeAwsSigner } from "../aws/signing.ts"
import type { Outbox, Sink, SpanConsumer } from "../contract.ts"
import { makeOtlpHttpSink, type OtlpHttpConfig } from "../otlp/http-sink.ts"
import { makeSpanEncoder } from "./span-encoder.ts"
import { CLOUDWATCH_SPAN_LIMITS, OTLP_SPAN_LIMITS, type SpanLimits, splitSpans } from "./span-split.ts"

const compress = promisify(gzip)

export interface OtlpTracesConfig extends OtlpHttpConfig {
  /** Default: what common receivers take. */
  readonly limits?: SpanLimits
}

/** Sends spans by OTLP/HTTP with protobuf and gzip, to any receiver: `http://127.0.0.1:4318/v1/traces`. */
export function makeOtlpTracesSink(
  config: OtlpTracesConfig,
  deps: { readonly clock: Pick<Clock, "now"> },
): Sink<Uint8Array> {
  const http = makeOtlpHttpSink(config, deps)
  const limits = config.limits ?? OTLP_SPAN_LIMITS
  return {
    ...http,
    split: (records, nowMs) => splitSpans(records, nowMs, limits),
    write: async (body, signal) => http.write(await compress(body, { level: 1 }), signal),
  }
}

/**
 * Sends them, signed, to `https://xray.<region>.amazonaws.com/v1/traces`, which wants Transaction Search to be on
 * (docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-OTLPEndpoint.html).
 * @param sdk of an X-Ray client
 */
export function makeCloudWatchTracesSink(deps: {
  readonly clock: Pick<Clock, "now">
  readonly sdk: SdkSource
}): Sink<Uint8Array> {
  const { clock, sdk } = deps
  const signer = makeAwsSigner({ service: "xray" }, { sdk, now: () => clock.now() })
  const url = awsTarget(sdk, "/v1/traces")
  return makeOtlpTracesSink({ url, signer, limits: CLOUDWATCH_SPAN_LIMITS }, { clock })
}

/** Puts each span that has ended into the outbox. `unfinished` is told of the others, which OTLP cannot say. */
export function makeOtlpTracesProducer(outbox: Outbox, unfinished: () => void): SpanConsumer {
  const encoder = makeSpanEncoder()
  return {
    span(span) {
      const payload = encoder.encode(span)
      if (payload === undefined) unfinished()
      else outbox.append("", Math.floor(span.startUs / 1000), payload, 1)
    },
  }
}
