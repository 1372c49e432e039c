import type { QueueRecord, SinkRequest, Split } from "../contract.ts"
import { MAX_DOCUMENT_BYTES } from "./fit.ts"

/** One call of PutTraceSegments. */
export interface XrayBatch {
  /** JSON documents, in the order of the request's records. */
  readonly documents: readonly Uint8Array[]
}

export interface SplitLimits {
  readonly documents: number
  /** Sum of their bytes. */
  readonly bytes: number
}

/** 50: what the daemon and the Collector send. The API's page names no limit of bytes; calls of about 1 MB end in time. */
const XRAY_LIMITS: SplitLimits = { documents: 50, bytes: 1_048_576 }
/** Traces that wait for more room beside the newest request. */
const OPEN_REQUESTS = 8

interface Growing {
  readonly records: number[]
  bytes: number
}

/**
 * Cuts waiting documents into calls: all of one trace in one call where they fit, and calls filled up with other traces,
 * oldest first. Documents of one trace keep their order over calls.
 */
export function splitSegments(
  records: readonly QueueRecord[],
  limits: SplitLimits = XRAY_LIMITS,
): Split<XrayBatch> {
  const refused = new Map<number, string>()
  const requests: Growing[] = []
  for (const trace of byTrace(records, refused)) {
    const bytes = trace.reduce((sum, index) => sum + sizeOf(records, index), 0)
    const room = (request: Growing): boolean =>
      request.records.length + trace.length <= limits.documents && request.bytes + bytes <= limits.bytes
    const open = requests.slice(-OPEN_REQUESTS).find(room)
    if (open !== undefined) {
      open.records.push(...trace)
      open.bytes += bytes
    } else requests.push(...cut(records, trace, limits))
  }
  return { requests: requests.map((request) => finished(records, request)), refused }
}

/** Indexes by trace, in the order in which traces begin. Documents without a trace stand alone. */
function byTrace(records: readonly QueueRecord[], refused: Map<number, string>): number[][] {
  const traces = new Map<string, number[]>()
  const groups: number[][] = []
  for (const [index, { key, payload }] of records.entries()) {
    if (payload.length > MAX_DOCUMENT_BYTES) {
      refused.set(index, "too_large")
      continue
    }
    const known = key === "" ? undefined : traces.get(key)
    if (known !== undefined) {
      known.push(index)
      continue
    }
    const group = [index]
    groups.push(group)
    if (key !== "") traces.set(key, group)
  }
  return groups
}

/** A trace that no call holds whole takes several of its own. */
function cut(records: readonly QueueRecord[], trace: readonly number[], limits: SplitLimits): Growing[] {
  const parts: Growing[] = []
  for (const index of trace) {
    const bytes = sizeOf(records, index)
    const last = parts.at(-1)
    if (last === undefined || last.records.length >= limits.documents || last.bytes + bytes > limits.bytes)
      parts.push({ records: [index], bytes })
    else {
      last.records.push(index)
      last.bytes += bytes
    }
  }
  return parts
}

const sizeOf = (records: readonly QueueRecord[], index: number): number => records[index]?.payload.length ?? 0

function finished(records: readonly QueueRecord[], { records: indexes }: Growing): SinkRequest<XrayBatch> {
  const documents = indexes.map((index) => records[index]?.payload ?? new Uint8Array())
  return { records: indexes, body: { documents } }
}
