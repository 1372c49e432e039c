import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http"
import { Agent as HttpsAgent, request as httpsRequest } from "node:https"
import type { Clock } from "#mesh/clock.ts"
import type { Sink, WriteResult } from "../contract.ts"
import { readExportResponse } from "./export-response.ts"

export interface OtlpHttpConfig {
  /** Full address, e.g. `http://127.0.0.1:4318/v1/metrics`. */
  readonly url: string
  /** Asked for before each request: files with tokens are replaced while we run. A rejection is tried again. */
  readonly headers?: () => Promise<Readonly<Record<string, string>>>
  /** Certificates in PEM, for https. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string }
}

/** Statuses after which OTLP/HTTP lets a client try again (opentelemetry.io/docs/specs/otlp, "Retryable Response Codes"). */
const RETRYABLE = new Set([429, 502, 503, 504])
/** Words for statuses that tell what was wrong. */
const REFUSALS: ReadonlyMap<number, string> = new Map([
  [400, "invalid"],
  [401, "denied"],
  [403, "denied"],
  [413, "too_large"],
])
const MAX_RESPONSE_BYTES = 65_536
const MAX_WHY_CHARS = 300

/**
 * Sends requests by OTLP/HTTP with protobuf, over one kept connection. Each record is a request of its own, encoded and
 * compressed with gzip. Follows no redirects.
 */
export function makeOtlpHttpSink(config: OtlpHttpConfig, deps: { readonly clock: Clock }): Sink<Uint8Array> {
  const url = new URL(config.url)
  const secure = url.protocol === "https:"
  const keep = { keepAlive: true, maxSockets: 1 }
  const agent = secure ? new HttpsAgent({ ...keep, ...config.tls }) : new HttpAgent(keep)
  const send = (
    own: Readonly<Record<string, string>>,
    body: Uint8Array,
    signal: AbortSignal,
  ): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const headers = {
        ...own,
        "content-type": "application/x-protobuf",
        "content-encoding": "gzip",
        "content-length": body.length,
      }
      const request = (secure ? httpsRequest : httpRequest)(url, { method: "POST", agent, headers, signal })
      request.once("response", resolve)
      request.once("error", reject)
      request.end(body)
    })
  return {
    start: () => Promise.resolve(),
    split: (records) => ({
      requests: records.map((record, index) => ({ records: [index], body: record.payload })),
      refused: new Map(),
    }),
    async write(body, signal) {
      try {
        const response = await send((await config.headers?.()) ?? {}, body, signal)
        return resultOf(response, await bodyOf(response), deps.clock.now())
      } catch (error) {
        return { kind: "retry", why: troubleOf(error) }
      }
    },
    stop() {
      agent.destroy()
      return Promise.resolve()
    },
  }
}

function resultOf(response: IncomingMessage, body: Buffer, nowMs: number): WriteResult {
  const status = response.statusCode ?? 0
  if (status >= 200 && status < 300) {
    const { rejected, message } = readExportResponse(body)
    if (rejected > 0) return { kind: "accepted", rejectedCount: rejected, why: message }
    return { kind: "accepted", ...(message === "" ? {} : { why: message }) }
  }
  const text = body.toString("utf8").replaceAll(/[^\x20-\x7e]+/g, " ")
  const why = `status ${status} ${text}`.trim().slice(0, MAX_WHY_CHARS)
  if (!RETRYABLE.has(status)) return { kind: "rejected", reason: REFUSALS.get(status) ?? "refused", why }
  const afterMs = retryAfterMs(response.headers["retry-after"], nowMs)
  return { kind: "retry", why, ...(afterMs === undefined ? {} : { afterMs }) }
}

/** Seconds or a date (RFC 9110, 10.2.3). */
function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined
  const wait = /^\d{1,9}$/.test(header) ? Number(header) * 1000 : Date.parse(header) - nowMs
  return Number.isNaN(wait) ? undefined : Math.max(0, wait)
}

/** Reads a response up to the limit; the rest is of no use and the connection is let go. */
async function bodyOf(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response) {
    if (!Buffer.isBuffer(chunk)) continue
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > MAX_RESPONSE_BYTES) break
  }
  return Buffer.concat(chunks).subarray(0, MAX_RESPONSE_BYTES)
}

function troubleOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = "code" in error && typeof error.code === "string" ? error.code : error.name
  return `${code}: ${error.message}`.slice(0, MAX_WHY_CHARS)
}
