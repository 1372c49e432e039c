import type { Family, Series } from "#mesh/snapshot.ts"
import { textAttribute, timeField } from "./otlp-fields.ts"

/** Tags of `attributes` in NumberDataPoint (7) and HistogramDataPoint (9), and of `start_time_unix_nano` in both. */
const NUMBER_ATTRIBUTES = 0x3a
const HISTOGRAM_ATTRIBUTES = 0x4a
const START_TIME = 0x11

/**
 * What never changes in a series' data point (attributes and start time) as bytes, encoded once, side by side in one
 * buffer. By slot: slots are not used twice in one process.
 */
export interface SeriesBytes {
  /** May be replaced when it grows. */
  bytes: Buffer
  used: number
  /** Begin of each slot's bytes; 0 with length 0 when not yet encoded. */
  at: Int32Array
  length: Int32Array
}

export function makeSeriesBytes(): SeriesBytes {
  return {
    bytes: Buffer.allocUnsafeSlow(65_536),
    used: 0,
    at: new Int32Array(1024),
    length: new Int32Array(1024),
  }
}

/** Makes sure that the series is encoded. Answers the length of its bytes. */
export function knownBytes(cache: SeriesBytes, family: Family, series: Series): number {
  const known = cache.length[series.slot] ?? 0
  if (known !== 0) return known
  if (series.slot >= cache.at.length) growSlots(cache, series.slot)
  const wanted = series.labels.reduce((sum, [name, value]) => sum + 16 + (name.length + value.length) * 3, 9)
  if (cache.used + wanted > cache.bytes.length) growBytes(cache, wanted)
  const end = putSeries(cache.bytes, cache.used, family, series)
  cache.at[series.slot] = cache.used
  cache.length[series.slot] = end - cache.used
  cache.used = end
  return cache.length[series.slot] ?? 0
}

/** A gauge has no start: it is what it is now. */
function putSeries(out: Buffer, at: number, family: Family, series: Series): number {
  const tag = family.metric.type === "histogram" ? HISTOGRAM_ATTRIBUTES : NUMBER_ATTRIBUTES
  let end = at
  for (const [name, value] of series.labels) end = putAttribute(out, end, tag, name, value)
  return family.metric.type === "gauge" ? end : end + timeField(START_TIME, series.startMs).copy(out, end)
}

/** KeyValue { key 1, value 2 AnyValue { string_value 1 } }. Nearly all are below 128 bytes: lengths of one byte. */
function putAttribute(out: Buffer, at: number, tag: number, name: string, value: string): number {
  const nameBytes = out.write(name, at + 4)
  const valueAt = at + 4 + nameBytes + 4
  const valueBytes = out.write(value, valueAt)
  if (nameBytes + valueBytes > 120) return at + textAttribute(tag, name, value).copy(out, at)
  out[at] = tag
  out[at + 1] = nameBytes + valueBytes + 6
  out[at + 2] = 0x0a
  out[at + 3] = nameBytes
  out[valueAt - 4] = 0x12
  out[valueAt - 3] = valueBytes + 2
  out[valueAt - 2] = 0x0a
  out[valueAt - 1] = valueBytes
  return valueAt + valueBytes
}

function growSlots(cache: SeriesBytes, slot: number): void {
  const size = Math.max(slot + 1, cache.at.length * 2)
  const at = new Int32Array(size)
  const length = new Int32Array(size)
  at.set(cache.at)
  length.set(cache.length)
  cache.at = at
  cache.length = length
}

function growBytes(cache: SeriesBytes, wanted: number): void {
  const bigger = Buffer.allocUnsafeSlow(Math.max(cache.bytes.length * 2, cache.used + wanted))
  cache.bytes.copy(bigger, 0, 0, cache.used)
  cache.bytes = bigger
}
