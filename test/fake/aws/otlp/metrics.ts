import type { Call } from "../operation.ts"
import { type Answer, Refusal } from "../refusal.ts"
import type { OtlpPoint, OtlpStore } from "./store.ts"
import { attributesOf, type Codec, type Fields, fieldsOf, listOf, textOf } from "./wire.ts"

/** "The request has more than 1000 data points": fluent/fluent-bit issue 12247; answered with 400. */
const MAX_POINTS = 1000
/**
 * docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/metrics-otel-overview.md: up to 150 labels per data point. Whether
 * those of the resource count, and what happens to a point with more, is not documented: here all count, and the point is
 * left out as partial success.
 */
const MAX_LABELS = 150
const TYPES = ["gauge", "sum", "histogram", "exponentialHistogram", "summary"] as const

/** Limits of time are not documented for this endpoint, so there are none. @throws Refusal */
export function takeMetrics(store: OtlpStore, codec: Codec, call: Call): Answer {
  const points = pointsOf(codec.read(call).fields)
  if (points.length > MAX_POINTS)
    throw new Refusal(
      "ValidationException",
      `The request has ${points.length} data points, more than ${MAX_POINTS}.`,
    )
  const taken = points.filter(
    (point, index) => index >= (call.refuse?.first ?? 0) && labels(point) <= MAX_LABELS,
  )
  store.points.push(...taken)
  return codec.answer(call, points.length - taken.length, "Some data points were not taken.")
}

const labels = ({ resource, attributes }: OtlpPoint): number =>
  Object.keys(resource).length + Object.keys(attributes).length

function pointsOf(request: Fields): OtlpPoint[] {
  return listOf(request["resourceMetrics"]).flatMap(({ resource, scopeMetrics }) =>
    listOf(scopeMetrics).flatMap(({ scope, metrics }) =>
      listOf(metrics).flatMap((metric) =>
        metricPoints(metric, attributesOf(fieldsOf(resource)["attributes"]), textOf(fieldsOf(scope)["name"])),
      ),
    ),
  )
}

function metricPoints({ name, unit, data }: Fields, resource: Fields, scope: string): OtlpPoint[] {
  const held = fieldsOf(data)
  const type = TYPES.find((one) => held[one] !== undefined)
  if (type === undefined) return []
  const { dataPoints, aggregationTemporality } = fieldsOf(held[type])
  return listOf(dataPoints).map((point) => ({
    metric: textOf(name),
    unit: textOf(unit),
    type,
    temporality: Number(aggregationTemporality ?? 0),
    resource,
    scope,
    attributes: attributesOf(point["attributes"]),
    point,
  }))
}
