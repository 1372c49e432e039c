import { setImmediate } from "node:timers/promises"
import { DURATION_BOUNDS } from "#mesh/catalogue.ts"
import type { Clock } from "#mesh/clock.ts"
import { BUCKET_COUNT } from "#mesh/histogram.ts"
import type { Family, Series, Snapshot } from "#mesh/snapshot.ts"
import type { Outbox } from "../contract.ts"
import { boundText } from "../prometheus/text.ts"
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
 * from other sources"): one event for all values that share their dimensions. Values are cumulative: `rate(x)` of mstats
 * reads them. Histograms as Prometheus has them, `_bucket` by `le`, `_sum` and `_count`, which `histperc` reads. A record's
 * count is that of its values.
 */
export interface MetricEvents {
  /** Sends what changed since the last tick. Calls do not overlap: one that comes during another adds nothing. */
  tick(): Promise<void>
}

/** Series between two looks at the event loop. */
const STRIDE = 500
const BOUNDS = Array.from({ length: BUCKET_COUNT }, (_, bucket) => boundText(DURATION_BOUNDS[bucket], "text"))

export function makeMetricEvents(config: MetricEventsConfig, deps: MetricEventsDeps): MetricEvents {
  const { snapshot, clock, outbox } = deps
  const place = placeMembers(config.place)
  let sent = 0
  let fullAtMs = -Infinity
  let running: Promise<void> | undefined
  const run = async (): Promise<void> => {
    const { generation: upTo, timeMs } = snapshot
    const full = clock.monotonic() - fullAtMs >= config.fullEveryMs
    const since = full ? 0 : sent
    if (upTo === 0 || (upTo === sent && !full)) return
    const events = await collect(snapshot, since, config.dimensions)
    for (const { measures, dimensions, count } of events.values()) {
      const text = `{"time":${hecTime(timeMs)}${place},"event":"metric","fields":{${measures.join(",")}${dimensions}}}`
      outbox.append("", timeMs, Buffer.from(text), count)
    }
    sent = upTo
    if (full) fullAtMs = clock.monotonic()
  }
  return {
    tick() {
      running ??= run().finally(() => {
        running = undefined
      })
      return running
    },
  }
}

interface Measures {
  readonly measures: string[]
  /** Members of JSON, each with a comma before it. */
  readonly dimensions: string
  count: number
}

/** Values that changed after `since`, by their dimensions. Begins again when series leave meanwhile. */
async function collect(
  snapshot: Snapshot,
  since: number,
  common: Readonly<Record<string, string>>,
): Promise<ReadonlyMap<string, Measures>> {
  const removals = (): number => snapshot.families.reduce((sum, family) => sum + family.removals, 0)
  const before = removals()
  const events = new Map<string, Measures>()
  let passed = 0
  for (const family of snapshot.families)
    for (const series of family.series.slice()) {
      if (++passed % STRIDE === 0) {
        await setImmediate()
        if (removals() !== before) return collect(snapshot, since, common)
      }
      if ((snapshot.changed[series.slot] ?? 0) > since) addSeries(events, snapshot, family, series, common)
    }
  return events
}

function addSeries(
  events: Map<string, Measures>,
  snapshot: Snapshot,
  family: Family,
  series: Series,
  common: Readonly<Record<string, string>>,
): void {
  const { name, type } = family.metric
  const dimensions = dimensionsOf(series, common)
  const add = (measure: string, value: number, le = ""): void => {
    // What is no number, JSON cannot say.
    if (Number.isFinite(value)) addMeasure(events, dimensions + le, measure, value)
  }
  const own = snapshot.values[series.slot] ?? Number.NaN
  if (type !== "histogram") {
    add(name, own)
    return
  }
  let below = 0
  for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
    below += snapshot.buckets[series.bucketAt + bucket] ?? 0
    add(`${name}_bucket`, below, `,"le":"${BOUNDS[bucket]}"`)
  }
  add(`${name}_sum`, own)
  add(`${name}_count`, below)
}

function addMeasure(events: Map<string, Measures>, dimensions: string, measure: string, value: number): void {
  const event = events.get(dimensions) ?? { measures: [], dimensions, count: 0 }
  events.set(dimensions, event)
  event.measures.push(`${JSON.stringify(`metric_name:${measure}`)}:${value}`)
  event.count++
}

/** `source` is Splunk's own word for where an event comes from: who calls is the `caller` here. */
function dimensionsOf(series: Series, common: Readonly<Record<string, string>>): string {
  const labels = Object.fromEntries(
    series.labels.map(([name, value]) => [name === "source" ? "caller" : name, value]),
  )
  const all = Object.entries({ ...common, ...labels })
  return all.map(([name, value]) => `,${JSON.stringify(name)}:${JSON.stringify(value)}`).join("")
}
