import { type Input, isObject } from "../operation.ts"

/** A segment or subsegment of a trace, with its parent by document or by nesting. */
export interface StoredSegment {
  readonly id: string
  readonly parentId: string
  readonly name: string
  /** Sent alone, or as the document itself; else nested. */
  readonly top: boolean
  readonly document: Input
}

export interface FakeXray {
  /** Every document that was taken, parsed, in order; a second one of the same id too. */
  readonly documents: readonly Input[]
  /** Ids of traces in the order in which they came. */
  readonly traceIds: readonly string[]
  /** All segments and subsegments of a trace, nested ones too; a finished document replaces the unfinished one. */
  trace(traceId: string): StoredSegment[]
  /**
   * How many annotations a trace has in all its segments. "X-Ray indexes up to 50 annotations per trace": the others are kept
   * and not found by filters. Whether one name in two segments counts twice is not documented.
   */
  annotations(traceId: string): { readonly all: number; readonly names: number }
  /** How many finished documents came again with the same trace and id. */
  readonly duplicates: number
  /** What was taken though the page asks for something else: see remarks.ts. A good sender causes none. */
  readonly remarks: readonly string[]
  /** Bodies of PutTelemetryRecords' records. */
  readonly telemetry: readonly Input[]
  /** Rules that GetSamplingRules gives, in the SDK's members; the test may add and change. */
  readonly samplingRules: Record<string, unknown>[]
  /** Statistics that GetSamplingTargets was given. */
  readonly samplingStatistics: readonly Input[]
}

/** 500 KB when it comes quickly: repost.aws/knowledge-center/x-ray-trace-quota-error (100 KB when it trickles in). */
const MAX_TRACE_BYTES = 500_000

interface Trace {
  bytes: number
  readonly documents: Map<string, Input>
}

export interface XrayStore extends FakeXray {
  readonly telemetry: Input[]
  readonly samplingStatistics: Input[]
  /** False: the trace is full. */
  take(document: Input, bytes: number, remarks: readonly string[]): boolean
}

export function makeStore(samplingRules: Record<string, unknown>[]): XrayStore {
  const traces = new Map<string, Trace>()
  const documents: Input[] = []
  const remarks: string[] = []
  let duplicates = 0
  const trace = (traceId: string): StoredSegment[] =>
    [...(traces.get(traceId)?.documents.values() ?? [])].flatMap((document) => flat(document))
  return {
    documents,
    remarks,
    telemetry: [],
    samplingRules,
    samplingStatistics: [],
    get traceIds() {
      return [...traces.keys()]
    },
    get duplicates() {
      return duplicates
    },
    trace,
    annotations(traceId) {
      const names = trace(traceId).flatMap(annotationNames)
      return { all: names.length, names: new Set(names).size }
    },
    take(document, bytes, said) {
      const traceId = String(document["trace_id"])
      const id = String(document["id"])
      const held = traces.get(traceId) ?? { bytes: 0, documents: new Map<string, Input>() }
      if (held.bytes + bytes > MAX_TRACE_BYTES) return false
      traces.set(traceId, held)
      const before = held.documents.get(id)
      if (before !== undefined && before["in_progress"] !== true) duplicates++
      // an unfinished one that comes late must not undo the finished one
      if (before === undefined || document["in_progress"] !== true) held.documents.set(id, document)
      if (before === undefined) held.bytes += bytes
      documents.push(document)
      remarks.push(...said.map((remark) => `${traceId} ${id}: ${remark}`))
      return true
    },
  }
}

const annotationNames = ({ document }: StoredSegment): string[] =>
  isObject(document["annotations"]) ? Object.keys(document["annotations"]) : []

const parentOf = ({ parent_id: parent }: Input): string => (typeof parent === "string" ? parent : "")

function flat(document: Input, parentId = parentOf(document), top = true): StoredSegment[] {
  const id = String(document["id"])
  const nested = Array.isArray(document["subsegments"]) ? document["subsegments"].filter(isObject) : []
  return [
    { id, parentId, name: String(document["name"]), top, document },
    ...nested.flatMap((part) => flat(part, id, false)),
  ]
}
