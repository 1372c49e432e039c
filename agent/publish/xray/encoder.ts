import type { Span } from "#mesh/span.ts"
import type { Outbox, SpanConsumer } from "../contract.ts"
import { type DocumentOptions, documentOf, xrayTraceId } from "./document.ts"
import { type FitFault, fitted } from "./fit.ts"

export interface XrayEncoderCounters {
  /** Spans that were told, those carried in another's document not among them. */
  readonly spans: number
  /** Documents that were put into the outbox: more than spans where long ones were divided. */
  readonly documents: number
  /** Documents, or parts of them, that can never be sent. */
  readonly refused: Readonly<Record<FitFault, number>>
}

export interface XrayEncoder extends SpanConsumer {
  counters(): XrayEncoderCounters
}

/**
 * Writes every span as an X-Ray document into the outbox. Its key is the trace, so that the documents of one travel
 * together: X-Ray stores less of a trace that comes in pieces (reference: repost.aws, "x-ray-trace-quota-error").
 */
export function makeXrayEncoder(options: Partial<DocumentOptions>, outbox: Outbox): XrayEncoder {
  const filled: DocumentOptions = { annotate: new Set(), logGroup: () => undefined, ...options }
  const totals = { spans: 0, documents: 0 }
  const refused: Record<FitFault, number> = { too_large: 0, no_id: 0 }
  return {
    span(span) {
      if (span.carried === true) return
      totals.spans++
      const { documents, refused: faults } = fitted(documentOf(span, filled), xrayTraceId(span.traceId))
      for (const document of documents) outbox.append(span.traceId, timeMs(span), document)
      totals.documents += documents.length
      for (const fault of faults) refused[fault]++
    },
    counters: () => ({ ...totals, refused: { ...refused } }),
  }
}

const timeMs = ({ startUs, endUs }: Span): number => Math.floor((endUs ?? startUs) / 1000)
