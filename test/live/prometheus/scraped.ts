import { expect } from "vitest"
import { type Counts, countsOf } from "../rig/counts.ts"
import { REQUEST_NAMES } from "../rig/truth-counts.ts"
import type { Prometheus } from "./server.ts"

/** Waits until it scrapes, which begins seconds after it is ready: what comes before, nobody could see. */
export async function scraping(prometheus: Prometheus): Promise<void> {
  await expect
    .poll(async () => (await prometheus.query("up")).length, { timeout: 20_000, interval: 200 })
    .toBe(1)
}

/** Waits until it holds just these requests, by `REQUEST_NAMES`. */
export async function seen(prometheus: Prometheus, wanted: Counts): Promise<void> {
  await expect
    .poll(() => counts(prometheus, "mesh_requests_total"), { timeout: 20_000, interval: 500 })
    .toEqual(wanted)
}

/** An instant query's values by the named labels, without zeros. */
export async function counts(
  prometheus: Prometheus,
  query: string,
  names: readonly string[] = REQUEST_NAMES,
): Promise<Counts> {
  const answer = await prometheus.query(query)
  return countsOf(
    answer.map(({ metric, samples }) => [metric, samples.at(-1)?.[1] ?? 0] as const),
    names,
  )
}

/** Times of the first scrape and of the last one up to `at`, seconds. */
export async function scrapesUpTo(prometheus: Prometheus, at: number): Promise<readonly [number, number]> {
  const [up] = await prometheus.samples("up")
  const times = (up?.samples ?? []).map(([time]) => time).filter((time) => time <= at)
  return [times[0] ?? 0, times.at(-1) ?? 0]
}

/** A range that reaches from one scrape to another, with both: since version 3 its beginning is not part of it. */
export const spanMs = (from: number, to: number): number => Math.round((to - from) * 1000) + 1
