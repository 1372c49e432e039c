/** What AWS charges for. */
export const PRICE_KEYS = [
  "classicMetric",
  "metricRequests",
  "logsStandard",
  "logsInfrequentAccess",
  "otlpMetrics",
  "xrayTraces",
  "spans",
] as const
export type PriceKey = (typeof PRICE_KEYS)[number]

/** A step of a price: what is up to `upTo` units a month costs `usd` each; without `upTo`, all the rest. */
export interface Tier {
  readonly upTo?: number | undefined
  readonly usd: number
}

/** One price, with where and when it was read. */
export interface Price {
  readonly unit: string
  /** Ascending. Undefined where no price is known: then no sum is told. */
  readonly tiers: readonly Tier[] | undefined
  /** Year, month and day, or year and month, from which it is known. */
  readonly asOf: string
  readonly source: string
  /** What AWS gives each account for nothing, per month; not taken off, since others of the account use it too. */
  readonly free?: string
}

export interface PriceTable {
  readonly region: string
  readonly prices: Readonly<Record<PriceKey, Price>>
}

const PRICE_LIST =
  "AWS Price List API, AmazonCloudWatch, US East (N. Virginia), in force 2025-09-01, read 2025-10-28; https://aws.amazon.com/cloudwatch/pricing/"
const OTLP_PAGE = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/metrics-otel-pricing.html"

/**
 * List prices in US dollars, as far as a public source could be read. A price that was not found is left open rather than
 * guessed: the user's own table (`--prices`, `prices:`) fills it.
 */
export const LIST_PRICES: PriceTable = {
  region: "us-east-1",
  prices: {
    // "All custom metrics charges are prorated by the hour and metered only when you send metrics to CloudWatch"
    // (https://aws.amazon.com/cloudwatch/pricing/). Whether parts of an hour count whole was not found; we count them so.
    classicMetric: {
      unit: "metric and month",
      tiers: [
        { upTo: 10_000, usd: 0.3 },
        { upTo: 250_000, usd: 0.1 },
        { upTo: 1_000_000, usd: 0.05 },
        { usd: 0.02 },
      ],
      asOf: "2025-10-28",
      source: PRICE_LIST,
      free: "10 metrics",
    },
    metricRequests: {
      unit: "1,000 requests",
      tiers: [{ usd: 0.01 }],
      asOf: "2025-10-28",
      source: PRICE_LIST,
      free: "1,000,000 requests",
    },
    logsStandard: {
      unit: "GB taken in",
      tiers: [{ usd: 0.5 }],
      asOf: "2025-10-28",
      source: PRICE_LIST,
      free: "5 GB",
    },
    logsInfrequentAccess: {
      unit: "GB taken in",
      tiers: [{ usd: 0.25 }],
      asOf: "2025-10-28",
      source: PRICE_LIST,
    },
    // Billed per GB of serialized points, without a charge per metric (the page); how much a GB costs is not on it.
    otlpMetrics: { unit: "GB taken in", tiers: undefined, asOf: "2026", source: OTLP_PAGE },
    xrayTraces: {
      unit: "1,000,000 traces recorded",
      tiers: [{ usd: 5 }],
      asOf: "2026",
      source: "https://aws.amazon.com/xray/pricing/",
      free: "100,000 traces",
    },
    // Spans to the OTLP endpoint need Transaction Search, which bills by CloudWatch's prices; which of them was not found.
    spans: {
      unit: "GB taken in",
      tiers: undefined,
      asOf: "2026",
      source:
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-Transaction-Search.html",
    },
  },
}

/** What a quantity costs; undefined where no price is known. */
export function dollars({ tiers }: Price, quantity: number): number | undefined {
  if (tiers === undefined) return undefined
  let usd = 0
  let below = 0
  for (const { upTo = Number.POSITIVE_INFINITY, usd: each } of tiers) {
    if (quantity <= below) break
    usd += (Math.min(quantity, upTo) - below) * each
    below = upTo
  }
  return usd
}

/** The most whole units that a sum pays for; undefined where no price is known, or nothing limits it. */
export function unitsFor({ tiers }: Price, usd: number): number | undefined {
  let left = usd
  let below = 0
  for (const { upTo = Number.POSITIVE_INFINITY, usd: each } of tiers ?? []) {
    const whole = (upTo - below) * each
    // A sum of cents is no exact sum of fractions: a millionth of a unit is given.
    if (each > 0 && whole > left) return Math.floor(below + left / each + 1e-6)
    left -= whole
    below = upTo
  }
  return undefined
}

/** The cap on metrics: as many as allowed, or as few as a month's dollars pay for. */
export function metricCap(
  maxMetrics: number,
  maxDollarsMonth: number | undefined,
  table: PriceTable,
): number {
  const paid =
    maxDollarsMonth === undefined ? undefined : unitsFor(table.prices.classicMetric, maxDollarsMonth)
  return Math.min(maxMetrics, paid ?? maxMetrics)
}
