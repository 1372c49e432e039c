import { type Input, isObject, type JsonHandler } from "../operation.ts"
import { Refusal } from "../refusal.ts"
import { remarksOn } from "./remarks.ts"
import { MAX_DOCUMENT_BYTES, type Refused, refusedDocument } from "./segment-rules.ts"
import type { XrayStore } from "./store.ts"

/**
 * The API page gives no number; the daemon and the OpenTelemetry exporter send 50, and the latter's comment calls it the
 * API's limit. A limit of bytes for the whole call is not documented, so there is none here.
 */
const MAX_DOCUMENTS = 50

export const invalidRequest = (message: string): Refusal => new Refusal("InvalidRequestException", message)

interface Unprocessed {
  readonly Id?: string
  readonly ErrorCode: string
  readonly Message: string
}

/** client-xray: PutTraceSegmentsCommand. What is wrong with one document does not fail the call. */
export function putTraceSegments(store: XrayStore): JsonHandler {
  return (input, { refuse }) => {
    const list = input["TraceSegmentDocuments"]
    if (!Array.isArray(list)) throw invalidRequest("TraceSegmentDocuments is missing.")
    if (list.length > MAX_DOCUMENTS) throw invalidRequest(`More than ${MAX_DOCUMENTS} segment documents.`)
    const unprocessed = list.flatMap((text, index) => {
      if (typeof text !== "string") throw invalidRequest(`TraceSegmentDocuments.${index} is not a string.`)
      const failed = index < (refuse?.first ?? 0)
      const refused = failed ? ordered(text, refuse?.code ?? "InternalFailure") : take(text, store)
      return refused === undefined ? [] : [toldOf(refused)]
    })
    return { UnprocessedTraceSegments: unprocessed }
  }
}

const toldOf = ({ code, kind, id }: Refused): Unprocessed => ({
  ...(id === undefined ? {} : { Id: id }),
  ErrorCode: code,
  Message: `Invalid ${kind}. ErrorCode: ${code}`,
})

/** The fault `refuse`, told with the document's own id. */
function ordered(text: string, code: string): Refused {
  const id = /"id":"([0-9a-f]{16})"/.exec(text)?.[1]
  return { code, kind: "segment", id }
}

/** Undefined: all of it was taken. */
function take(text: string, store: XrayStore): Refused | undefined {
  const bytes = Buffer.byteLength(text)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { code: "ParseError", kind: "segment", id: undefined }
  }
  // "or an array of subsegments" (type docs); an empty one is answered with MissingId (humanmade/aws-xray issue 29)
  const parts: unknown[] = Array.isArray(value) ? value : [value]
  const documents = parts.filter(isObject)
  if (documents.length === 0 || documents.length < parts.length)
    return { code: "MissingId", kind: "segment", id: undefined }
  return refusal(documents, bytes) ?? keep(documents, bytes, store)
}

function refusal(documents: readonly Input[], bytes: number): Refused | undefined {
  if (bytes > MAX_DOCUMENT_BYTES) {
    const id = documents[0]?.["id"]
    return { code: "DocumentTooLarge", kind: "segment", id: typeof id === "string" ? id : undefined }
  }
  for (const document of documents) {
    const refused = refusedDocument(document)
    if (refused !== undefined) return refused
  }
  return undefined
}

/** "InvalidSegment" is what a full trace gives (developer guide, troubleshooting). */
function keep(documents: readonly Input[], bytes: number, store: XrayStore): Refused | undefined {
  for (const document of documents) {
    if (!store.take(document, bytes / documents.length, remarksOn(document)))
      return { code: "InvalidSegment", kind: "segment", id: String(document["id"]) }
  }
  return undefined
}
