import { PutTraceSegmentsCommand } from "@aws-sdk/client-xray"
import { readOtlpProtobuf } from "../../../agent/decode/spans/otlp-protobuf.ts"
import type { SpanVisitor } from "../../../agent/decode/spans/span-visitor.ts"
import { readZipkinJson } from "../../../agent/decode/spans/zipkin-json.ts"
import type { QueueRecord } from "../../../agent/publish/contract.ts"
import { makeSpanEncoder } from "../../../agent/publish/otlp-traces/span-encoder.ts"
import { OTLP_SPAN_LIMITS, splitSpans } from "../../../agent/publish/otlp-traces/span-split.ts"
import { makeXrayEncoder } from "../../../agent/publish/xray/encoder.ts"
import { zipkinJson } from "../../../agent/publish/zipkin/span-json.ts"
import type { Span } from "../../../mesh/span.ts"
import { sdkClients } from "../../fake/aws/clients.ts"
import type { FakeAws } from "../../fake/aws/fake-aws.ts"

/** The documents of X-Ray's form, as they would be sent. */
export function xrayDocuments(spans: readonly Span[]): readonly Readonly<Record<string, unknown>>[] {
  const documents: Record<string, unknown>[] = []
  const encoder = makeXrayEncoder(
    { logGroup: (mesh) => `/mesh/${mesh}/access` },
    {
      append: (_key, _timeMs, payload) => documents.push(JSON.parse(Buffer.from(payload).toString("utf8"))),
    },
  )
  for (const span of spans) encoder.span(span)
  return documents
}

/** @returns ids that X-Ray did not take, with its words */
export async function refusedByXray(
  fake: FakeAws,
  documents: readonly Readonly<Record<string, unknown>>[],
): Promise<readonly string[]> {
  const clients = sdkClients(fake)
  try {
    const command = new PutTraceSegmentsCommand({
      TraceSegmentDocuments: documents.map((document) => JSON.stringify(document)),
    })
    const { UnprocessedTraceSegments = [] } = await clients.xray.send(command)
    return UnprocessedTraceSegments.map(({ Id, ErrorCode, Message }) => `${Id} ${ErrorCode} ${Message}`)
  } finally {
    clients.destroy()
  }
}

/** Zipkin's form, read back. */
export function throughZipkin(spans: readonly Span[]): readonly Span[] {
  return read((visitor) => readZipkinJson(Buffer.from(`[${spans.map(zipkinJson).join(",")}]`), visitor))
}

/** OpenTelemetry's form, read back. */
export function throughOtlp(spans: readonly Span[]): readonly Span[] {
  const encoder = makeSpanEncoder()
  const records = spans.map((span): QueueRecord => {
    const payload = encoder.encode(span)
    if (payload === undefined) throw new Error("a span has no end")
    return { key: "", timeMs: span.startUs / 1000, count: 1, payload: Uint8Array.from(payload) }
  })
  const { requests } = splitSpans(records, Date.now(), OTLP_SPAN_LIMITS)
  return read((visitor) => {
    for (const { body } of requests) readOtlpProtobuf(body, visitor)
  })
}

function read(work: (visitor: SpanVisitor) => void): readonly Span[] {
  const spans: Span[] = []
  work({
    span: (span) => spans.push(span),
    refused: (reason) => {
      throw new Error(`a span was refused: ${reason}`)
    },
    cut: () => {},
  })
  return spans.toSorted((a, b) => a.startUs - b.startUs)
}
