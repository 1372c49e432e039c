import { samplesOf } from "../../../demo/exposition.ts"
import type { FakeAws } from "../../fake/aws/fake-aws.ts"
import type { Labels } from "../rig/counts.ts"

/** What an agent's page for Prometheus says of its own outputs. */

/** Of the mesh of these tests, by the default template. */
export const ACCESS_GROUP = "/meshscope/yelb/access"

/** The one sample of a metric with these labels; 0 where there is none. */
export function sample(page: string, metric: string, labels: Labels = {}): number {
  return samplesOf(page, metric)
    .filter((one) => Object.entries(labels).every(([name, value]) => one.labels[name] === value))
    .reduce((sum, { count }) => sum + count, 0)
}

/** What became of the records of one sink. */
export interface Exported {
  readonly accepted: number
  readonly rejected: number
  readonly dropped: number
  readonly waiting: number
}

export function exportedBy(page: string, sink: string): Exported {
  const records = (result: string): number =>
    sample(page, "mesh_agent_export_records_total", { sink, result })
  return {
    accepted: records("accepted"),
    rejected: records("rejected"),
    dropped: records("dropped"),
    waiting: sample(page, "mesh_agent_queue_records", { sink }),
  }
}

/** How many records of each sink the fake of AWS holds now. */
export const heldBy = ({ logs, metrics, otlp, xray }: FakeAws): Readonly<Record<string, number>> => ({
  cloudwatchLogs: logs.events(ACCESS_GROUP).length,
  cloudwatchMetrics: metrics.series.reduce((sum, { points }) => sum + points.length, 0),
  cloudwatchOtlp: otlp.points.length,
  xray: xray.documents.length,
})

/** All went out, and nothing was given up. */
export const allOf = (accepted: number): Exported => ({ accepted, rejected: 0, dropped: 0, waiting: 0 })

/** Counters and histograms of the mesh by `name{label=value,…}`; the agent's own are not of the mesh. */
export function ledgerOf(page: string): ReadonlyMap<string, number> {
  const ledger = new Map<string, number>()
  for (const [, name = "", type] of page.matchAll(/^# TYPE (mesh_(?!agent_)\w+) (counter|histogram)$/gm)) {
    const parts = type === "counter" ? [""] : ["_bucket", "_sum", "_count"]
    for (const part of parts)
      for (const { labels, count } of samplesOf(page, name + part))
        ledger.set(seriesKey(name + part, labels), count)
  }
  return ledger
}

export function seriesKey(name: string, labels: Labels): string {
  const pairs = Object.entries(labels).toSorted(([one], [other]) => (one < other ? -1 : 1))
  return `${name}{${pairs.map(([label, value]) => `${label}=${value}`).join(",")}}`
}
