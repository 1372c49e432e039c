import { html } from "hono/html"
import type { RouteDetailView } from "../view/route-detail.ts"
import { chart, type TimeAxis } from "./chart.ts"
import { knownOnly } from "./known.ts"
import { peak } from "./pen.ts"
import { seenPart } from "./row.ts"
import { grouped, type Markup, percent } from "./words.ts"

function times100(values: readonly (number | null)[]): readonly (number | null)[] {
  return values.map((value) => (value === null ? null : value * 100))
}

/** Requests, errors and latency of the last hour on one time axis. */
export function charts(view: RouteDetailView): Markup {
  const { charts: data, row } = view
  const { dataFrom } = view.completeness
  const seen = seenPart(row)
  const known = (values: readonly (number | null)[]) => knownOnly(seen(values), data, dataFrom)
  const axis: TimeAxis = {
    startMs: Date.parse(data.startAt),
    stepMs: data.stepSeconds * 1000,
    points: data.requests.length,
    windowMs: view.windowSeconds * 1000,
    markMs: row.since === null ? undefined : Date.parse(row.since),
    knownFromMs: dataFrom === null ? Date.parse(view.generatedAt) : Date.parse(dataFrom),
  }
  return html`<section aria-label="Last 60 minutes"><div class="cols three">
${chart(
  {
    title: "Requests",
    unit: "per second",
    label: `Requests per second over 60 minutes, at most ${grouped(peak(data.requests), 1)}; errors at most ${grouped(peak(data.errors), 1)}`,
    least: 0.1,
    lines: [
      { name: "all", className: "a", values: known(data.requests) },
      { name: "errors", className: "f", area: "fa", values: known(data.errors) },
    ],
  },
  axis,
)}
${chart({ title: "Error ratio", unit: "%", label: `Error ratio over 60 minutes, at most ${grouped(peak(data.errorRatio) * 100, 1)} percent`, least: 10, limits: true, lines: [{ name: percent(data.errorRatio.at(-1) ?? null, 1) ?? "", className: "f", area: "fa", values: known(times100(data.errorRatio)) }] }, axis)}
${chart(
  {
    title: "Latency, what callers waited",
    unit: "ms",
    label: `Latency over 60 minutes; p99 at most ${grouped(peak(data.p99Ms))} milliseconds`,
    least: 10,
    lines: [
      { name: "p50", className: "p50", values: known(data.p50Ms) },
      { name: "p95", className: "p95", values: known(data.p95Ms) },
      { name: "p99", className: "p99", values: known(data.p99Ms) },
    ],
  },
  axis,
)}
</div></section>`
}
