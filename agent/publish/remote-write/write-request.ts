import { DURATION_BOUNDS, type Metric } from "#mesh/catalogue.ts"
import { BUCKET_COUNT } from "#mesh/histogram.ts"
import type { Family, Series, Snapshot } from "#mesh/snapshot.ts"
import { boundText } from "../prometheus/text.ts"
import { fieldBytes, putHead, putVarint, varintBytes } from "../protobuf/wire.ts"
import { type LabelBytes, labelField } from "./label-bytes.ts"

/**
 * Writes `WriteRequest` of Prometheus remote write 1.0 (prometheus.io/docs/specs/prw/remote_write_spec) into one buffer that
 * it keeps. Histograms become series `_bucket`, `_sum` and `_count`, as a scrape would see them.
 */
export interface WriteRequest {
  readonly samples: number
  /** A sample of the series: `value` as last committed, `zero` 0, `ended` a stale marker. */
  put(what: "value" | "zero" | "ended", family: Family, series: Series, timeMs: number): void
  /** The message so far, good until the next call; then it is empty again. */
  take(): Buffer
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
  /** `value` undefined: a stale marker. */
  const put = (name: Buffer, le: Buffer, series: Series, value: number | undefined, timeMs: number): void => {
    const from = labels.known(series)
    const head = labels.headLength(series.slot)
    const tail = labels.tailLength(series.slot)
    const sample = sampleBytes(timeMs)
    const bytes = labels.before.length + name.length + head + le.length + tail + fieldBytes(sample)
    makeRoom(fieldBytes(bytes))
    let at = putHead(out, end, TIME_SERIES, bytes)
    at += labels.before.copy(out, at)
    at += name.copy(out, at)
    at += labels.bytes.copy(out, at, from, from + head)
    at += le.copy(out, at)
    at += labels.bytes.copy(out, at, from + head, from + head + tail)
    at = putHead(out, at, SAMPLES, sample)
    out[at] = SAMPLE_VALUE
    if (value === undefined) out.set(STALE, at + 1)
    else view.setFloat64(at + 1, value, true)
    out[at + 9] = SAMPLE_TIME
    end = putVarint(out, at + 10, timeMs)
    samples++
  }
  const putHistogram = (family: Family, series: Series, timeMs: number, factor: number | undefined): void => {
    const [bucketName = NOTHING, sum = NOTHING, count = NOTHING] = namesOf(family.metric)
    const shown = (value: number): number | undefined => (factor === undefined ? undefined : value * factor)
    let below = 0
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
      below += snapshot.buckets[series.bucketAt + bucket] ?? 0
      put(bucketName, BOUNDS[bucket] ?? NOTHING, series, shown(below), timeMs)
    }
    put(sum, NOTHING, series, shown(snapshot.values[series.slot] ?? 0), timeMs)
    put(count, NOTHING, series, shown(below), timeMs)
  }
  return {
    get samples() {
      return samples
    },
    put(what, family, series, timeMs) {
      const factor = what === "ended" ? undefined : what === "zero" ? 0 : 1
      if (family.metric.type === "histogram") putHistogram(family, series, timeMs, factor)
      else {
        const [name = NOTHING] = namesOf(family.metric)
        const value = snapshot.values[series.slot] ?? 0
        put(name, NOTHING, series, factor === 0 ? 0 : factor === undefined ? undefined : value, timeMs)
      }
    },
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
  return 9 + 1 + varintBytes(timeMs)
}
