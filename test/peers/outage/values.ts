import * as z from "zod"
import type { FakeAws } from "../../fake/aws/fake-aws.ts"
import { readEmf, sumOf } from "../../fixtures/cloudwatch/emf-reader.ts"
import type { Prometheus } from "../../live/prometheus/server.ts"
import { type Counts, countsOf } from "../../live/rig/counts.ts"
import { pageCounts } from "../../live/rig/page-counts.ts"
import { writtenSeries } from "./contents.ts"
import type { Taken } from "./door.ts"
import { arrived } from "./judge.ts"

const OUTCOME = ["outcome"]
const REQUESTS = "mesh_requests_total"

/** Requests by outcome, as the input was. */
export const writtenRequests = (lines: number, errors: number): Counts => ({
  "outcome=ok": lines - errors,
  "outcome=error": errors,
})

export const requestsOfPage = (page: string): Counts => pageCounts(page, REQUESTS, OUTCOME)

/** What the documents of the embedded metric format say in sum, each document once. */
export function emfSums(taken: readonly Taken[]): Counts {
  const documents = [...arrived(taken)].filter((id) => id.startsWith('{"_aws"'))
  const metrics = documents.flatMap((text) => readEmf(Buffer.from(text)))
  return countsOf(
    metrics.flatMap((metric) => [
      [{ metric: metric.name }, sumOf(metric)] as const,
      [{ count: metric.name }, metric.samples.reduce((sum, [, count]) => sum + count, 0)] as const,
    ]),
    ["metric", "count"],
  )
}

/** The newest cumulative values by OTLP. */
export function otlpRequests({ otlp }: FakeAws): Counts {
  const newest = new Map<string, readonly [outcome: string, value: number]>()
  const attribute = z.union([
    z.string(),
    z.object({ stringValue: z.string() }).transform((one) => one.stringValue),
  ])
  for (const { metric, attributes, point } of otlp.points) {
    if (metric !== REQUESTS) continue
    const { value } = point
    const [number] = typeof value === "object" && value !== null ? Object.values(value) : []
    newest.set(JSON.stringify(attributes), [attribute.parse(attributes["outcome"]), Number(number)])
  }
  return countsOf(
    [...newest.values()].map(([outcome, value]) => [{ outcome }, value] as const),
    OUTCOME,
  )
}

const metricEvent = z.object({
  time: z.number(),
  event: z.literal("metric"),
  fields: z.looseObject({ [`metric_name:${REQUESTS}`]: z.number(), outcome: z.string() }),
})

/** The newest values of Splunk's index of metrics. They come in any order. */
export function splunkRequests(taken: readonly Taken[]): Counts {
  const newest = new Map<
    string,
    { readonly time: number; readonly outcome: string; readonly value: number }
  >()
  for (const id of arrived(taken)) {
    const read = id.startsWith("{") ? metricEvent.safeParse(JSON.parse(id)) : undefined
    if (read?.success !== true) continue
    const { [`metric_name:${REQUESTS}`]: value, ...labels } = read.data.fields
    const { time } = read.data
    const key = JSON.stringify(labels)
    if (time >= (newest.get(key)?.time ?? 0)) newest.set(key, { time, outcome: labels.outcome, value })
  }
  return countsOf(
    [...newest.values()].map(({ outcome, value }) => [{ outcome }, value] as const),
    OUTCOME,
  )
}

/** What Prometheus shows as the rise of requests over all of the test, by outcome. */
export async function prometheusRise(prometheus: Prometheus): Promise<Counts> {
  const all = await prometheus.samples(REQUESTS)
  const times = all.flatMap(({ samples }) => samples.map(([time]) => time))
  const [first, last] = [Math.min(...times), Math.max(...times)]
  // With both ends, and no room in which anything could be made up.
  const range = `${Math.round((last - first) * 1000) + 1}ms`
  const rise = await prometheus.query(`sum by (outcome) (increase(${REQUESTS}[${range}]))`, last)
  return countsOf(
    rise.map(({ metric, samples }) => [metric, Math.round(samples[0]?.[1] ?? 0)] as const),
    OUTCOME,
  )
}

/** Samples that came twice, or behind a later one, in requests that are not the same as one before. */
export function disorder(taken: readonly Taken[]): readonly string[] {
  const last = new Map<string, number>()
  const wrong: string[] = []
  for (const id of arrived(taken)) {
    for (const { labels, samples } of writtenSeries(id)) {
      const key = labels.join(",")
      for (const [timeMs] of samples) {
        if (timeMs <= (last.get(key) ?? 0)) wrong.push(`${key} at ${timeMs} after ${last.get(key)}`)
        last.set(key, timeMs)
      }
    }
  }
  return wrong
}
