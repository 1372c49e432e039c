import { MAX_BUCKETS, type OtlpPoint } from "./otlp-point.ts"
import { attributeKey, beginPoint, type PointWire, takeAttribute } from "./point-wire.ts"
import { double, limit, malformed, signed64, skip, unsigned64, varint, type Wire } from "./wire.ts"

const NUMBER_ATTRIBUTE = 58
const HISTOGRAM_ATTRIBUTE = 74

/** NumberDataPoint: start = 2, time = 3, as_double = 4, as_int = 6 (sfixed64), attributes = 7, flags = 8. */
export function readNumberPoint(wire: PointWire, end: number, point: OtlpPoint): void {
  beginPoint(wire, end, NUMBER_ATTRIBUTE)
  while (wire.at < end) {
    const at = wire.at
    const tag = varint(wire, end)
    if (tag === NUMBER_ATTRIBUTE) takeAttribute(wire, at, end)
    else if (tag === 33) point.value = double(wire, end)
    else if (tag === 49) point.value = signed64(wire, end)
    else readShared(wire, tag, end, point, 64)
  }
  point.key = attributeKey(wire)
}

/** HistogramDataPoint: start = 2, time = 3, count = 4, sum = 5, bucket_counts = 6, explicit_bounds = 7, attributes = 9, flags = 10. */
export function readHistogramPoint(wire: PointWire, end: number, point: OtlpPoint): void {
  beginPoint(wire, end, HISTOGRAM_ATTRIBUTE)
  while (wire.at < end) {
    const at = wire.at
    const tag = varint(wire, end)
    switch (tag) {
      case HISTOGRAM_ATTRIBUTE:
        takeAttribute(wire, at, end)
        break
      case 33:
        point.count = unsigned64(wire, end)
        break
      case 41:
        point.sum = double(wire, end)
        break
      case 49:
      case 50:
        point.bucketCount = append(wire, tag, end, unsigned64, point.counts, point.bucketCount)
        break
      case 57:
      case 58:
        point.boundCount = append(wire, tag, end, double, point.bounds, point.boundCount)
        break
      default:
        readShared(wire, tag, end, point, 80)
    }
  }
  point.key = attributeKey(wire)
}

/** What both kinds of points have; their flags stand under numbers of their own. */
function readShared(wire: Wire, tag: number, end: number, point: OtlpPoint, flagsTag: number): void {
  if (tag === 17) point.startMs = unsigned64(wire, end) / 1e6
  else if (tag === 25) point.timeMs = unsigned64(wire, end) / 1e6
  else if (tag === flagsTag) point.flags = varint(wire, end)
  else skip(wire, tag, end)
}

/** Values of 64 bits, packed or one by one; both append. @returns the new length */
function append(
  wire: Wire,
  tag: number,
  end: number,
  read: (wire: Wire, end: number) => number,
  values: Float64Array,
  length: number,
): number {
  const stop = (tag & 7) === 2 ? limit(wire, end) : wire.at + 8
  if (stop > end) throw malformed("ends inside a bucket", wire.at)
  let count = length
  while (wire.at < stop) {
    const value = read(wire, stop)
    if (count >= MAX_BUCKETS) throw malformed(`more than ${MAX_BUCKETS} buckets`, wire.at)
    values[count++] = value
  }
  return count
}
