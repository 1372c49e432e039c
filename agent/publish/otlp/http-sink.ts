import type { Clock } from "#mesh/clock.ts"
import type { Sink, WriteResult } from "../contract.ts"
import { OTLP_RETRYABLE, resultOf } from "../http/answer-result.ts"
import { makePushClient, type PushConfig, type PushOrder } from "../http/push-client.ts"
import { readExportResponse } from "./export-response.ts"

export interface OtlpHttpConfig extends Pick<PushConfig, "headers" | "tls" | "signer"> {
  /** Full address, e.g. `http://127.0.0.1:4318/v1/metrics`. */
  readonly url: string | PushOrder["url"]
}

const HEADERS = { "content-type": "application/x-protobuf", "content-encoding": "gzip" }

/**
 * Sends requests of any signal by OTLP/HTTP with protobuf, over one kept connection. Each record is a request of its own,
 * encoded and compressed with gzip.
 */
export function makeOtlpHttpSink(
  config: OtlpHttpConfig,
  deps: { readonly clock: Pick<Clock, "now"> },
): Sink<Uint8Array> {
  const url = typeof config.url === "string" ? new URL(config.url) : config.url
  const client = makePushClient(config)
  const rules = { retryable: (status: number) => OTLP_RETRYABLE.has(status), accepted }
  return {
    start: () => Promise.resolve(),
    split: (records) => ({
      requests: records.map((record, index) => ({ records: [index], body: record.payload })),
      refused: new Map(),
    }),
    async write(body, signal) {
      const answer = await client.send({ method: "POST", url, headers: HEADERS, body }, signal)
      return resultOf(answer, rules, deps.clock.now())
    },
    stop() {
      client.close()
      return Promise.resolve()
    },
  }
}

function accepted(body: Buffer): WriteResult {
  const { rejected, message } = readExportResponse(body)
  if (rejected > 0) return { kind: "accepted", rejectedCount: rejected, why: message }
  return { kind: "accepted", ...(message === "" ? {} : { why: message }) }
}
