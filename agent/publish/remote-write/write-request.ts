import { DURATION_BOUNDS, type Metric } from "#mesh/catalogue.ts"
import { BUCKET_COUNT } from "#mesh/histogram.ts"
import type { Family, Series, Snapshot } from "#mesh/snapshot.ts"
import { fieldBytes, putHead } from "../otlp/wire.ts"
import { linesPer } from "../prometheus/series-lines.ts"
import { boundText } from "../prometheus/text.ts"
import { type LabelBytes, labelField } from "./label-bytes.ts"

/**
 * Writes `WriteRequest` of Prometheus remote write 1.0 (prometheus.io/docs/specs/prw/remote_write_spec) into one buffer that
 * it keeps. Histograms become series `_bucket`, `_sum` and `_count`, as a scrape would see them.
 */
export interface WriteRequest {
  readonly samples: number
  readonly empty: boolean
  /** The series' value as last committed, at `timeMs`; before it 0 at `zeroMs`, where that is given. */
  value(family: Family, series: Series, timeMs: number, zeroMs?: number): void
  /** A stale marker: the series has ended. */
  ended(family: Family, series: Series, timeMs: number): void
  /** The message so far, good until the next call; then it is empty again. */
  take(): Buffer
}

/** How many samples `value` takes at most, without and with a zero. */
export function samplesOf(metric: Metric, withZero: boolean): number {
  return linesPer(metric) * (withZero ? 2 : 1)
}

/** Tags: `timeseries` of WriteRequest, `samples` of TimeSeries, `value` and `timestamp` of Sample. */
const TIME_SERIES = 0x0a
const SAMPLES = 0x12
const SAMPLE_VALUE = 0x09
const SAMPLE_TIME = 0x10
/** A NaN of just these bits (prometheus/model/value/value.go). */
const STALE = Uint8Array.of(0x02, 0, 0, 0, 0, 0, 0xf0, 0x7f)
const NOTHING = Buffer.alloc(0)
/** OpenMetrics' form: what Prometheus stores when it scrapes this agent. */
const BOUNDS = Array.from({ length: BUCKET_COUNT }, (_, bucket) =>
  labelField("le", boundText(DURATION_BOUNDS[bucket], "openmetrics")),
)

export function makeWriteRequest(labels: LabelBytes, snapshot: Snapshot): WriteRequest {
  const names = new Map<string, readonly Buffer[]>()
  let out = Buffer.allocUnsafeSlow(1 << 20)
  let view = new DataView(out.buffer)
  let end = 0
  let samples = 0
  const namesOf = (metric: Metric): readonly Buffer[] => {
    const known = names.get(metric.name) ?? nameFields(metric)
    names.set(metric.name, known)
    return known
  }
  const makeRoom = (bytes: number): void => {
    if (end + bytes <= out.length) return
    const bigger = Buffer.allocUnsafeSlow(Math.max(out.length * 2, end + bytes))
    out.copy(bigger, 0, 0, end)
    out = bigger
    view = new DataView(out.buffer)
  }
  const putSample = (at: number, value: number | undefined, timeMs: number): number => {
    const inner = putHead(out, at, SAMPLES, sampleBytes(timeMs))
    out[inner] = SAMPLE_VALUE
    if (value === undefined) out.set(STALE, inner + 1)
    else view.setFloat64(inner + 1, value, true)
    samples++
    return putHead(out, inner + 9, SAMPLE_TIME, timeMs)
  }
  /** `value` undefined: a stale marker. `zeroMs` NaN: no zero. */
  const put = (
    name: Buffer,
    le: Buffer,
    series: Series,
    value: number | undefined,
    timeMs: number,
    zeroMs: number,
  ): void => {
    const from = labels.known(series)
    const [head, tail] = [labels.headLength(series.slot), labels.tailLength(series.slot)]
    const zero = Number.isNaN(zeroMs) ? 0 : fieldBytes(sampleBytes(zeroMs))
    const bytes =
      labels.before.length + name.length + head + le.length + tail + zero + fieldBytes(sampleBytes(timeMs))
    makeRoom(fieldBytes(bytes))
    let at = putHead(out, end, TIME_SERIES, bytes)
    at += labels.before.copy(out, at)
    at += name.copy(out, at)
    at += labels.bytes.copy(out, at, from, from + head)
    at += le.copy(out, at)
    at += labels.bytes.copy(out, at, from + head, from + head + tail)
    if (zero > 0) at = putSample(at, 0, zeroMs)
    end = putSample(at, value, timeMs)
  }
  const putAll = (family: Family, series: Series, stale: boolean, timeMs: number, zeroMs: number): void => {
    const { metric } = family
    const [name = NOTHING, sum = NOTHING, count = NOTHING] = namesOf(metric)
    const own = stale ? undefined : snapshot.values[series.slot]
    if (metric.type !== "histogram") {
      put(name, NOTHING, series, own, timeMs, zeroMs)
      return
    }
    let below = 0
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
      below += snapshot.buckets[series.bucketAt + bucket] ?? 0
      put(name, BOUNDS[bucket] ?? NOTHING, series, stale ? undefined : below, timeMs, zeroMs)
    }
    put(sum, NOTHING, series, own, timeMs, zeroMs)
    put(count, NOTHING, series, stale ? undefined : below, timeMs, zeroMs)
  }
  return {
    get samples() {
      return samples
    },
    get empty() {
      return samples === 0
    },
    value: (family, series, timeMs, zeroMs) => putAll(family, series, false, timeMs, zeroMs ?? Number.NaN),
    ended: (family, series, timeMs) => putAll(family, series, true, timeMs, Number.NaN),
    take() {
      const message = out.subarray(0, end)
      end = 0
      samples = 0
      return message
    },
  }
}

/** `__name__` of a counter or gauge; of a histogram those of buckets, sum and count. */
function nameFields({ name, type }: Metric): readonly Buffer[] {
  const ends = type === "histogram" ? ["_bucket", "_sum", "_count"] : [""]
  return ends.map((suffix) => labelField("__name__", name + suffix))
}

/** A fixed64 and a varint, each behind its tag. */
function sampleBytes(timeMs: number): number {
  // fieldBytes(n) is a tag, the varint of n, and n bytes.
  return 9 + fieldBytes(timeMs) - timeMs
}
