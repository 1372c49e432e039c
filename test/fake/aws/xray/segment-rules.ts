import { type Input, isObject } from "../operation.ts"

/**
 * What X-Ray asks of a segment document: docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html and type
 * docs of PutTraceSegments in client-xray. Codes: MissingId, InvalidName, InvalidTraceId and InvalidSegment were seen in bug
 * reports (aws/aws-xray-daemon issue 184 and others); all others are made after them, since no page lists them.
 */
export interface Refused {
  readonly code: string
  readonly kind: "segment" | "subsegment"
  /** The id of the document, where it has one that is readable. */
  readonly id: string | undefined
}

/** "up to 64 kB": whether of 1000 or of 1024 bytes is not documented, so the smaller. */
export const MAX_DOCUMENT_BYTES = 64_000
const MAX_NAME = 200
/** "Unicode letters, numbers, and whitespace, and the following symbols: _, ., :, /, %, &, #, =, +, \, -, @" */
const NAME = /^[\p{L}\p{N}\p{Z}\s_.:/%&#=+\\\-@]+$/u
const ID = /^[0-9a-f]{16}$/i
const TRACE_ID = /^1-[0-9a-f]{8}-[0-9a-f]{24}$/i

/** The first rule that a document breaks, undefined when it breaks none. */
export function refusedDocument(document: Input): Refused | undefined {
  const kind = document["type"] === "subsegment" ? "subsegment" : "segment"
  const id = typeof document["id"] === "string" ? document["id"] : undefined
  const refused = (code: string): Refused => ({ code, kind, id })
  if (document["id"] === undefined) return refused("MissingId")
  if (document["trace_id"] === undefined) return refused("MissingTraceId")
  if (!matches(document["trace_id"], TRACE_ID)) return refused("InvalidTraceId")
  if (kind === "subsegment" && document["parent_id"] === undefined) return refused("MissingParentId")
  if (document["type"] !== undefined && kind !== "subsegment") return refused("InvalidType")
  const code = brokenRule(document)
  return code === undefined ? refusedSubsegment(document["subsegments"]) : refused(code)
}

const matches = (value: unknown, pattern: RegExp): boolean => typeof value === "string" && pattern.test(value)

/** The rules that a segment, a subsegment sent alone and a nested one have in common. */
function brokenRule(part: Input): string | undefined {
  const { name, id, parent_id: parent, start_time: start, end_time: end, in_progress: unfinished } = part
  if (!matches(id, ID)) return "InvalidId"
  if (name === undefined) return "MissingName"
  if (typeof name !== "string" || !NAME.test(name) || name.length > MAX_NAME) return "InvalidName"
  if (parent !== undefined && !matches(parent, ID)) return "InvalidParentId"
  if (start === undefined) return "MissingStartTime"
  if (!isTime(start)) return "InvalidStartTime"
  // "Specify either an end_time or in_progress."
  if (end === undefined && unfinished !== true) return "MissingEndTime"
  if (end !== undefined && !isTime(end)) return "InvalidEndTime"
  return brokenTypes(part)
}

const isTime = (value: unknown): boolean => typeof value === "number" && Number.isFinite(value) && value >= 0

/** Members of another type than the page says. */
function brokenTypes(part: Input): string | undefined {
  const flags = ["fault", "error", "throttle", "in_progress"]
  if (flags.some((flag) => part[flag] !== undefined && typeof part[flag] !== "boolean")) return "InvalidFlag"
  const objects = ["http", "aws", "service", "annotations", "metadata", "sql"]
  if (objects.some((member) => part[member] !== undefined && !isObject(part[member]))) return "InvalidMember"
  const texts = ["origin", "namespace", "user"]
  if (texts.some((member) => part[member] !== undefined && typeof part[member] !== "string"))
    return "InvalidMember"
  const response = isObject(part["http"]) ? part["http"]["response"] : undefined
  if (isObject(response) && response["status"] !== undefined && !Number.isInteger(response["status"]))
    return "InvalidHttp"
  return undefined
}

/** Nested subsegments: the same rules, but for trace_id, parent_id and type, which the nesting tells. */
function refusedSubsegment(list: unknown): Refused | undefined {
  if (list === undefined) return undefined
  if (!Array.isArray(list)) return { code: "InvalidSubsegments", kind: "segment", id: undefined }
  for (const part of list) {
    if (!isObject(part)) return { code: "MissingId", kind: "subsegment", id: undefined }
    const id = typeof part["id"] === "string" ? part["id"] : undefined
    const code = id === undefined ? "MissingId" : brokenRule(part)
    if (code !== undefined) return { code, kind: "subsegment", id }
    const deeper = refusedSubsegment(part["subsegments"])
    if (deeper !== undefined) return deeper
  }
  return undefined
}
