import * as z from "zod"
import { LIST_PRICES, PRICE_KEYS, type PriceTable } from "./prices.ts"

const EXPECTS = "expects US dollars, or steps such as [{upTo: 10000, usd: 0.3}, {usd: 0.1}]"

const steps = z
  .array(z.strictObject({ upTo: z.number().positive().optional(), usd: z.number().min(0) }))
  .min(1)
  .max(20)
  .refine(
    (tiers) =>
      tiers.every(({ upTo }, at) =>
        at === tiers.length - 1
          ? upTo === undefined
          : upTo !== undefined && upTo > (tiers[at - 1]?.upTo ?? 0),
      ),
    { error: "expects steps with rising upTo, the last without" },
  )

const price = z.union([z.number().min(0), steps], { error: EXPECTS })

/** Prices of the user's own, over the built-in table. */
export const pricesSchema = z
  .strictObject({
    region: z.string().min(1).max(100).describe("Region or contract that the prices are of."),
    asOf: z
      .string()
      .regex(/^\d{4}(?:-\d{2}){0,2}$/, { error: "expects a date such as 2026-11-21" })
      .describe("When they were read."),
    prices: z
      .strictObject({
        classicMetric: price.optional().describe("US dollars per metric and month."),
        metricRequests: price.optional().describe("US dollars per 1,000 requests of PutMetricData."),
        logsStandard: price
          .optional()
          .describe("US dollars per GB taken in by a log group of the standard class."),
        logsInfrequentAccess: price.optional().describe("The same, of the infrequent access class."),
        otlpMetrics: price.optional().describe("US dollars per GB of OTLP metrics taken in."),
        xrayTraces: price.optional().describe("US dollars per 1,000,000 traces recorded."),
        spans: price.optional().describe("US dollars per GB of spans taken in."),
      })
      .describe("Each a number, or steps of a price that falls with the amount."),
  })
  .describe("Prices in place of the built-in ones. What is not named keeps the built-in price of us-east-1.")
export type OwnPrices = z.output<typeof pricesSchema>

/** The built-in table with prices of the user's own in it. */
export function priceTable(own: OwnPrices | undefined): PriceTable {
  if (own === undefined) return LIST_PRICES
  const prices = { ...LIST_PRICES.prices }
  for (const key of PRICE_KEYS) {
    const given = own.prices[key]
    if (given === undefined) continue
    const tiers = typeof given === "number" ? [{ usd: given }] : given
    prices[key] = { unit: prices[key].unit, tiers, asOf: own.asOf, source: "your prices" }
  }
  return { region: own.region, prices }
}
