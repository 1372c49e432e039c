import type { Clock } from "#mesh/clock.ts"
import type { ScrapeResult } from "./admin-pages.ts"
import { OWN_REASONS } from "./outputs/trouble.ts"
import type { Pipeline } from "./pipeline.ts"
import type { DeliveryCounters } from "./publish/delivery/delivery.ts"
import type { Telemetry } from "./telemetry/telemetry.ts"

/** Drops that the tailer counts, as reasons of `mesh_agent_dropped_total`. */
const TAIL_DROPS = [
  "line_too_long",
  "unfinished",
  "lost_rotations",
  "refused",
  "errors",
  "consumer_errors",
] as const

/** Tells how a proxy is seen: `up` answers its stats, `waiting` has not been asked to the end yet. */
function stateOf(proxy: {
  readonly identity: unknown
  readonly problems: ReadonlyMap<string, unknown>
}): "up" | "down" | "unmapped" | "waiting" {
  if (proxy.problems.has("stats")) return "down"
  return proxy.identity === undefined ? (proxy.problems.size > 0 ? "unmapped" : "waiting") : "up"
}

/** Lets the agent's own metrics read the numbers that the line keeps anyway. */
export function observePipeline(
  telemetry: Telemetry,
  pipeline: Pipeline,
  limits: { readonly series: number },
): void {
  const { ledger, tail, lines } = pipeline
  telemetry.observe("targets", (tell) => {
    const counts = { up: 0, down: 0, unmapped: 0, waiting: 0 }
    for (const proxy of pipeline.proxies) counts[stateOf(proxy)] += 1
    for (const [state, count] of Object.entries(counts)) tell(count, { state })
  })
  telemetry.observe("files", (tell) => tell(tail.counters.files_followed, {}))
  telemetry.observe("logBytes", (tell) => tell(tail.counters.bytes, {}))
  telemetry.observe("lines", (tell) => {
    const { access, proxy, other, outlier, intermediate } = lines.counters
    tell(access, { kind: "access" })
    tell(intermediate, { kind: "intermediate" })
    tell(proxy, { kind: "proxy" })
    tell(outlier, { kind: "outlier" })
    tell(other, { kind: "other" })
  })
  telemetry.observe("accounted", (tell) => {
    let requests = 0
    let connections = 0
    let checks = 0
    for (const tally of pipeline.tallies) {
      requests += tally.gateway + tally.source + tally.destination - tally.healthChecks
      connections += tally.tcpConnections
      checks += tally.healthChecks
    }
    tell(requests, { kind: "request" })
    tell(connections, { kind: "tcp" })
    tell(checks, { kind: "health_check" })
  })
  telemetry.observe("dropped", (tell) => {
    for (const reason of TAIL_DROPS) tell(tail.counters[reason], { stage: "tail", reason })
    for (const [reason, count] of Object.entries(lines.drops())) tell(count, { stage: "decode", reason })
    tell(lines.counters.malformed, { stage: "decode", reason: "malformed" })
    tell(lines.counters.uncounted, { stage: "account", reason: "counted_by_stats" })
    tell(lines.counters.repeated, { stage: "account", reason: "counted_by_stream" })
  })
  telemetry.observe("doubts", (tell) => {
    for (const [reason, count] of pipeline.doubts) tell(count, { reason })
  })
  telemetry.observe("series", (tell) => tell(ledger.counters.series, {}))
  telemetry.observe("seriesLimit", (tell) => tell(limits.series, {}))
  telemetry.observe("overflow", (tell) => tell(ledger.counters.overflowed, {}))
  telemetry.observe("badAmounts", (tell) => tell(ledger.counters.badAmounts, {}))
  telemetry.observe("commits", (tell) => {
    tell(ledger.counters.commits, { result: "ok" })
    tell(ledger.counters.commitFailures, { result: "failed" })
  })
  telemetry.observe("commitTime", (tell) => tell(ledger.counters.commitMs / 1000, {}))
  telemetry.observe("commitLast", (tell) => tell(ledger.counters.lastCommitMs / 1000, {}))
  telemetry.observe("frozen", (tell) => tell(ledger.frozen === undefined ? 0 : 1, {}))
}

/** What one sink delivered, dropped and holds. */
export function observeOutput(
  telemetry: Telemetry,
  sink: string,
  clock: Clock,
  counters: () => DeliveryCounters,
  limitBytes: number,
): void {
  telemetry.observe("exportRecords", (tell) => {
    const { delivered, dropped } = counters()
    const ours = { rejected: 0, dropped: 0 }
    for (const [reason, count] of dropped) ours[OWN_REASONS.has(reason) ? "dropped" : "rejected"] += count
    tell(delivered, { sink, result: "accepted" })
    tell(ours.rejected, { sink, result: "rejected" })
    tell(ours.dropped, { sink, result: "dropped" })
  })
  telemetry.observe("exportDropped", (tell) => {
    for (const [reason, count] of counters().dropped) tell(count, { sink, reason })
  })
  telemetry.observe("exports", (tell) => {
    for (const [result, count] of Object.entries(counters().requests)) tell(count, { sink, result })
  })
  telemetry.observe("exportRetries", (tell) => tell(counters().retries, { sink }))
  telemetry.observe("queueRecords", (tell) => tell(counters().held, { sink }))
  telemetry.observe("queueBytes", (tell) => tell(counters().heldBytes, { sink }))
  telemetry.observe("queueAge", (tell) => {
    const { oldestMs } = counters()
    tell(oldestMs === undefined ? 0 : Math.max(0, clock.now() - oldestMs) / 1000, { sink })
  })
  telemetry.observe("queueLimit", (tell) => tell(limitBytes, { sink }))
}

/** Counts admin pages as they are read. */
export function scrapeCounts(
  telemetry: Telemetry,
): (page: string, result: ScrapeResult, seconds: number, bytes: number) => void {
  const scrapes = telemetry.counter("scrapes")
  const read = telemetry.counter("scrapeBytes")
  const durations = telemetry.distribution("scrapeDuration")
  return (page, result, seconds, bytes) => {
    scrapes.add(1, { page, result })
    read.add(bytes, { page })
    durations.observe(seconds, { page })
  }
}
