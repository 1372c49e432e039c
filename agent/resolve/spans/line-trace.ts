import { type AccessFact, FIELD_COUNT, Field, type FormatAbilities, fieldText } from "#mesh/access.ts"
import { makeTraceHeader, readTraceHeader } from "#mesh/trace-header.ts"
import { b3Context, b3PartsContext, type TraceContext, traceContext } from "./trace-context.ts"

/** Reads the trace of a line; undefined where its headers tell none. The first that is sampled wins, else the first. */
export type LineTrace = (fact: AccessFact) => TraceContext | undefined

/**
 * For lines of one format. `x-amzn-trace-id` and `traceparent` have a field of their own; B3 is read where the format
 * logs its headers.
 * @param abilities undefined: several formats, whose further headers cannot be told apart
 */
export function lineTrace(abilities: FormatAbilities | undefined): LineTrace {
  const at = (name: string): number => {
    const index = abilities?.headers.indexOf(name) ?? -1
    return index < 0 ? -1 : FIELD_COUNT + index
  }
  const single = at("b3")
  const many = ["x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-b3-flags"].map(at)
  const glance = makeTraceHeader()
  const ownTrace = (fact: AccessFact): TraceContext | undefined => {
    readTraceHeader(fact, glance)
    const isSampled = glance.form === "none" || glance.sampled === true
    return isSampled ? traceContext(textOf(fact, Field.traceId)) : UNSAMPLED
  }
  return (fact) => {
    const own = ownTrace(fact)
    if (own?.sampled === true || (single < 0 && (many[0] ?? -1) < 0)) return own
    const one = b3Context(textOf(fact, single))
    if (one?.sampled === true) return one
    const [traceId = "", spanId = "", sampled = "", flags = ""] = many.map((field) => textOf(fact, field))
    const parts = b3PartsContext({ traceId, spanId, sampled, flags })
    return parts?.sampled === true ? parts : (own ?? one ?? parts)
  }
}

/** Most lines are of requests that nobody traces: no text is made of them. */
const UNSAMPLED: TraceContext = { traceId: "", parentId: "", sampled: false }

const textOf = (fact: AccessFact, field: number): string => (field < 0 ? "" : (fieldText(fact, field) ?? ""))
