/** Longest histogram that is read. More buckets make the point a rejected one. */
export const MAX_BUCKETS = 256

/** Bounds on what one point may carry; a point beyond them is rejected, its neighbours are not. */
export const MAX_ATTRIBUTES = 48
export const MAX_NAME_LENGTH = 128
export const MAX_VALUE_LENGTH = 1024

export type PointKind = "sum" | "gauge" | "histogram"

/**
 * One data point, filled anew by the reader for each call: copy what outlives it.
 * Both readers (protobuf and JSON) fill the same shape, so nothing behind them knows the encoding.
 */
export interface OtlpPoint {
  metric: string
  kind: PointKind
  /** 1 delta, 2 cumulative, 0 not said. Gauges: 0. */
  temporality: number
  monotonic: boolean
  /** ms since epoch; 0 when the point does not tell. */
  startMs: number
  timeMs: number
  value: number
  /** Bit 1: the series has ended (no recorded value). */
  flags: number
  /** Histograms only. `counts[0, bucketCount)` are not cumulated over buckets; `bounds[0, boundCount)` upper bounds. */
  count: number
  sum: number
  readonly counts: Float64Array
  bucketCount: number
  readonly bounds: Float64Array
  boundCount: number
  /** Equal keys of one metric and encoding mean equal attributes; unequal ones may still be equal. undefined: do not cache. */
  key: string | undefined
  /** Name, value, name, value... decoded only when asked, i.e. for a key that was not seen before. Throws on bad text. */
  attributes: () => string[]
}

/** What the readers call, in the order of the body. */
export interface PointVisitor {
  /** Begins a resource; attributes as name, value pairs. Answers false to skip its points. */
  resource(attributes: readonly string[]): boolean
  point(point: OtlpPoint): void
  /** Points in a shape that is not read (exponential histograms, summaries), with a reason for the sender. */
  unread(count: number, reason: string): void
}

export function makePoint(): OtlpPoint {
  return {
    metric: "",
    kind: "gauge",
    temporality: 0,
    monotonic: false,
    startMs: 0,
    timeMs: 0,
    value: 0,
    flags: 0,
    count: 0,
    sum: 0,
    counts: new Float64Array(MAX_BUCKETS),
    bucketCount: 0,
    bounds: new Float64Array(MAX_BUCKETS),
    boundCount: 0,
    key: "",
    attributes: () => [],
  }
}

/** Back to empty before a point is read; metric, kind and temporality belong to the metric and stay. */
export function clearPoint(point: OtlpPoint): void {
  point.startMs = 0
  point.timeMs = 0
  point.value = 0
  point.flags = 0
  point.count = 0
  point.sum = 0
  point.bucketCount = 0
  point.boundCount = 0
}
