import type { IncomingHttpHeaders } from "node:http"
import { gunzipSync } from "node:zlib"
import { uncompress } from "snappyjs"
import * as z from "zod"
import { hecEvents } from "../../fake/splunk/hec-events.ts"
import { readWriteRequest, type SentSeries } from "../../fixtures/remote-write/write-request.ts"
import { decodedSpans } from "../../fixtures/spans/decoded.ts"

/** Names what is in a request of a protocol, so that each thing can be followed on its way. */
export type Read = (path: string, headers: IncomingHttpHeaders, body: Buffer) => readonly string[]

const putLogEvents = z.object({
  logGroupName: z.string(),
  logEvents: z.array(z.object({ message: z.string() })),
})
const putSegments = z.object({ TraceSegmentDocuments: z.array(z.string()) })
const line = z.object({ path: z.string() })
const withId = z.object({ id: z.string() })

const plain = (headers: IncomingHttpHeaders, body: Buffer): Buffer =>
  headers["content-encoding"] === "gzip" ? gunzipSync(body) : body

/** An access line by its path, which holds its number; a metric document by all of its text. */
export const readLogs: Read = (_, headers, body) => {
  if (headers["x-amz-target"] !== "Logs_20140328.PutLogEvents") return []
  const { logGroupName, logEvents } = putLogEvents.parse(JSON.parse(body.toString()))
  return logEvents.map(({ message }) =>
    logGroupName.endsWith("/metrics") ? message : line.parse(JSON.parse(message)).path,
  )
}

/** A segment by its id. Records of the sender's own telemetry are no segments. */
export const readXray: Read = (path, _, body) => {
  if (path !== "/TraceSegments") return []
  const { TraceSegmentDocuments } = putSegments.parse(JSON.parse(body.toString()))
  return TraceSegmentDocuments.map((text) => withId.parse(JSON.parse(text)).id)
}

export const readZipkin: Read = (_, headers, body) =>
  decodedSpans("zipkin-json", [plain(headers, body)]).map(({ id }) => id)

export const readTraces: Read = (_, headers, body) =>
  decodedSpans("otlp", [plain(headers, body)]).map(({ id }) => id)

/** Splunk's index of metrics. */
export const HEC_INDEX = "metrics"

/** Splunk's events: lines by path, metrics by what they say. */
export const readHec: Read = (path, headers, body) => {
  if (path !== "/services/collector/event") return []
  const events = [...hecEvents(plain(headers, body).toString(), new Set([HEC_INDEX]))]
  return events.map(({ event, fields, time }) => {
    const access = line.safeParse(event)
    return access.success ? access.data.path : JSON.stringify({ time, event, fields })
  })
}

/** A request of values, which goes whole or not at all, by all of its bytes. */
export const readWhole: Read = (_, __, body) => [body.toString("base64")]

/** What a request of remote write said, from the name that `readWhole` gave it. */
export const writtenSeries = (id: string): readonly SentSeries[] =>
  readWriteRequest(uncompress(Buffer.from(id, "base64"), 64 * 1024 ** 2))
