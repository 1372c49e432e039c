import type { Flow } from "./flow.ts"
import { dollars, type PriceKey, type PriceTable } from "./prices.ts"

/** A month of AWS's: 365 days in twelve parts, in seconds. */
const MONTH_SECONDS = 730 * 3600
/** A GB of the bill. Whether AWS means 2^30 was not found; 10^9 is the dearer reading. */
const GB = 1e9

/** One thing that is paid for. `usd` is undefined where no price is known. */
export interface CostPart {
  readonly price: PriceKey
  /** In the price's unit. */
  readonly quantity: number
  readonly usd: number | undefined
}

/** One way to send, in a month of what flows now. */
export interface CostWay {
  readonly key: string
  readonly name: string
  /** Classic metrics, or OTLP series; undefined where nothing of the kind is sent. */
  readonly metrics: number | undefined
  readonly bytesMonth: number
  readonly parts: readonly CostPart[]
  /** Undefined where a part has no known price. */
  readonly usdMonth: number | undefined
}

export interface Estimate {
  readonly region: string
  /** Of the oldest price that was used. */
  readonly asOf: string
  readonly ways: readonly CostWay[]
}

/** What a month costs each way if all goes on as it flows now. Free tiers are not taken off. Pure. */
export function estimate(flow: Flow, table: PriceTable): Estimate {
  const part = (price: PriceKey, quantity: number): CostPart => ({
    price,
    quantity,
    usd: dollars(table.prices[price], quantity),
  })
  const { classic, otlp, lines, traces } = flow
  const documents = month(classic.bytesPerSecond)
  const points = month(otlp.bytesPerSecond)
  const logs = month(lines.perSecond * lines.bytesPerLine)
  const spans = month(traces.spansPerSecond * traces.bytesPerSpan)
  const metric = part("classicMetric", classic.metrics)
  const ways = [
    way(
      "emf",
      "Metrics: embedded metric format",
      classic.metrics,
      documents,
      metric,
      part("logsStandard", documents / GB),
    ),
    way(
      "put-metric-data",
      "Metrics: PutMetricData, to compare",
      classic.metrics,
      documents,
      metric,
      part("metricRequests", month(classic.requestsPerSecond) / 1000),
    ),
    way(
      "otlp-metrics",
      "Metrics: OTLP, the whole catalogue",
      otlp.series,
      points,
      part("otlpMetrics", points / GB),
    ),
    way("logs-standard", "Log lines: standard class", undefined, logs, part("logsStandard", logs / GB)),
    way(
      "logs-infrequent-access",
      "Log lines: infrequent access",
      undefined,
      logs,
      part("logsInfrequentAccess", logs / GB),
    ),
    way("xray", "Traces: X-Ray", undefined, spans, part("xrayTraces", month(traces.perSecond) / 1e6)),
    way("otlp-spans", "Traces: OTLP, Transaction Search", undefined, spans, part("spans", spans / GB)),
  ]
  const used = ways.flatMap(({ parts }) => parts.map(({ price }) => table.prices[price].asOf))
  return { region: table.region, asOf: used.toSorted()[0] ?? "", ways }
}

const month = (perSecond: number): number => perSecond * MONTH_SECONDS

function way(
  key: string,
  name: string,
  metrics: number | undefined,
  bytesMonth: number,
  ...parts: readonly CostPart[]
): CostWay {
  return { key, name, metrics, bytesMonth, parts, usdMonth: sumOf(parts) }
}

function sumOf(parts: readonly CostPart[]): number | undefined {
  let sum = 0
  for (const { usd } of parts) {
    if (usd === undefined) return undefined
    sum += usd
  }
  return sum
}

/** The estimate as one line of a log: classic metrics and what goes with them. */
export function costSentence({ region, asOf, ways }: Estimate): string {
  const texts = ways.map(
    ({ key, metrics, bytesMonth, usdMonth }) =>
      `${key} ${usdMonth === undefined ? "price not known" : `$${usdMonth.toFixed(2)}`} (${[
        ...(metrics === undefined ? [] : [`${metrics} metrics`]),
        `${(bytesMonth / GB).toFixed(2)} GB`,
      ].join(", ")})`,
  )
  return `A month of what flows now would cost, by list prices of ${region} as of ${asOf}, free tiers not taken off: ${texts.join("; ")}.`
}
