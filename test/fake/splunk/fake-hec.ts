import { once } from "node:events"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { gunzipSync } from "node:zlib"
import { HEC_CODES, type HecCode, HecRefusal } from "./hec-codes.ts"
import { type FakeEvent, hecEvents } from "./hec-events.ts"

export interface FakeHecOptions {
  /** The token has indexer acknowledgement. */
  readonly useAck?: boolean
  /** Whether events before a bad one are kept: that is not documented. */
  readonly keepsBefore?: boolean
  /** limits.conf, [http_input] max_content_length: bytes after decompression (our reading). Default 1,000,000. */
  readonly maxContentLength?: number
}

/** A code of the collector, or: no answer though all was done, or no answer at all. */
export type HecFault = HecCode | "lose" | "hang"

export interface FakeHec {
  readonly url: string
  readonly token: string
  /** What is in the index. With acknowledgement only what `index` moved there. */
  readonly events: readonly FakeEvent[]
  readonly requests: number
  /** What waits on its way to the index is there now, and acknowledged; `lose`: it never will be. */
  index(what?: "keep" | "lose"): void
  fail(fault: HecFault, times?: number): void
  allowIndex(name: string): void
  setToken(token: string): void
  stop(): Promise<void>
}

const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
interface Pending {
  readonly channel: string
  readonly id: number
  readonly events: readonly FakeEvent[]
}

/**
 * Splunk's HTTP Event Collector by its documents, on loopback. No real Splunk can be had in tests: what the documents leave
 * open says so where it is decided.
 */
export async function startFakeHec(options: FakeHecOptions = {}): Promise<FakeHec> {
  const { useAck = false, keepsBefore = true, maxContentLength = 1_000_000 } = options
  let token = "B5A79AAD-D822-46CC-80D1-819F80D7BFB0"
  const events: FakeEvent[] = []
  const indexes = new Set(["main"])
  const faults: HecFault[] = []
  let pending: Pending[] = []
  const indexed = new Map<string, Set<number>>()
  const ids = new Map<string, number>()
  let requests = 0

  /** Same order of checks as the codes have. */
  const authorize = (header: string | undefined): void => {
    if (header === undefined) throw new HecRefusal("tokenRequired")
    const [scheme, given] = header.split(" ")
    if (scheme !== "Splunk" || given === undefined) throw new HecRefusal("invalidAuthorization")
    if (given !== token) throw new HecRefusal("invalidToken")
  }
  /** "About HTTP Event Collector Indexer Acknowledgment": with it every request has a channel, a GUID, in header or query. */
  const channelOf = (request: IncomingMessage, url: URL): string => {
    const header = request.headers["x-splunk-request-channel"]
    const channel = typeof header === "string" ? header : (url.searchParams.get("channel") ?? "")
    if (useAck && channel === "") throw new HecRefusal("channelMissing")
    if (channel !== "" && !GUID.test(channel)) throw new HecRefusal("invalidChannel")
    return channel
  }
  const take = (text: string, channel: string): Record<string, unknown> => {
    const taken: FakeEvent[] = []
    try {
      for (const event of hecEvents(text, indexes)) taken.push(event)
    } catch (error) {
      if (keepsBefore) events.push(...taken)
      throw error
    }
    if (!useAck) {
      events.push(...taken)
      return {}
    }
    // Ids count up from 0 in each channel.
    const ackId = ids.get(channel) ?? 0
    ids.set(channel, ackId + 1)
    pending.push({ channel, id: ackId, events: taken })
    return { ackId }
  }
  /** Same page: a status that was told as true is deleted. */
  const acknowledged = (text: string, channel: string): Record<string, unknown> => {
    if (!useAck) throw new HecRefusal("ackDisabled")
    const asked = (JSON.parse(text) as { acks: number[] }).acks
    const acks = asked.map((id) => [String(id), indexed.get(channel)?.delete(id) === true])
    return { acks: Object.fromEntries(acks) }
  }
  const answer = (
    request: IncomingMessage,
    body: Buffer,
  ): { status: number; said: Record<string, unknown> } => {
    const url = new URL(request.url ?? "/", "http://hec")
    if (request.method !== "POST") return { status: 405, said: { text: "Method not allowed" } }
    authorize(request.headers.authorization)
    const channel = channelOf(request, url)
    const plain = request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body
    if (plain.length > maxContentLength) return { status: 413, said: { text: "Content-Length too large" } }
    if (url.pathname === "/services/collector/ack")
      return { status: 200, said: acknowledged(plain.toString(), channel) }
    if (url.pathname !== "/services/collector/event") return { status: 404, said: { text: "Not found" } }
    return { status: 200, said: { text: "Success", code: 0, ...take(plain.toString(), channel) } }
  }
  const handle = (request: IncomingMessage, response: ServerResponse, body: Buffer): void => {
    const toAck = request.url?.startsWith("/services/collector/ack") === true
    if (!toAck) requests++
    const fault = toAck ? undefined : faults.shift()
    if (fault === "hang") return
    let told: { status: number; said: Record<string, unknown> }
    try {
      const warned = fault === "queueNearlyFull" ? refused(fault).said : {}
      told =
        fault === undefined || fault === "lose" || fault === "queueNearlyFull"
          ? answer(request, body)
          : refused(fault)
      told = { ...told, said: { ...told.said, ...warned } }
    } catch (error) {
      if (!(error instanceof HecRefusal)) throw error
      told = refused(error.code, error.event)
    }
    if (fault === "lose") response.destroy()
    else
      response.writeHead(told.status, { "content-type": "application/json" }).end(JSON.stringify(told.said))
  }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => handle(request, response, Buffer.concat(chunks)))
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get token() {
      return token
    },
    events,
    get requests() {
      return requests
    },
    index(what = "keep") {
      for (const one of pending) {
        if (what === "lose") continue
        events.push(...one.events)
        const told = indexed.get(one.channel) ?? new Set()
        indexed.set(one.channel, told.add(one.id))
      }
      pending = []
    },
    fail: (fault, times = 1) => void faults.push(...Array.from({ length: times }, () => fault)),
    allowIndex: (name) => void indexes.add(name),
    setToken(next) {
      token = next
    },
    async stop() {
      const closed = once(server, "close")
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function refused(code: HecCode, event?: number) {
  const [number, status, text] = HEC_CODES[code]
  const which = event === undefined ? {} : { "invalid-event-number": event }
  return { status, said: { text, code: number, ...which } }
}
