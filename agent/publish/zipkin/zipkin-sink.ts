import { promisify } from "node:util"
import { gzip } from "node:zlib"
import type { Clock } from "#mesh/clock.ts"
import type { Outbox, Sink, SpanConsumer } from "../contract.ts"
import { resultOf } from "../http/answer-result.ts"
import { makePushClient, type PushConfig } from "../http/push-client.ts"
import { zipkinJson } from "./span-json.ts"
import { splitZipkin, ZIPKIN_LIMITS, type ZipkinLimits } from "./span-split.ts"

const compress = promisify(gzip)
const HEADERS = { "content-type": "application/json", "content-encoding": "gzip" }
/**
 * Zipkin's server says 400 to spans that it cannot read, 503 while its storage is slow and 500 when it fails
 * (zipkin-server, ZipkinHttpCollector): so nothing above 499 is about the spans.
 */
const RULES = { retryable: (status: number) => status === 408 || status === 429 || status >= 500 }

export interface ZipkinSinkConfig extends Pick<PushConfig, "headers" | "tls"> {
  /** Full address, such as `http://127.0.0.1:9411/api/v2/spans`. */
  readonly url: string
  readonly limits?: ZipkinLimits
}

/** Posts lists of spans to a Zipkin server, or to whatever speaks its API: Jaeger, Tempo, the OpenTelemetry Collector. */
export function makeZipkinSink(
  config: ZipkinSinkConfig,
  deps: { readonly clock: Pick<Clock, "now"> },
): Sink<Uint8Array> {
  const client = makePushClient(config)
  const url = new URL(config.url)
  return {
    start: () => Promise.resolve(),
    split: (records) => splitZipkin(records, config.limits ?? ZIPKIN_LIMITS),
    async write(body, signal) {
      const packed = await compress(body, { level: 1 })
      const order = { method: "POST", url, headers: HEADERS, body: packed } as const
      return resultOf(await client.send(order, signal), RULES, deps.clock.now())
    },
    stop() {
      client.close()
      return Promise.resolve()
    },
  }
}

/** Puts each span into the outbox. One that has not ended goes without duration; Zipkin joins it with the later one. */
export function makeZipkinProducer(outbox: Outbox): SpanConsumer {
  return {
    span(span) {
      outbox.append("", Math.floor(span.startUs / 1000), Buffer.from(zipkinJson(span)), 1)
    },
  }
}
