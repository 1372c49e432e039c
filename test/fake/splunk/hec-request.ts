import type { IncomingMessage } from "node:http"
import { gunzipSync } from "node:zlib"
import { HEC_CODES, type HecCode, HecRefusal } from "./hec-codes.ts"
import type { HecIndex } from "./hec-index.ts"

export interface HecRules {
  readonly token: string
  readonly useAck: boolean
  readonly maxContentLength: number
}

export interface HecAnswer {
  readonly status: number
  readonly said: Record<string, unknown>
}

const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Same order of checks as the codes have. @throws HecRefusal */
export function hecAnswer(
  request: IncomingMessage,
  body: Buffer,
  rules: HecRules,
  index: HecIndex,
): HecAnswer {
  const url = new URL(request.url ?? "/", "http://hec")
  if (request.method !== "POST") return { status: 405, said: { text: "Method not allowed" } }
  authorize(request.headers.authorization, rules.token)
  const channel = channelOf(request, url, rules.useAck)
  const plain = request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body
  if (plain.length > rules.maxContentLength)
    return { status: 413, said: { text: "Content-Length too large" } }
  if (url.pathname === "/services/collector/ack")
    return { status: 200, said: index.acknowledged(plain.toString(), channel) }
  if (url.pathname !== "/services/collector/event") return { status: 404, said: { text: "Not found" } }
  return { status: 200, said: { text: "Success", code: 0, ...index.take(plain.toString(), channel) } }
}

/** @param event the bad one's number */
export function refused(code: HecCode, event?: number): HecAnswer {
  const [number, status, text] = HEC_CODES[code]
  const which = event === undefined ? {} : { "invalid-event-number": event }
  return { status, said: { text, code: number, ...which } }
}

function authorize(header: string | undefined, token: string): void {
  if (header === undefined) throw new HecRefusal("tokenRequired")
  const [scheme, given] = header.split(" ")
  if (scheme !== "Splunk" || given === undefined) throw new HecRefusal("invalidAuthorization")
  if (given !== token) throw new HecRefusal("invalidToken")
}

/** "About HTTP Event Collector Indexer Acknowledgment": with it every request has a channel, a GUID, in header or query. */
function channelOf(request: IncomingMessage, url: URL, useAck: boolean): string {
  const header = request.headers["x-splunk-request-channel"]
  const channel = typeof header === "string" ? header : (url.searchParams.get("channel") ?? "")
  if (useAck && channel === "") throw new HecRefusal("channelMissing")
  if (channel !== "" && !GUID.test(channel)) throw new HecRefusal("invalidChannel")
  return channel
}
