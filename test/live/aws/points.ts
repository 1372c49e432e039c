import { DURATION_BOUNDS } from "../../../mesh/catalogue.ts"
import type { FakeAws } from "../../fake/aws/fake-aws.ts"
import type { OtlpPoint } from "../../fake/aws/otlp/store.ts"
import { text } from "./lines.ts"
import { seriesKey } from "./page.ts"

/** The newest cumulative values that the OTLP endpoint was told, in the shape of `ledgerOf`. */
export function toldByOtlp({ otlp }: FakeAws): ReadonlyMap<string, number> {
  const told = new Map<string, number>()
  for (const point of otlp.points) {
    if (point.type === "gauge") continue
    for (const [key, value] of valuesOf(point)) told.set(key, value)
  }
  return told
}

function valuesOf(point: OtlpPoint): readonly (readonly [string, number])[] {
  const { metric, type, temporality, attributes } = point
  if (temporality !== 2) throw new Error(`${metric} is not cumulative`)
  const labels = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, text(value)]))
  if (type === "sum") return [[seriesKey(metric, labels), numberOf(point)]]
  if (type !== "histogram") throw new Error(`${metric} is a ${type}`)
  const { bucketCounts, sum, count } = point.point
  if (!Array.isArray(bucketCounts)) throw new Error(`${metric} has no buckets`)
  let below = 0
  const buckets = bucketCounts.map((inBucket, at) => {
    below += Number(inBucket)
    return [seriesKey(`${metric}_bucket`, { ...labels, le: boundText(at) }), below] as const
  })
  return [
    ...buckets,
    [seriesKey(`${metric}_sum`, labels), Number(sum)],
    [seriesKey(`${metric}_count`, labels), Number(count)],
  ]
}

const boundText = (at: number): string => String(DURATION_BOUNDS[at] ?? "+Inf")

/** A number point's value, whole or not. */
function numberOf({ metric, point }: OtlpPoint): number {
  const { value } = point
  const [number] = typeof value === "object" && value !== null ? Object.values(value) : []
  if (number === undefined) throw new Error(`${metric} has a point without a number`)
  return Number(number)
}
