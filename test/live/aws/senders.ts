import { createSocket } from "node:dgram"
import { once } from "node:events"
import { gzipSync } from "node:zlib"

/** Spans in all forms, good ones and others, and how they are sent. */
export const HOST = "127.0.0.1"
export const MIB = 1024 ** 2
/** What stands before every document of a datagram. */
export const HEADER = '{"format":"json","version":1}\n'

let made = 0
/** Ids of a span of its own, in a trace of now. */
function newIds(): { readonly traceId: string; readonly id: string } {
  const digits = (++made).toString(16)
  const epoch = Math.floor(Date.now() / 1000).toString(16)
  return { traceId: epoch + digits.padStart(24, "0"), id: digits.padStart(16, "0") }
}

const xrayTrace = (traceId: string): string => `1-${traceId.slice(0, 8)}-${traceId.slice(8)}`

/** A good segment, with changes. */
export function segment(changes: Readonly<Record<string, unknown>> = {}): string {
  const { traceId, id } = newIds()
  const now = Date.now() / 1000
  return JSON.stringify({
    name: "shop",
    id,
    trace_id: xrayTrace(traceId),
    start_time: now,
    end_time: now,
    ...changes,
  })
}

/** Resolves when the kernel has them all. */
export async function sendDatagrams(port: number, ...datagrams: readonly string[]): Promise<void> {
  const socket = createSocket("udp4")
  socket.connect(port, HOST)
  await once(socket, "connect")
  for (const datagram of datagrams) {
    await new Promise<void>((resolve, reject) => {
      socket.send(datagram, (error) => (error === null ? resolve() : reject(error)))
    })
  }
  socket.close()
}

export interface Sent {
  readonly body: string | Buffer
  /** Default: JSON. */
  readonly type?: string
  readonly encoding?: string
}

/** @returns the status */
export async function post(
  url: string,
  { body, type = "application/json", encoding }: Sent,
): Promise<number> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": type, ...(encoding === undefined ? {} : { "content-encoding": encoding }) },
    body,
  })
  await answer.arrayBuffer()
  return answer.status
}

export function zipkinSpan(changes: Readonly<Record<string, unknown>> = {}): object {
  const timestamp = Date.now() * 1000
  return {
    ...newIds(),
    name: "get",
    kind: "SERVER",
    timestamp,
    duration: 1000,
    localEndpoint: { serviceName: "shop" },
    ...changes,
  }
}

export function otlpBody(...spans: readonly object[]): string {
  const attributes = [{ key: "service.name", value: { stringValue: "shop" } }]
  return JSON.stringify({ resourceSpans: [{ resource: { attributes }, scopeSpans: [{ spans }] }] })
}

export function otlpSpan(changes: Readonly<Record<string, unknown>> = {}): object {
  const { traceId, id } = newIds()
  const nanos = `${Date.now()}000000`
  return {
    traceId,
    spanId: id,
    name: "get",
    kind: 2,
    startTimeUnixNano: nanos,
    endTimeUnixNano: nanos,
    ...changes,
  }
}

export const attribute = (key: string, stringValue: string): object => ({ key, value: { stringValue } })
/** A body of some KB, out of which more comes than may. */
export const BOMB: Sent = { body: gzipSync(Buffer.alloc(17 * MIB, " ")), encoding: "gzip" }
