import { readAttributeRanges, readAttributes } from "./otlp-attributes.ts"
import {
  clearPoint,
  MAX_BUCKETS,
  makePoint,
  type OtlpPoint,
  type PointKind,
  type PointVisitor,
} from "./otlp-point.ts"
import {
  double,
  limit,
  malformed,
  signed64,
  skip,
  text,
  unsigned64,
  varint,
  type Wire,
  wireOf,
} from "./wire.ts"

/**
 * Reads an ExportMetricsServiceRequest by hand: one pass for lengths, one for points.
 * Tags are field << 3 | wire type, from opentelemetry-proto metrics/v1/metrics.proto and collector/metrics/v1.
 * Fields may come in any order, so each message is looked through once for what its points depend on.
 * Throws INTAKE_MALFORMED and nothing else; whatever the visitor took before stays taken.
 */
export function readProtobufMetrics(bytes: Uint8Array, visitor: PointVisitor): void {
  const wire = pointWire(bytes)
  const point = makePoint()
  point.attributes = () => attributesOf(wire)
  const end = bytes.length
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag === 10) readResource(wire, limit(wire, end), point, visitor)
    else skip(wire, tag, end)
  }
}

/** ResourceMetrics: resource = 1, scope_metrics = 2. */
function readResource(wire: PointWire, end: number, point: OtlpPoint, visitor: PointVisitor): void {
  const start = wire.at
  let attributes: string[] = []
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag === 10) attributes = readResourceAttributes(wire, limit(wire, end))
    else skip(wire, tag, end)
  }
  if (!visitor.resource(attributes)) return
  wire.at = start
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag === 18) readScope(wire, limit(wire, end), point, visitor)
    else skip(wire, tag, end)
  }
}

/** Resource: attributes = 1. */
function readResourceAttributes(wire: Wire, end: number): string[] {
  const ranges: number[] = []
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag === 10) {
      const stop = limit(wire, end)
      ranges.push(wire.at, stop)
      wire.at = stop
    } else skip(wire, tag, end)
  }
  return readAttributes(wire, ranges)
}

/** ScopeMetrics: metrics = 2. */
function readScope(wire: PointWire, end: number, point: OtlpPoint, visitor: PointVisitor): void {
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag === 18) readMetric(wire, limit(wire, end), point, visitor)
    else skip(wire, tag, end)
  }
}

const KINDS: ReadonlyMap<number, PointKind> = new Map([
  [42, "gauge"],
  [58, "sum"],
  [74, "histogram"],
])
/** exponential_histogram = 10, summary = 11. */
const UNREAD: ReadonlyMap<number, string> = new Map([
  [82, "exponential histograms are not read"],
  [90, "summaries are not read"],
])

/** Metric: name = 1, then one of gauge = 5, sum = 7, histogram = 9. The last one counts, as in any oneof. */
function readMetric(wire: PointWire, end: number, point: OtlpPoint, visitor: PointVisitor): void {
  let data = 0
  let dataStart = 0
  let dataEnd = 0
  point.metric = ""
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag === 10) point.metric = text(wire, end)
    else if (KINDS.has(tag) || UNREAD.has(tag)) {
      data = tag
      dataEnd = limit(wire, end)
      dataStart = wire.at
      wire.at = dataEnd
    } else skip(wire, tag, end)
  }
  if (data === 0) return
  wire.at = dataStart
  const kind = KINDS.get(data)
  if (kind === undefined) visitor.unread(countPoints(wire, dataEnd), UNREAD.get(data) ?? "not read")
  else {
    point.kind = kind
    readData(wire, dataEnd, point, visitor)
  }
  wire.at = end
}

function countPoints(wire: Wire, end: number): number {
  let count = 0
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag === 10) count++
    skip(wire, tag, end)
  }
  return count
}

/** Gauge, Sum, Histogram: data_points = 1, aggregation_temporality = 2, is_monotonic = 3. */
function readData(wire: PointWire, end: number, point: OtlpPoint, visitor: PointVisitor): void {
  const start = wire.at
  point.temporality = 0
  point.monotonic = false
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag === 16) point.temporality = varint(wire, end)
    else if (tag === 24) point.monotonic = varint(wire, end) !== 0
    else skip(wire, tag, end)
  }
  wire.at = start
  const histogram = point.kind === "histogram"
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag !== 10) skip(wire, tag, end)
    else {
      const stop = limit(wire, end)
      clearPoint(point)
      if (histogram) readHistogramPoint(wire, stop, point)
      else readNumberPoint(wire, stop, point)
      visitor.point(point)
    }
  }
}

/** NumberDataPoint: start = 2, time = 3, as_double = 4, as_int = 6 (sfixed64), attributes = 7, flags = 8. */
function readNumberPoint(wire: PointWire, end: number, point: OtlpPoint): void {
  beginPoint(wire, end, 58)
  while (wire.at < end) {
    const at = wire.at
    const tag = varint(wire, end)
    switch (tag) {
      case 17:
        point.startMs = unsigned64(wire, end) / 1e6
        break
      case 25:
        point.timeMs = unsigned64(wire, end) / 1e6
        break
      case 33:
        point.value = double(wire, end)
        break
      case 49:
        point.value = signed64(wire, end)
        break
      case 58:
        takeAttribute(wire, at, end)
        break
      case 64:
        point.flags = varint(wire, end)
        break
      default:
        skip(wire, tag, end)
    }
  }
  point.key = attributeKey(wire)
}

/** HistogramDataPoint: start = 2, time = 3, count = 4, sum = 5, bucket_counts = 6, explicit_bounds = 7, attributes = 9, flags = 10. */
function readHistogramPoint(wire: PointWire, end: number, point: OtlpPoint): void {
  beginPoint(wire, end, 74)
  while (wire.at < end) {
    const at = wire.at
    const tag = varint(wire, end)
    switch (tag) {
      case 17:
        point.startMs = unsigned64(wire, end) / 1e6
        break
      case 25:
        point.timeMs = unsigned64(wire, end) / 1e6
        break
      case 33:
        point.count = unsigned64(wire, end)
        break
      case 41:
        point.sum = double(wire, end)
        break
      case 49:
      case 50:
        readCounts(wire, tag === 50 ? limit(wire, end) : wire.at + 8, end, point)
        break
      case 57:
      case 58:
        readBounds(wire, tag === 58 ? limit(wire, end) : wire.at + 8, end, point)
        break
      case 74:
        takeAttribute(wire, at, end)
        break
      case 80:
        point.flags = varint(wire, end)
        break
      default:
        skip(wire, tag, end)
    }
  }
  point.key = attributeKey(wire)
}

/** fixed64 values, packed or one by one; both append. */
function readCounts(wire: Wire, stop: number, end: number, point: OtlpPoint): void {
  if (stop > end) throw malformed("ends inside bucket counts", wire.at)
  while (wire.at < stop) {
    const count = unsigned64(wire, stop)
    if (point.bucketCount >= MAX_BUCKETS) throw malformed(`more than ${MAX_BUCKETS} buckets`, wire.at)
    point.counts[point.bucketCount++] = count
  }
}

function readBounds(wire: Wire, stop: number, end: number, point: OtlpPoint): void {
  if (stop > end) throw malformed("ends inside bucket bounds", wire.at)
  while (wire.at < stop) {
    const bound = double(wire, stop)
    if (point.boundCount >= MAX_BUCKETS) throw malformed(`more than ${MAX_BUCKETS} bounds`, wire.at)
    point.bounds[point.boundCount++] = bound
  }
}

/**
 * Where the attributes of the point being read lie, so that their names are decoded only when asked. One per request,
 * so that a point allocates nothing but its key.
 */
interface PointWire extends Wire {
  readonly buffer: Buffer
  pointStart: number
  pointEnd: number
  attributeTag: number
  from: number
  to: number
  contiguous: boolean
}

function pointWire(bytes: Uint8Array): PointWire {
  return {
    ...wireOf(bytes),
    buffer: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    pointStart: 0,
    pointEnd: 0,
    attributeTag: 0,
    from: 0,
    to: 0,
    contiguous: true,
  }
}

function beginPoint(wire: PointWire, end: number, attributeTag: number): void {
  wire.pointStart = wire.at
  wire.pointEnd = end
  wire.attributeTag = attributeTag
  wire.from = wire.at
  wire.to = -1
  wire.contiguous = true
}

function takeAttribute(wire: PointWire, at: number, end: number): void {
  if (wire.to < 0) wire.from = at
  else if (wire.to !== at) wire.contiguous = false
  wire.at = limit(wire, end)
  wire.to = wire.at
}

/** The attributes as raw bytes, by one native copy; undefined where other fields stand between them (then no cache holds). */
function attributeKey(wire: PointWire): string | undefined {
  if (!wire.contiguous) return undefined
  return wire.to < 0 ? "" : wire.buffer.toString("latin1", wire.from, wire.to)
}

function attributesOf(wire: PointWire): string[] {
  const kept = wire.at
  wire.at = wire.pointStart
  const pairs = readAttributes(wire, readAttributeRanges(wire, wire.pointEnd, wire.attributeTag))
  wire.at = kept
  return pairs
}
