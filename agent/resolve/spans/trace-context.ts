/** The trace and the span that a request came from, as one of its headers tells (mesh/trace-header.ts reads less, and faster). */
export interface TraceContext {
  /** 32 lower-case digits. */
  readonly traceId: string
  /** 16 lower-case digits; empty: the caller has no span. */
  readonly parentId: string
  readonly sampled: boolean
}

const MAX_TEXT = 512
const ZEROS = /^0+$/
const XRAY_ROOT = /^1-([0-9a-f]{8})-([0-9a-f]{24})$/i
const SPAN_ID = /^[0-9a-f]{16}$/i
const W3C = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/i
const B3 = /^([0-9a-f]{16}|[0-9a-f]{32})-([0-9a-f]{16})(?:-([01d])(?:-[0-9a-f]{16})?)?$/i
const B3_TRACE = /^(?:[0-9a-f]{16}|[0-9a-f]{32})$/i

/**
 * `x-amzn-trace-id` or `traceparent`, which a log keeps in one field. Undefined for anything else, a bare trace id among
 * them, as it tells neither caller nor sampling. Formats: docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html
 * (tracing header); w3.org/TR/trace-context.
 */
export function traceContext(text: string): TraceContext | undefined {
  if (text.length > MAX_TEXT) return undefined
  const w3c = W3C.exec(text)
  return w3c === null
    ? xrayContext(text)
    : context(w3c[1], w3c[2], (Number.parseInt(w3c[3] ?? "0", 16) & 1) === 1)
}

function xrayContext(text: string): TraceContext | undefined {
  let root: RegExpExecArray | null = null
  let parent = ""
  let sampled = false
  for (const part of text.split(";", 16)) {
    const [key = "", value = ""] = part.trim().split("=", 2)
    if (key === "Root") root = XRAY_ROOT.exec(value)
    else if (key === "Parent") parent = SPAN_ID.test(value) ? value : ""
    else if (key === "Sampled") sampled = value === "1"
  }
  return root === null ? undefined : context(`${root[1] ?? ""}${root[2] ?? ""}`, parent, sampled)
}

/** `b3`: `<trace>-<span>-<1|0|d>[-<parent>]`; debug is sampled (github.com/openzipkin/b3-propagation). */
export function b3Context(text: string): TraceContext | undefined {
  const found = text.length > MAX_TEXT ? null : B3.exec(text)
  if (found === null) return undefined
  return context(found[1], found[2], found[3] === "1" || found[3]?.toLowerCase() === "d")
}

/** The same in headers of their own. */
export function b3PartsContext(texts: {
  readonly traceId: string
  readonly spanId: string
  readonly sampled: string
  readonly flags: string
}): TraceContext | undefined {
  if (!B3_TRACE.test(texts.traceId)) return undefined
  const isSampled = texts.sampled === "1" || texts.sampled.toLowerCase() === "true" || texts.flags === "1"
  return context(texts.traceId, SPAN_ID.test(texts.spanId) ? texts.spanId : "", isSampled)
}

/** Ids of 64 bits get zeros in front, as everywhere where 128 are wanted. */
function context(traceId = "", parentId = "", sampled = false): TraceContext | undefined {
  if (traceId === "" || ZEROS.test(traceId)) return undefined
  const parent = ZEROS.test(parentId) ? "" : parentId.toLowerCase()
  return { traceId: traceId.toLowerCase().padStart(32, "0"), parentId: parent, sampled }
}
