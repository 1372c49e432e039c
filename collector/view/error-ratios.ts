import { METRICS, ROUTE_KEY } from "#mesh/catalogue.ts"
import type { RangeAnswer, SeriesStore } from "../store/series-store.ts"
import { keyOf, named } from "./fact.ts"
import { routeId } from "./route-id.ts"
import { timeText } from "./time-text.ts"

const BY = ["mesh", "flavor", ...ROUTE_KEY, "outcome"] as const
const OUTCOME = BY.indexOf("outcome")

/** Error ratio of one route per step: null where it had no traffic. */
export interface ErrorRatios {
  readonly id: string
  readonly mesh: string
  readonly virtualService: string
  readonly route: string
  readonly points: readonly (number | null)[]
}

export interface ErrorRatiosAnswer {
  readonly startAt: string
  readonly stepSeconds: number
  readonly routes: readonly ErrorRatios[]
}

/** Error ratios of all routes as callers saw them. */
export async function errorRatios(
  store: SeriesStore,
  mesh: string | null,
  windowMs: number,
  stepMs: number,
): Promise<ErrorRatiosAnswer> {
  const toMs = store.endMs
  const match = { reporter: "source", ...(mesh === null ? {} : { mesh }) }
  const answer = await store.query({
    metric: METRICS.requests,
    match,
    by: BY,
    fromMs: toMs - windowMs,
    toMs,
    stepMs,
  })
  return {
    startAt: timeText(answer.fromMs),
    stepSeconds: answer.stepMs / 1000,
    routes: [...byRoute(answer)].map(([id, sums]) =>
      Object.assign({ id, points: pointsOf(sums) }, sums.names),
    ),
  }
}

interface Sums {
  readonly names: Omit<ErrorRatios, "id" | "points">
  readonly errors: Float64Array
  readonly judged: Float64Array
}

function byRoute(answer: RangeAnswer): Map<string, Sums> {
  const routes = new Map<string, Sums>()
  const ids = new Map<string, string>()
  for (const group of answer.groups) {
    const outcome = group.labels[OUTCOME]
    if (outcome === "aborted") continue
    const sums = sumsOf(routes, ids, group.labels, answer.steps)
    const { values } = group
    const { judged, errors } = sums
    for (let step = 0; step < values.length; step++) judged[step] = (judged[step] ?? 0) + (values[step] ?? 0)
    if (outcome !== "error") continue
    for (let step = 0; step < values.length; step++) errors[step] = (errors[step] ?? 0) + (values[step] ?? 0)
  }
  return routes
}

/** A gateway as the caller is no part of the route: its first two key labels are left out. */
function sumsOf(
  routes: Map<string, Sums>,
  ids: Map<string, string>,
  labels: readonly string[],
  steps: number,
): Sums {
  const text = [labels[0], labels[1], ...labels.slice(4, OUTCOME)].join("\u0000")
  const id = ids.get(text) ?? idOf(labels)
  ids.set(text, id)
  const known = routes.get(id)
  if (known !== undefined) return known
  const made: Sums = {
    names: { mesh: labels[0] ?? "", virtualService: labels[4] ?? "", route: labels[6] ?? "" },
    errors: new Float64Array(steps),
    judged: new Float64Array(steps),
  }
  routes.set(id, made)
  return made
}

function idOf(labels: readonly string[]): string {
  const key = keyOf(named(BY, { labels, values: new Float64Array(), lastMs: 0 }))
  return routeId({ ...key, virtualGateway: "", gatewayRoute: "" }, "source")
}

/** Six digits: shorter to send, and one error in a million requests still shows. */
function pointsOf({ errors, judged }: Sums): (number | null)[] {
  const points: (number | null)[] = Array.from({ length: judged.length }, () => null)
  for (let step = 0; step < judged.length; step++) {
    const all = judged[step] ?? 0
    if (all > 0) points[step] = Math.round(((errors[step] ?? 0) / all) * 1e6) / 1e6
  }
  return points
}
