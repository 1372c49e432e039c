import { setImmediate } from "node:timers/promises"
import { DURATION_BOUNDS } from "#mesh/catalogue.ts"
import type { Clock } from "#mesh/clock.ts"
import { BUCKET_COUNT } from "#mesh/histogram.ts"
import type { Family, Series, Snapshot } from "#mesh/snapshot.ts"
import type { Outbox } from "../contract.ts"
import { boundText } from "../prometheus/text.ts"
import { oneAtATime } from "../series/one-at-a-time.ts"
import { removals } from "../series/removals.ts"
import { type HecPlace, hecTime, placeMembers } from "./hec-envelope.ts"

export interface MetricEventsConfig {
  /** Its index is one of metrics. */
  readonly place: HecPlace
  /** On every measure that has none of that name, e.g. `agent`. */
  readonly dimensions: Readonly<Record<string, string>>
  /** Every series is sent so often, changed or not. */
  readonly fullEveryMs: number
}

export interface MetricEventsDeps {
  readonly snapshot: Snapshot
  readonly clock: Pick<Clock, "monotonic">
  readonly outbox: Outbox
}

/**
 * Puts the catalogue's metrics into the outbox as events of Splunk's multiple-metric JSON (help.splunk.com, "Get metrics in
 * from other sources"). Values are cumulative: `rate(x)` of mstats reads them. Histograms as Prometheus has them: `_sum` and
 * `_count` in one event, each `_bucket` in one with its `le`, which `histperc` reads. A record's count is that of its values.
 */
export interface MetricEvents {
  /** Sends what changed since the last tick. Calls do not overlap: one that comes during another adds nothing. */
  tick(): Promise<void>
}

/** Series between two looks at the event loop. */
const STRIDE = 200
const BOUNDS = Array.from({ length: BUCKET_COUNT }, (_, bucket) => boundText(DURATION_BOUNDS[bucket], "text"))

export function makeMetricEvents(config: MetricEventsConfig, deps: MetricEventsDeps): MetricEvents {
  const { snapshot, clock, outbox } = deps
  const place = placeMembers(config.place)
  let scratch = Buffer.allocUnsafe(4096)
  let sent = 0
  let fullAtMs = -Infinity
  const put = (timeMs: number, count: number, members: string): void => {
    if (count === 0) return
    const text = `{"time":${hecTime(timeMs)}${place},"event":"metric","fields":{${members}}}`
    if (text.length * 3 > scratch.length) scratch = Buffer.allocUnsafe(text.length * 4)
    outbox.append("", timeMs, scratch.subarray(0, scratch.write(text)), count)
  }
  const putSeries = (family: Family, series: Series, timeMs: number): void => {
    const { name, type } = family.metric
    const dimensions = dimensionsOf(series, config.dimensions)
    const own = snapshot.values[series.slot] ?? Number.NaN
    if (type !== "histogram") {
      // What is no number, JSON cannot say.
      if (Number.isFinite(own)) put(timeMs, 1, measure(name, own) + dimensions)
      return
    }
    let below = 0
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
      below += snapshot.buckets[series.bucketAt + bucket] ?? 0
      put(timeMs, 1, `${measure(`${name}_bucket`, below)}${dimensions},"le":"${BOUNDS[bucket]}"`)
    }
    put(timeMs, 2, `${measure(`${name}_sum`, own)},${measure(`${name}_count`, below)}${dimensions}`)
  }
  /** False when series left meanwhile: their places may be others' now. */
  const putAll = async (since: number, timeMs: number): Promise<boolean> => {
    const before = removals(snapshot)
    let passed = 0
    for (const family of snapshot.families)
      for (const series of family.series.slice()) {
        if ((snapshot.changed[series.slot] ?? 0) <= since) continue
        if (++passed % STRIDE === 0) {
          await setImmediate()
          if (removals(snapshot) !== before) return false
        }
        putSeries(family, series, timeMs)
      }
    return true
  }
  const run = async (): Promise<void> => {
    const { generation: upTo, timeMs } = snapshot
    const full = clock.monotonic() - fullAtMs >= config.fullEveryMs
    if (upTo === 0 || (upTo === sent && !full)) return
    // After a half tick the next one begins again from here: values may come twice, none is missing.
    if (!(await putAll(full ? 0 : sent, timeMs))) return
    sent = upTo
    if (full) fullAtMs = clock.monotonic()
  }
  return { tick: oneAtATime(run) }
}

function measure(name: string, value: number): string {
  return `"metric_name:${name}":${value}`
}

/** Each with a comma before it. `source` is Splunk's own word for where an event comes from: who calls is the `caller` here. */
function dimensionsOf(series: Series, common: Readonly<Record<string, string>>): string {
  let text = ""
  for (const [label, value] of series.labels)
    text += `,"${label === "source" ? "caller" : label}":${JSON.stringify(value)}`
  for (const [name, value] of Object.entries(common))
    if (!series.labels.some(([label]) => label === name))
      text += `,${JSON.stringify(name)}:${JSON.stringify(value)}`
  return text
}
