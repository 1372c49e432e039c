import { html } from "hono/html"
import { HEALTH_RULES } from "#mesh/health.ts"
import { grouped, type Markup } from "./words.ts"

const LEFT = 34
const RIGHT = 400
const TOP = 10
const BOTTOM = 144

/** One line of a chart; `area` fills down to the axis. */
export interface ChartLine {
  readonly name: string
  readonly className: string
  readonly area?: string
  readonly values: readonly (number | null)[]
}

export interface Chart {
  readonly title: string
  readonly unit: string
  /** A sentence for those who cannot see it. */
  readonly label: string
  readonly lines: readonly ChartLine[]
  /** Least value at the upper edge. */
  readonly least: number
  readonly limits?: boolean
}

/** The one time axis of all charts of a page. */
export interface TimeAxis {
  readonly startMs: number
  readonly stepMs: number
  readonly points: number
  readonly windowMs: number
  readonly markMs: number | undefined
}

/** A round number at or above `value`: 1, 2 or 5 times a power of ten. */
export function roundTop(value: number): number {
  if (value <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return ([1, 2, 5, 10].find((factor) => factor * power >= value * 0.999) ?? 10) * power
}

function x(axis: TimeAxis, ms: number): number {
  const whole = axis.stepMs * Math.max(1, axis.points - 1)
  return LEFT + ((RIGHT - LEFT) * Math.min(whole, Math.max(0, ms - axis.startMs))) / whole
}

function path(values: readonly (number | null)[], axis: TimeAxis, top: number): string {
  let pen = "M"
  return values
    .map((value, index) => {
      if (value === null) {
        pen = "M"
        return ""
      }
      const point = `${pen}${x(axis, axis.startMs + index * axis.stepMs).toFixed(1)} ${y(value, top).toFixed(1)}`
      pen = "L"
      return point
    })
    .join("")
}

function y(value: number, top: number): number {
  return BOTTOM - ((BOTTOM - TOP) * Math.min(value, top)) / top
}

function label(value: number): string {
  return grouped(value, value !== 0 && value < 1 ? 2 : value < 10 && !Number.isInteger(value) ? 1 : 0)
}

/** Lines at round numbers: fifths of 5, 50, ..., quarters of the others. */
function gridParts(top: number): number {
  return top.toExponential().startsWith("5") ? 5 : 4
}

function grid(top: number): Markup {
  const parts = gridParts(top)
  return html`${Array.from({ length: parts + 1 }, (_, part) => part / parts).map((share) => {
    const at = BOTTOM - (BOTTOM - TOP) * share
    return html`<line class="${share === 0 ? "base" : "grid"}" x1="${LEFT}" x2="${RIGHT}" y1="${at}" y2="${at}"/><text x="28" y="${at + 4}" text-anchor="end">${label(top * share)}</text>`
  })}`
}

function ticks(axis: TimeAxis): Markup {
  const quarter = 15 * 60_000
  const first = Math.ceil(axis.startMs / quarter) * quarter
  const times = [0, 1, 2, 3, 4]
    .map((index) => first + index * quarter)
    .filter((ms) => ms <= axis.startMs + axis.stepMs * (axis.points - 1))
  return html`${times.map((ms) => html`<text x="${x(axis, ms).toFixed(0)}" y="160" text-anchor="middle">${new Date(ms).toISOString().slice(11, 16)}</text>`)}`
}

/** Ends of lines are named; names that would touch are pushed apart. */
function names(lines: readonly ChartLine[], top: number): Markup {
  const ends = lines
    .flatMap((each) => {
      const last = each.values.at(-1)
      return last === null || last === undefined ? [] : [{ name: each.name, y: y(last, top) + 4 }]
    })
    .toSorted((a, b) => a.y - b.y)
  for (const [index, end] of ends.entries()) {
    const above = ends[index - 1]
    if (above !== undefined && end.y - above.y < 12) end.y = above.y + 12
  }
  return html`${ends.map((end) => html`<text class="at" x="405" y="${end.y.toFixed(1)}">${end.name}</text>`)}`
}

function limits(top: number): Markup {
  const rows = [
    ["degraded", HEALTH_RULES.degradedErrorRatio * 100, ""],
    ["failing", HEALTH_RULES.failingErrorRatio * 100, " hi"],
  ] as const
  return html`${rows.map(([word, at, more]) => html`<line class="limit${more}" x1="${LEFT}" x2="${RIGHT}" y1="${y(at, top)}" y2="${y(at, top)}"/><text x="38" y="${y(at, top) - 4}">${word}, ${at}</text>`)}`
}

/** One chart as SVG: window shaded, moment of change marked, lines named at their ends. */
export function chart(data: Chart, axis: TimeAxis): Markup {
  const top = roundTop(
    Math.max(data.least, ...data.lines.flatMap((each) => each.values.map((value) => value ?? 0))),
  )
  const end = axis.startMs + axis.stepMs * (axis.points - 1)
  const from = x(axis, end - axis.windowMs)
  const mark = axis.markMs === undefined || axis.markMs < axis.startMs ? undefined : x(axis, axis.markMs)
  return html`<figure class="chart"><h3>${data.title} <span class="muted">${data.unit}</span></h3>
<svg viewBox="0 0 440 168" role="img" aria-label="${data.label}"><rect class="win" x="${from.toFixed(1)}" y="${TOP}" width="${(RIGHT - from).toFixed(1)}" height="${BOTTOM - TOP}"/>${grid(top)}${ticks(axis)}${data.limits === true ? limits(top) : ""}${data.lines.map(
    (each) =>
      html`${
        each.area === undefined
          ? ""
          : html`<path class="${each.area}" d="${path(
              each.values.map((value) => value ?? 0),
              axis,
              top,
            )}L${RIGHT} ${BOTTOM}L${LEFT} ${BOTTOM}Z"/>`
      }<path class="${each.className}" d="${path(each.values, axis, top)}"/>`,
  )}${names(data.lines, top)}${
    mark === undefined || axis.markMs === undefined
      ? ""
      : html`<line class="mark" x1="${mark.toFixed(1)}" x2="${mark.toFixed(1)}" y1="${TOP}" y2="${BOTTOM}"/><text class="at" x="${(mark - 5).toFixed(1)}" y="20" text-anchor="end">${new Date(axis.markMs).toISOString().slice(11, 16)}</text>`
  }</svg></figure>`
}
