import { samplesOf } from "../../../demo/exposition.ts"
import { bucketOf } from "../../../mesh/histogram.ts"
import type { FakeAws } from "../../fake/aws/fake-aws.ts"
import { countsOf, type Labels } from "../rig/counts.ts"
import { seriesKey } from "./page.ts"

/** Classic metrics of CloudWatch against the ledger, and against lines. */

/** What one reporter's requests are told by. */
export interface ClassicSet {
  readonly reporter: string
  readonly dimensions: readonly string[]
}

/** Those that are told without settings (docs/cloudwatch-metrics.md). */
export const DEFAULT_SETS: readonly ClassicSet[] = [
  { reporter: "source", dimensions: ["mesh", "virtual_service", "route"] },
  { reporter: "destination", dimensions: ["mesh", "virtual_node"] },
  { reporter: "gateway", dimensions: ["mesh", "virtual_gateway", "gateway_route"] },
]

/** Envoy tells whole milliseconds. Where a bucket holds nothing but 0 ms, half a microsecond is told for each. */
const wholeMs = (seconds: number): number => Math.round(seconds * 1000) / 1000
const told = (sums: Iterable<readonly [string, number]>): Readonly<Record<string, number>> =>
  Object.fromEntries(
    [...sums].map(([key, sum]) => [key, wholeMs(sum)] as const).filter(([, sum]) => sum !== 0),
  )

/** Sums of every metric as the fake has them. Of a duration: how many, and their sum in seconds. What is 0 is left out. */
export function toldByEmf({ metrics }: FakeAws): Readonly<Record<string, number>> {
  const sums = new Map<string, number>()
  for (const { namespace, name, dimensions } of metrics.series) {
    const { count = 0, sum = 0 } = metrics.statistics({ namespace, name, dimensions }) ?? {}
    if (name === "duration") sums.set(seriesKey("duration_count", dimensions), count)
    sums.set(seriesKey(name, dimensions), sum)
  }
  return told(sums)
}

/**
 * The same from the agent's page for Prometheus.
 * @param place where a choice of dimensions is told; absent: under its own names
 */
export function ledgerByEmf(
  page: string,
  sets: readonly ClassicSet[],
  place: (dimensions: Labels) => Labels = (dimensions) => dimensions,
): Readonly<Record<string, number>> {
  const sums = new Map<string, number>()
  const add = (metric: string, from: string, wanted: Labels, set: ClassicSet): void => {
    for (const { labels, count } of samplesOf(page, from)) {
      const where = { ...wanted, reporter: set.reporter }
      if (!Object.entries(where).every(([name, value]) => labels[name] === value)) continue
      const key = seriesKey(metric, place(dimensionsOf(labels, set)))
      sums.set(key, (sums.get(key) ?? 0) + count)
    }
  }
  for (const set of sets) {
    add("requests", "mesh_requests_total", {}, set)
    add("errors", "mesh_requests_total", { outcome: "error" }, set)
    add("duration_count", "mesh_request_duration_seconds_count", {}, set)
    add("duration", "mesh_request_duration_seconds_sum", {}, set)
  }
  return told(sums)
}

/** A label that a series does not have is `(none)`. */
export const dimensionsOf = (labels: Labels, { dimensions }: ClassicSet): Labels =>
  Object.fromEntries(
    dimensions.map((name) => [name, (labels[name] ?? "") === "" ? "(none)" : (labels[name] ?? "")]),
  )

/** How many buckets lie between a percentile that was told and the true one. */
export function bucketsApart(percentile: number, durations: readonly number[], percent: number): number {
  const sorted = durations.toSorted((one, other) => one - other)
  const rank = Math.max(1, Math.ceil((sorted.length * percent) / 100))
  return Math.abs(bucketOf(percentile) - bucketOf(sorted[rank - 1] ?? Number.NaN))
}

/** Names of the biggest groups of a set by requests, and how many groups there are. */
export function biggest(
  page: string,
  set: ClassicSet,
  most: number,
): { readonly keys: ReadonlySet<string>; readonly groups: number } {
  const requests = countsOf(
    samplesOf(page, "mesh_requests_total")
      .filter(({ labels }) => labels["reporter"] === set.reporter)
      .map(({ labels, count }) => [dimensionsOf(labels, set), count] as const),
    set.dimensions,
  )
  const ranked = Object.entries(requests).toSorted(([, one], [, other]) => other - one)
  return { keys: new Set(ranked.slice(0, most).map(([key]) => key)), groups: ranked.length }
}
