import type { Estimate } from "#mesh/cost/estimate.ts"
import { type Flow, NAMES_BYTES, SPAN_BYTES } from "#mesh/cost/flow.ts"
import type { PriceTable } from "#mesh/cost/prices.ts"
import { plainText } from "#mesh/plain-text.ts"
import { ageText, perSecond } from "./number-text.ts"
import { type Column, textTable } from "./text-table.ts"
import { wrappedText } from "./wrapped-text.ts"

/** What was found, and what it costs. */
export interface CostAnswer {
  /** How long was looked. */
  readonly seconds: number
  readonly flow: Flow
  readonly estimate: Estimate
  readonly prices: PriceTable
}

const COLUMNS: readonly Column[] = [
  { title: "WAY", align: "left" },
  { title: "METRICS", align: "right" },
  { title: "GB/MONTH", align: "right" },
  { title: "US$/MONTH", align: "right" },
  { title: "OF WHICH", align: "left", below: "of which" },
]

/** The ways as a table, then what they rest on. `width`: of the terminal. */
export function costText(answer: CostAnswer, width?: number): string {
  const { estimate } = answer
  const rows = estimate.ways.map(({ name, metrics, bytesMonth, usdMonth, parts }) => [
    { text: name },
    { text: metrics === undefined ? "" : String(metrics) },
    { text: gigabytes(bytesMonth) },
    { text: usdMonth === undefined ? "not known" : money(usdMonth) },
    {
      text:
        parts.length < 2
          ? ""
          : parts
              .map(({ price, usd }) => `${WORDS[price]} ${usd === undefined ? "?" : money(usd)}`)
              .join(", "),
    },
  ])
  return `${textTable(COLUMNS, rows, width)}\n${notes(answer)
    .map((note) => `${wrappedText(plainText(note), width)}\n`)
    .join("")}`
}

const WORDS: Readonly<Record<string, string>> = {
  classicMetric: "metrics",
  metricRequests: "requests",
  logsStandard: "log data",
}

const UNKNOWN_WORDS: Readonly<Record<string, string>> = {
  otlpMetrics: "the price per GB of OTLP metrics",
  spans: "the price per GB of spans",
}

function notes({ seconds, flow, estimate, prices }: CostAnswer): string[] {
  const { classic, otlp, lines, traces } = flow
  const unknown = Object.entries(prices.prices).filter(([, { tiers }]) => tiers === undefined)
  const still = classic.metrics === 0 && lines.perSecond === 0
  return [
    ...(still
      ? [
          `Nothing moved in ${ageText(seconds)}, so this is what silence costs. Look while there is traffic, or longer with --for.`,
        ]
      : []),
    `Seen in ${ageText(seconds)}: ${classic.metrics} metrics moved and ${classic.idle} did not, ${otlp.series} series, ${perSecond(lines.perSecond)} lines/s.`,
    `${perSecond(traces.perSecond)} traces/s: ${share(traces.sampling)} of the requests, ${tracedWords(traces.measured)}`,
    ...(classic.cap === undefined ? [] : [`The cap allows ${classic.cap} metrics.`]),
    `Prices: US dollars, ${estimate.region}, as of ${estimate.asOf}. A month has 730 hours, a GB 10^9 bytes. Free tiers are not taken off: others of the account use them too.`,
    `This is one agent. Metrics that several agents tell of the same route are billed once; their log data is billed for each.`,
    `A metric is billed for the hours in which it was sent: those that did not move cost nothing until they do.`,
    `Assumed, not measured: ${NAMES_BYTES} bytes of names in each line as sent, ${SPAN_BYTES} bytes a span.`,
    ...(unknown.length === 0
      ? []
      : [
          `Not known, so not told: ${unknown.map(([key]) => UNKNOWN_WORDS[key] ?? key).join(" and ")}. Name yours with --prices FILE. How it is billed:`,
          ...unknown.map(([, { source }]) => `  ${source}`),
        ]),
  ]
}

/** The same as JSON, with each price and its source. */
export function costJson({ seconds, flow, estimate, prices }: CostAnswer): string {
  // A sum that is not known is null, not absent.
  return JSON.stringify(
    { seconds, sampling: flow.traces.sampling, flow, ...estimate, prices: prices.prices },
    (_, value: unknown) => (value === undefined ? null : value),
    2,
  )
}

const share = (sampling: number): string => `${(sampling * 100).toFixed(sampling < 0.01 ? 2 : 0)} %`

const tracedWords = (measured: boolean): string =>
  measured
    ? "by the spans that come to this agent."
    : "assumed, since no spans come to this agent; --sampling says otherwise."

const money = (usd: number): string => (usd > 0 && usd < 0.005 ? "<0.01" : usd.toFixed(2))

function gigabytes(bytes: number): string {
  const size = bytes / 1e9
  return size > 0 && size < 0.005 ? "<0.01" : size.toFixed(2)
}
