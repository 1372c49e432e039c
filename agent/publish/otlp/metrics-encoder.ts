import { DURATION_BOUNDS } from "#mesh/catalogue.ts"
import { BUCKET_COUNT } from "#mesh/histogram.ts"
import type { Exemplar, Family, Series, Snapshot } from "#mesh/snapshot.ts"
import { bytesField, fieldBytes, putHead, textField } from "../protobuf/wire.ts"
import { textAttribute, timeField } from "./otlp-fields.ts"
import { knownBytes, makeSeriesBytes, type SeriesBytes } from "./series-bytes.ts"

/** Series of one family that go into one request. */
export interface SeriesGroup {
  readonly family: Family
  readonly series: readonly Series[]
  /** Gauges that left: they go out once more without a value, so that nobody takes their last one for a present one. */
  readonly ended?: boolean
}

/**
 * Writes `ExportMetricsServiceRequest` (opentelemetry-proto, metrics/v1/metrics.proto): one resource, one scope; sums and
 * histograms are cumulative. Values are doubles: they are exact up to 2^53, as everywhere in the agent.
 */
export interface MetricsEncoder {
  /** A new buffer with the values as last committed. Groups without series are left out. */
  encode(snapshot: Snapshot, groups: readonly SeriesGroup[]): Buffer
  /** What a series takes in a request at most, without its metric's name and help. */
  pointBytes(family: Family, series: Series): number
}

export interface MetricsEncoderOptions {
  readonly resource: Readonly<Record<string, string>>
  readonly scope: { readonly name: string; readonly version: string }
}

const BUCKET_BYTES = BUCKET_COUNT * 8
const NUMBER_REST = 9 + 9
/** time, and flags (8) with the bit "no recorded value" in place of the value. */
const NO_VALUE = [0x40, 1]
const ENDED_REST = 9 + NO_VALUE.length
/** time, count, sum, and the packed counts; bounds follow as ready bytes. */
const HISTOGRAM_REST = 9 + 9 + 9 + fieldBytes(BUCKET_BYTES)
const BOUNDS = bytesField(0x3a, Buffer.from(Float64Array.from(DURATION_BOUNDS).buffer))
/** Exemplar: time (2), value (3), trace id (5). */
const EXEMPLAR_BYTES = 9 + 9 + fieldBytes(16)
const CUMULATIVE = [0x10, 2]
const CUMULATIVE_MONOTONIC = [0x10, 2, 0x18, 1]
/** Field numbers of Metric's data: gauge 5, sum 7, histogram 9. */
const DATA_TAGS = { gauge: 0x2a, counter: 0x3a, histogram: 0x4a } as const

export function makeMetricsEncoder(options: MetricsEncoderOptions): MetricsEncoder {
  const cache = makeSeriesBytes()
  const resource = bytesField(
    0x0a,
    Buffer.concat(Object.entries(options.resource).map(([key, value]) => textAttribute(0x0a, key, value))),
  )
  const scope = bytesField(
    0x0a,
    Buffer.concat([textField(0x0a, options.scope.name), textField(0x12, options.scope.version)]),
  )
  return {
    pointBytes: (family, series) =>
      fieldBytes(
        knownBytes(cache, family, series) +
          (family.metric.type === "histogram"
            ? HISTOGRAM_REST + BOUNDS.length + EXEMPLAR_BYTES + 2
            : NUMBER_REST),
      ),
    encode(snapshot, groups) {
      const metrics = groups
        .filter((group) => group.series.length > 0)
        .map((group) => measure(cache, snapshot, group))
      const scopeMetrics = scope.length + metrics.reduce((sum, metric) => sum + fieldBytes(metric.bytes), 0)
      const resourceMetrics = resource.length + fieldBytes(scopeMetrics)
      const out = Buffer.allocUnsafe(fieldBytes(resourceMetrics))
      const view = new DataView(out.buffer, out.byteOffset, out.length)
      let end = putHead(out, 0, 0x0a, resourceMetrics)
      end += resource.copy(out, end)
      end = putHead(out, end, 0x12, scopeMetrics)
      end += scope.copy(out, end)
      const time = timeField(0x19, snapshot.timeMs)
      for (const metric of metrics) end = putMetric({ cache, snapshot, out, view, time }, end, metric)
      return out
    },
  }
}

interface Measured {
  readonly group: SeriesGroup
  readonly head: Buffer
  readonly tail: readonly number[]
  /** Of the data message (Gauge, Sum, Histogram) and of the whole Metric. */
  readonly dataBytes: number
  readonly bytes: number
}

interface Writing {
  readonly cache: SeriesBytes
  readonly snapshot: Snapshot
  readonly out: Buffer
  readonly view: DataView
  readonly time: Buffer
}

function measure(cache: SeriesBytes, snapshot: Snapshot, group: SeriesGroup): Measured {
  const { family, series } = group
  const { metric } = family
  const head = Buffer.concat([
    textField(0x0a, metric.name),
    textField(0x12, metric.help),
    textField(0x1a, metric.unit),
  ])
  const tail = metric.type === "gauge" ? [] : metric.type === "counter" ? CUMULATIVE_MONOTONIC : CUMULATIVE
  let dataBytes = tail.length
  for (const one of series) {
    knownBytes(cache, family, one)
    dataBytes += fieldBytes(contentBytes(cache, snapshot, group, one))
  }
  return { group, head, tail, dataBytes, bytes: head.length + fieldBytes(dataBytes) }
}

function contentBytes(
  cache: SeriesBytes,
  snapshot: Snapshot,
  { family, ended }: SeriesGroup,
  series: Series,
): number {
  const fixed = cache.length[series.slot] ?? 0
  if (ended === true) return fixed + ENDED_REST
  if (family.metric.type !== "histogram") return fixed + NUMBER_REST
  const exemplar = snapshot.exemplar(series.slot) === undefined ? 0 : fieldBytes(EXEMPLAR_BYTES)
  return fixed + HISTOGRAM_REST + BOUNDS.length + exemplar
}

function putMetric(writing: Writing, at: number, metric: Measured): number {
  const { cache, snapshot, out } = writing
  const { family, series, ended } = metric.group
  let end = putHead(out, at, 0x12, metric.bytes)
  end += metric.head.copy(out, end)
  end = putHead(out, end, DATA_TAGS[family.metric.type], metric.dataBytes)
  for (const one of series) {
    end = putHead(out, end, 0x0a, contentBytes(cache, snapshot, metric.group, one))
    const from = cache.at[one.slot] ?? 0
    end += cache.bytes.copy(out, end, from, from + (cache.length[one.slot] ?? 0))
    out.set(writing.time, end)
    if (ended === true) {
      out.set(NO_VALUE, end + 9)
      end += ENDED_REST
      continue
    }
    end =
      family.metric.type === "histogram"
        ? putHistogram(writing, end + 9, one)
        : putNumber(writing, end + 9, one)
  }
  for (const byte of metric.tail) out[end++] = byte
  return end
}

/** `as_double` (4). */
function putNumber({ out, view, snapshot }: Writing, at: number, series: Series): number {
  out[at] = 0x21
  view.setFloat64(at + 1, snapshot.values[series.slot] ?? 0, true)
  return at + 9
}

/** `count` (4), `sum` (5), `bucket_counts` (6), `explicit_bounds` (7), `exemplars` (8). */
function putHistogram({ out, view, snapshot }: Writing, at: number, series: Series): number {
  const counts = putHead(out, at + 18, 0x32, BUCKET_BYTES)
  let all = 0
  for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
    const count = snapshot.buckets[series.bucketAt + bucket] ?? 0
    all += count
    putFixed64(view, counts + bucket * 8, count)
  }
  out[at] = 0x21
  putFixed64(view, at + 1, all)
  out[at + 9] = 0x29
  view.setFloat64(at + 10, snapshot.values[series.slot] ?? 0, true)
  const end = counts + BUCKET_BYTES + BOUNDS.copy(out, counts + BUCKET_BYTES)
  const exemplar = snapshot.exemplar(series.slot)
  return exemplar === undefined ? end : putExemplar(out, view, end, exemplar)
}

function putExemplar(out: Buffer, view: DataView, at: number, exemplar: Exemplar): number {
  const end = putHead(out, at, 0x42, EXEMPLAR_BYTES)
  out.set(timeField(0x11, exemplar.timeMs), end)
  out[end + 9] = 0x19
  view.setFloat64(end + 10, exemplar.seconds, true)
  const id = putHead(out, end + 18, 0x2a, 16)
  out.write(exemplar.traceId, id, 16, "hex")
  return id + 16
}

/** Counts are whole and below 2^53; what stats interpolate is rounded down. */
function putFixed64(view: DataView, at: number, value: number): void {
  const whole = Math.floor(value)
  view.setUint32(at, whole % 2 ** 32, true)
  view.setUint32(at + 4, Math.floor(whole / 2 ** 32), true)
}
