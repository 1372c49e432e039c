import type { WriteResult } from "../contract.ts"
import { whyLine } from "../http/one-line.ts"

/** One entry of `UnprocessedTraceSegments`: what X-Ray did not take, although the call succeeded. */
export interface Unprocessed {
  readonly Id?: string | undefined
  readonly ErrorCode?: string | undefined
  readonly Message?: string | undefined
}

/** Codes that say that X-Ray was at fault or busy. No page lists codes; everything else is about the document. */
const NOT_NOW = /throttl|toomany|internal|unavailable|timeout|timedout|limitexceeded/i
/** Codes seen in bug reports (github.com/aws/aws-xray-daemon, issues), and what is made after them. First match. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/TraceId/i, "bad_trace_id"],
  [/(?:Missing|Invalid)Id/i, "bad_id"],
  [/ParentId/i, "bad_parent_id"],
  [/Large|Size|Long/i, "too_large"],
  [/Time/i, "bad_time"],
  [/Name/i, "bad_name"],
  // Says X-Ray also of a trace that is full.
  [/InvalidSegment/i, "refused_segment"],
  [/^(?:Invalid|Missing|Parse)/i, "invalid"],
]

/**
 * What an answer of PutTraceSegments says of each document. An entry without an id cannot be given to a document: what is to
 * be sent again then means every document that no other entry names, as X-Ray keeps one of each id; what is refused for good
 * is counted only.
 * @param unprocessed hostile as any answer: at most one entry a document is believed
 */
export function segmentsResult(
  documents: readonly Uint8Array[],
  unprocessed: readonly Unprocessed[],
): WriteResult {
  if (unprocessed.length === 0) return { kind: "accepted" }
  const positionOf = positionsById(documents)
  const rejected = new Map<number, string>()
  const again = new Set<number>()
  let rejectedCount = 0
  let allAgain = false
  let why = ""
  for (const { Id, ErrorCode = "", Message = "" } of unprocessed.slice(0, documents.length)) {
    why = whyLine(`X-Ray did not take a segment: ${ErrorCode} ${Message}`)
    const position = Id === undefined ? undefined : positionOf(Id.toLowerCase())
    const notNow = NOT_NOW.test(ErrorCode)
    if (position !== undefined && notNow) again.add(position)
    else if (position !== undefined) rejected.set(position, reasonOf(ErrorCode))
    else if (notNow) allAgain = true
    else rejectedCount++
  }
  if (allAgain) for (const position of documents.keys()) if (!rejected.has(position)) again.add(position)
  // Said of one document twice: the next answer will tell.
  for (const position of again) rejected.delete(position)
  const unnamed = Math.min(rejectedCount, documents.length - rejected.size - again.size)
  return { kind: "accepted", rejected, again, why, ...(unnamed > 0 ? { rejectedCount: unnamed } : {}) }
}

function reasonOf(code: string): string {
  return REASONS.find(([pattern]) => pattern.test(code))?.[1] ?? "refused"
}

/**
 * Where the document of an id is: by its own id, or by that of something nested in it, as X-Ray names the subsegment that it
 * did not like. One call may carry a segment's beginning and its end.
 */
function positionsById(documents: readonly Uint8Array[]): (id: string) => number | undefined {
  const own = new Map<string, number[]>()
  const nested = new Map<string, number[]>()
  for (const [position, bytes] of documents.entries()) {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1")
    const id = ownId(text)
    if (id !== undefined) put(own, id, position)
    for (const [, other = ""] of text.matchAll(/"id":"([0-9A-Fa-f]{16})"/g))
      put(nested, other.toLowerCase(), position)
  }
  return (id) => own.get(id)?.shift() ?? nested.get(id)?.at(0)
}

function put(into: Map<string, number[]>, id: string, position: number): void {
  const known = into.get(id)
  if (known === undefined) into.set(id, [position])
  else if (known.at(-1) !== position) known.push(position)
}

function ownId(text: string): string | undefined {
  try {
    const document: unknown = JSON.parse(text)
    if (typeof document !== "object" || document === null || !("id" in document)) return undefined
    return typeof document.id === "string" ? document.id.toLowerCase() : undefined
  } catch {
    return undefined
  }
}
