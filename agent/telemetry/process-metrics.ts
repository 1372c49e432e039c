import { collectDefaultMetrics, type MetricObjectWithValues, type MetricValue, Registry } from "prom-client"
import type { OwnFamily, OwnPoint } from "./families.ts"

/**
 * ms between two looks at the event loop. Each look wakes the process, idle or not: at prom-client's own 10 ms they cost
 * 0.3 % of a core. A stall that is longer is always seen.
 */
const LOOK_MS = 100
/** What Node measured between two looks, a whole step of waiting included. */
const BETWEEN_LOOKS = /^nodejs_eventloop_lag_(?:min|max|mean|p\d+)_seconds$/

/** Gauges that end as only counters may, which `promtool` refuses; each is the sum of the one without `_total`. */
const MISNAMED = /^nodejs_active_\w+_total$/

/** CPU, memory, event loop and garbage collection of this process, as prom-client names them. */
export function makeProcessMetrics(): () => Promise<readonly OwnFamily[]> {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LOOK_MS })
  return async () => (await registry.getMetricsAsJSON()).flatMap(familyOf)
}

function familyOf(metric: MetricObjectWithValues<MetricValue<string>>): OwnFamily[] {
  const { name, help } = metric
  if (MISNAMED.test(name)) return []
  const type = String(metric.type)
  if (type === "histogram") return [{ name, help, unit: "", type, points: histograms(name, metric.values) }]
  if (type !== "counter" && type !== "gauge") return []
  const points = metric.values.map(({ labels, value }) => ({
    labels: texts(labels),
    value: BETWEEN_LOOKS.test(name) ? lateness(value) : value,
  }))
  return [{ name, help, unit: "", type, points }]
}

function lateness(betweenLooks: number): number {
  return Math.max(0, betweenLooks - LOOK_MS / 1000)
}

/** prom-client lists buckets, sum and count of a histogram as values of their own; buckets are cumulative. */
function histograms(name: string, values: readonly MetricValue<string>[]): OwnPoint[] {
  const found = new Map<
    string,
    { labels: Record<string, string>; sum: number; buckets: [number, number][] }
  >()
  for (const value of values) {
    const { le, ...labels } = texts(value.labels)
    const key = JSON.stringify(labels)
    const one = found.get(key) ?? { labels, sum: 0, buckets: [] }
    found.set(key, one)
    const metricName = "metricName" in value ? value.metricName : undefined
    if (metricName === `${name}_sum`) one.sum = value.value
    else if (le !== undefined) one.buckets.push([le === "+Inf" ? Infinity : Number(le), value.value])
  }
  return [...found.values()].map(({ labels, sum, buckets }) => {
    buckets.sort(([left], [right]) => left - right)
    const counts = buckets.map(([, total], index) => total - (buckets[index - 1]?.[1] ?? 0))
    return {
      labels,
      value: sum,
      histogram: { bounds: buckets.map(([le]) => le).filter(Number.isFinite), counts },
    }
  })
}

function texts(labels: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, String(value)]))
}
