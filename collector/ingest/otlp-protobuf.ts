import { readAttributeRanges, readAttributes } from "./otlp-attributes.ts"
import { clearPoint, makePoint, type OtlpPoint, type PointKind, type PointVisitor } from "./otlp-point.ts"
import { readHistogramPoint, readNumberPoint } from "./otlp-protobuf-point.ts"
import { attributesOf, type PointWire, pointWire } from "./point-wire.ts"
import { limit, skip, text, varint, type Wire } from "./wire.ts"

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
    if (tag === 10) attributes = resourceAttributes(wire, limit(wire, end))
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
function resourceAttributes(wire: Wire, end: number): string[] {
  const attributes = readAttributes(wire, readAttributeRanges(wire, end, 10))
  wire.at = end
  return attributes
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
