import { promisify } from "node:util"
import { gzip } from "node:zlib"
import type { Clock } from "#mesh/clock.ts"
import type { Sink } from "../contract.ts"
import { type Headers, makePushClient, type PushConfig } from "../http/push-client.ts"
import { makeAckPoller } from "./ack-poller.ts"
import { hecResult, readAcks, readHecAnswer } from "./hec-answer.ts"
import { type HecBody, splitEvents } from "./hec-split.ts"

const compress = promisify(gzip)

export interface HecSinkConfig extends Pick<PushConfig, "tls" | "connections"> {
  /** Base address, e.g. `https://splunk:8088`. */
  readonly endpoint: string
  /** Headers with the token, `Splunk <token>` in `authorization`; asked for before each request. */
  readonly headers: () => Promise<Headers>
  /** A UUID of this agent: acknowledgements are kept by channel. */
  readonly channel: string
  /** Most bytes of one request before compression. */
  readonly maxBytes: number
  /** Time limit of one request. That of a write must be longer by `ackTimeoutMs`. */
  readonly timeoutMs: number
  /** How long events may be on their way to the index before they are sent again; 0: acknowledgements are not waited for. */
  readonly ackTimeoutMs: number
  /** Between two questions for acknowledgements. */
  readonly ackIntervalMs: number
}

/**
 * Sends events to Splunk's HTTP Event Collector. Where its token has indexer acknowledgement, a request is accepted when the
 * index has it and not before; what is not acknowledged in time is sent again, and may then be there twice, as Splunk says
 * (help.splunk.com, "About HTTP Event Collector Indexer Acknowledgment"). Each record is one event.
 */
export function makeHecSink(
  config: HecSinkConfig,
  { clock }: { readonly clock: Pick<Clock, "now" | "sleep"> },
): Sink<HecBody> {
  const client = makePushClient(config)
  const url = (path: string): URL => new URL(`${config.endpoint}/services/collector/${path}`)
  const headers = { "content-type": "application/json", "x-splunk-request-channel": config.channel }
  const post = (to: URL, body: Uint8Array, own: Headers, signal: AbortSignal) => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(config.timeoutMs)])
    return client.send({ method: "POST", url: to, headers: { ...headers, ...own }, body }, limit)
  }
  const ended = new AbortController()
  const acks = makeAckPoller({
    clock,
    intervalMs: config.ackIntervalMs,
    async ask(ids) {
      const answer = await post(
        url(`ack?channel=${config.channel}`),
        Buffer.from(JSON.stringify({ acks: ids })),
        {},
        ended.signal,
      )
      return answer.kind === "answer" && answer.status === 200 ? readAcks(answer.body) : new Set()
    },
  })
  return {
    start: () => Promise.resolve(),
    split: (records) => splitEvents(records, config.maxBytes),
    async write(body, signal) {
      const packed = await compress(body.text, { level: 1 })
      const answer = await post(url("event"), packed, { "content-encoding": "gzip" }, signal)
      const result = hecResult(answer, body.events, clock.now())
      const ackId = answer.kind === "answer" ? readHecAnswer(answer.body).ackId : undefined
      if (result.kind !== "accepted" || result.again !== undefined || ackId === undefined) return result
      if (config.ackTimeoutMs === 0) return result
      const limit = AbortSignal.any([signal, ended.signal, AbortSignal.timeout(config.ackTimeoutMs)])
      if (await acks.wait(ackId, limit)) return result
      return {
        kind: "retry",
        why: "Splunk did not say in time that events are in its index; they are sent again. Behind a load balancer, an agent must stay at one server.",
      }
    },
    stop() {
      ended.abort()
      client.close()
      return Promise.resolve()
    },
  }
}
