import { promisify } from "node:util"
import { gzip } from "node:zlib"
import type { Clock } from "#mesh/clock.ts"
import type { Outbox, Sink, SpanConsumer } from "../contract.ts"
import { OTLP_RETRYABLE, resultOf } from "../http/answer-result.ts"
import type { PushClient } from "../http/push-client.ts"
import { readExportResponse } from "../otlp/export-response.ts"
import { makeSpanEncoder } from "./span-encoder.ts"
import { OTLP_SPAN_LIMITS, type SpanLimits, splitSpans } from "./span-split.ts"

const compress = promisify(gzip)
const HEADERS = { "content-type": "application/x-protobuf", "content-encoding": "gzip" }

export interface OtlpTracesConfig {
  /** Full address, such as `http://127.0.0.1:4318/v1/traces`, or where to find it, such as a region's. */
  readonly url: URL | (() => Promise<URL>)
  /** Default: what common receivers take. */
  readonly limits?: SpanLimits
}

export interface OtlpTracesDeps {
  /** Ours to close. Its headers and signer say who we are. */
  readonly client: PushClient
  readonly clock: Clock
}

/** Sends spans by OTLP/HTTP with protobuf and gzip, to any receiver of traces. */
export function makeOtlpTracesSink(config: OtlpTracesConfig, deps: OtlpTracesDeps): Sink<Uint8Array> {
  const { client, clock } = deps
  return {
    start: () => Promise.resolve(),
    split: (records, nowMs) => splitSpans(records, nowMs, config.limits ?? OTLP_SPAN_LIMITS),
    async write(body, signal) {
      const packed = await compress(body, { level: 1 })
      const order = { method: "POST", url: config.url, headers: HEADERS, body: packed } as const
      return resultOf(await client.send(order, signal), RULES, clock.now())
    },
    stop() {
      client.close()
      return Promise.resolve()
    },
  }
}

const RULES = {
  retryable: (status: number) => OTLP_RETRYABLE.has(status),
  accepted(body: Buffer) {
    const { rejected, message } = readExportResponse(body)
    return {
      kind: "accepted",
      ...(rejected === 0 ? {} : { rejectedCount: rejected }),
      ...(message === "" ? {} : { why: message }),
    } as const
  },
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
