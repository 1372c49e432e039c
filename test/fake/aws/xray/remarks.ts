import { type Input, isObject } from "../operation.ts"

/** The page's "String – up to 250 characters"; whether a longer one is cut or refused is not documented. */
const MAX_TEXT = 250

/**
 * What the page asks for and the service does not refuse (or not as far as is documented), in words. The page is
 * docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
 */
export function remarksOn(document: Input, depth = 0): string[] {
  const remarks: string[] = []
  const { namespace, end_time: end, start_time: start, in_progress: unfinished } = document
  const nested = depth > 0 || document["type"] === "subsegment"
  if (typeof end === "number" && typeof start === "number" && end < start)
    remarks.push("end_time before start_time")
  if (end !== undefined && unfinished === true) remarks.push("end_time and in_progress")
  if (!nested && namespace !== undefined) remarks.push("namespace is for subsegments")
  if (nested && namespace !== undefined && namespace !== "aws" && namespace !== "remote")
    remarks.push("namespace is neither aws nor remote")
  if (nested && document["origin"] !== undefined) remarks.push("origin is for segments")
  remarks.push(...annotationRemarks(document["annotations"]), ...metadataRemarks(document["metadata"]))
  remarks.push(...longTexts(document), ...longTexts(document["http"]))
  const subsegments = document["subsegments"]
  if (Array.isArray(subsegments)) {
    for (const part of subsegments) if (isObject(part)) remarks.push(...remarksOn(part, depth + 1))
  }
  return remarks
}

/**
 * "Keys must be alphanumeric in order to work with filters. Underscore is allowed"; dots too by now
 * (opentelemetry-collector-contrib, gate exporter.xray.allowDot).
 */
function annotationRemarks(annotations: unknown): string[] {
  if (!isObject(annotations)) return []
  const remarks: string[] = []
  for (const [key, value] of Object.entries(annotations)) {
    if (!/^[\w.]+$/.test(key)) remarks.push(`annotation key ${key}`)
    if (!["string", "number", "boolean"].includes(typeof value)) remarks.push(`annotation value of ${key}`)
  }
  return remarks
}

/** "Keys starting with AWS. are reserved for use by AWS-provided SDKs and clients" */
function metadataRemarks(metadata: unknown): string[] {
  const keys = isObject(metadata) ? Object.keys(metadata) : []
  return keys.filter((key) => key.startsWith("AWS.")).map((key) => `metadata key ${key}`)
}

function longTexts(part: unknown): string[] {
  if (!isObject(part)) return []
  const remarks: string[] = []
  for (const [member, value] of Object.entries(part)) {
    if (typeof value === "string" && value.length > MAX_TEXT)
      remarks.push(`${member} of ${value.length} characters`)
    if (member === "request") remarks.push(...longTexts(value))
  }
  return remarks
}
