import type { Clock } from "#mesh/clock.ts"
import type { QueueRecord, Sink, WriteResult } from "../contract.ts"
import { resultOf } from "../http/answer-result.ts"
import { makePushClient, type PushConfig } from "../http/push-client.ts"

/** A request that waits ready-made. */
export type RemoteWriteBody = Pick<QueueRecord, "payload" | "again">

export interface RemoteWriteSinkConfig extends Pick<PushConfig, "headers" | "tls" | "signer"> {
  /** Full address, e.g. `http://prometheus:9090/api/v1/write`. */
  readonly url: string
  /** Of this program, for `user-agent`. */
  readonly version: string
}

const OUT_OF_ORDER = "out_of_order"
const DUPLICATE = "duplicate"
/** Prometheus, Mimir and Managed Prometheus tell in words alone why a sample is refused. */
const REASONS: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/out of order/i, OUT_OF_ORDER],
  [/duplicate sample/i, DUPLICATE],
  [/too far in (?:the )?future|too new/i, "too_new"],
  [/out of bounds|too old|too far in (?:the )?past/i, "too_old"],
]

/**
 * Sends requests that wait ready-made, one record each, by Prometheus remote write 1.0
 * (prometheus.io/docs/specs/prw/remote_write_spec): 5xx and 429 are tried again, other refusals are for good. To be
 * delivered in order, since receivers refuse a sample that is older than the last one of its series. A refusal counts the
 * whole request: how much of it a receiver kept, the protocol does not tell.
 *
 * An agent that is killed may have sent several requests whose answers it forgot. Sent again, the older ones are behind what
 * the receiver has of them already: as they went in order the first time too, they arrived then.
 */
export function makeRemoteWriteSink(
  config: RemoteWriteSinkConfig,
  { clock }: { readonly clock: Pick<Clock, "now"> },
): Sink<RemoteWriteBody> {
  const url = new URL(config.url)
  const client = makePushClient(config)
  const headers = {
    "content-type": "application/x-protobuf",
    "content-encoding": "snappy",
    "x-prometheus-remote-write-version": "0.1.0",
    "user-agent": `meshscope-agent/${config.version}`,
  }
  return {
    start: () => Promise.resolve(),
    split: (records) => ({
      requests: records.map((record, index) => ({ records: [index], body: record })),
      refused: new Map(),
    }),
    async write({ payload, again = false }, signal) {
      const answer = await client.send({ method: "POST", url, headers, body: payload }, signal)
      const result = resultOf(answer, { retryable, reason }, clock.now())
      return again && isThere(result) ? { kind: "accepted" } : result
    },
    stop() {
      client.close()
      return Promise.resolve()
    },
  }
}

const isThere = (result: WriteResult): boolean =>
  result.kind === "rejected" && (result.reason === OUT_OF_ORDER || result.reason === DUPLICATE)

function retryable(status: number): boolean {
  return status === 429 || status >= 500
}

function reason(status: number, text: string): string | undefined {
  if (status !== 400 && status !== 409 && status !== 422) return undefined
  return REASONS.find(([pattern]) => pattern.test(text))?.[1]
}
