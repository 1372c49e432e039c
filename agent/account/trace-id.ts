import { type AccessFact, Field, fieldText } from "#mesh/access.ts"

/** X-Ray: `Root=1-<8 hex>-<24 hex>;…;Sampled=1`. Other services may put more fields between. */
const XRAY = /^(?:[A-Za-z]+=[^;]{0,64};){0,3}Root=1-([0-9a-f]{8})-([0-9a-f]{24})(?:;|$)/
const XRAY_SAMPLED = /(?:^|;)Sampled=1(?:;|$)/
/** W3C: version, trace, parent, flags; the lowest bit of the flags says sampled. */
const W3C = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f][13579bdf](?:-|$)/
const BARE = /^[0-9a-f]{32}$/
const NONE = "0".repeat(32)

/**
 * The trace id of a request whose trace was sampled, as 32 lower-case digits. A bare id (Envoy's `%TRACE_ID%`) does not
 * tell, and is taken.
 */
export function sampledTraceId(fact: AccessFact): string | undefined {
  const text = fieldText(fact, Field.traceId)
  if (text === undefined || text.length > 512) return undefined
  const id = textTraceId(text)
  return id === NONE ? undefined : id
}

function textTraceId(text: string): string | undefined {
  if (BARE.test(text)) return text
  const w3c = W3C.exec(text)?.[1]
  if (w3c !== undefined) return w3c
  const xray = XRAY.exec(text)
  if (xray === null || !XRAY_SAMPLED.test(text)) return undefined
  return `${xray[1] ?? ""}${xray[2] ?? ""}`
}
