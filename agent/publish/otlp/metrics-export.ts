import { promisify } from "node:util"
import { gzip } from "node:zlib"
import type { Clock } from "#mesh/clock.ts"
import type { Family, Series, Snapshot } from "#mesh/snapshot.ts"
import type { QueueRecord } from "../contract.ts"
import { makeEndedSeries } from "../series/ended-series.ts"
import { oneAtATime } from "../series/one-at-a-time.ts"
import { type MetricsEncoderOptions, makeMetricsEncoder, type SeriesGroup } from "./metrics-encoder.ts"

const compress = promisify(gzip)

/** One request of a tick, encoded and compressed. `since`: it holds changes after this generation. */
export interface MetricsRequest extends QueueRecord {
  readonly since: number
}

export interface MetricsExportConfig extends MetricsEncoderOptions {
  /** Every series is sent so often, changed or not. Default 5 minutes. */
  readonly fullEveryMs?: number
  /** Most points of one request, where a receiver takes fewer than ours does. */
  readonly maxPoints?: number
}

export interface MetricsExportDeps {
  readonly snapshot: Snapshot
  readonly clock: Clock
  /** Where requests go, e.g. `MemoryQueue.offer`. */
  readonly offer: (request: MetricsRequest) => void
}

/**
 * Cuts each commit into requests: what changed since the last tick, and everything at the start and every few minutes.
 * Points are cumulative, so a later one says all that an earlier one said, but only for series that changed again: when
 * a request was pushed out of the queue, `resend` makes the next tick carry what it held.
 */
export interface MetricsExport {
  /** Offers what is new. Calls do not overlap: one that comes during another waits for that and adds nothing. */
  tick(): Promise<void>
  resend(request: MetricsRequest): void
}

/** Bounds of one request, uncompressed: encoding it holds the event loop for a few ms, and receivers take it. */
const MAX_POINTS = 4096
const MAX_BYTES = 3 * 1024 * 1024

export function makeMetricsExport(config: MetricsExportConfig, deps: MetricsExportDeps): MetricsExport {
  const { snapshot, clock } = deps
  const encoder = makeMetricsEncoder(config)
  const fullEveryMs = config.fullEveryMs ?? 300_000
  const maxPoints = config.maxPoints ?? MAX_POINTS
  let sent = 0
  let fullAtMs = -Infinity
  // Only the last value of a gauge could be taken for a present one.
  const gauges = makeEndedSeries(snapshot, ({ metric }) => metric.type === "gauge")
  const bytesOf = (family: Family, series: Series) => encoder.pointBytes(family, series)
  const offer = async (groups: readonly SeriesGroup[], since: number): Promise<void> => {
    const count = groups.reduce((sum, group) => sum + group.series.length, 0)
    const { timeMs } = snapshot
    const payload = await compress(encoder.encode(snapshot, groups), { level: 1 })
    deps.offer({ key: "", timeMs, count, payload, since })
  }
  const run = async (): Promise<void> => {
    const full = clock.monotonic() - fullAtMs >= fullEveryMs
    const since = full ? 0 : sent
    const upTo = snapshot.generation
    if (upTo === 0 || (upTo === since && !full)) return
    if (full) fullAtMs = clock.monotonic()
    sent = upTo
    const gone = gauges.since()
    gone.told()
    for (const { family, series } of gone.ended)
      for (let from = 0; from < series.length; from += maxPoints)
        await offer([{ family, series: series.slice(from, from + maxPoints), ended: true }], since)
    for (const groups of requestsOf(snapshot, { since, maxPoints, bytesOf })) {
      if (groups === undefined) {
        // Series left while we waited, and their places may be others' now: the next tick begins again from here.
        sent = Math.min(sent, since)
        if (full) fullAtMs = -Infinity
        return
      }
      await offer(groups, since)
    }
  }
  return {
    tick: oneAtATime(run),
    resend(request) {
      sent = Math.min(sent, request.since)
    },
  }
}

interface Cut {
  readonly since: number
  readonly maxPoints: number
  readonly bytesOf: (family: Family, series: Series) => number
}

/**
 * Series that changed after `since`, in groups for one request each. Made as they are asked for; undefined when a series
 * left meanwhile.
 */
function* requestsOf(
  snapshot: Snapshot,
  { since, maxPoints, bytesOf }: Cut,
): Generator<SeriesGroup[] | undefined> {
  let groups: SeriesGroup[] = []
  let points = 0
  let bytes = 0
  for (const family of snapshot.families) {
    let series: Series[] = []
    const removals = family.removals
    for (const one of family.series.slice()) {
      if ((snapshot.changed[one.slot] ?? 0) <= since) continue
      const size = bytesOf(family, one)
      if (points >= maxPoints || bytes + size > MAX_BYTES) {
        yield [...groups, { family, series }]
        if (family.removals !== removals) {
          yield undefined
          return
        }
        groups = []
        series = []
        points = 0
        bytes = 0
      }
      series.push(one)
      points++
      bytes += size
    }
    if (series.length > 0) groups.push({ family, series })
  }
  if (groups.length > 0) yield groups
}
