import { html } from "hono/html"
import { HEALTH_RULES } from "#mesh/health.ts"
import { area, line, type Point } from "./pen.ts"
import { grouped, type Markup } from "./words.ts"

const LEFT = 34
const RIGHT = 400
const TOP = 10
const BOTTOM = 144
/** Height of a line's name. */
const NAME_PX = 12
/** A minute that stands alone. */
const LONE_PX = 6

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
  /** When data begins. */
  readonly knownFromMs: number
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

function points(values: readonly (number | null)[], axis: TimeAxis, top: number): Point[] {
  return values.map((value, index) =>
    value === null ? null : [x(axis, axis.startMs + index * axis.stepMs), y(value, top)],
  )
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
    if (above !== undefined && end.y - above.y < NAME_PX) end.y = above.y + NAME_PX
  }
  // None may stand among the times below the axis.
  for (const [index, end] of ends.toReversed().entries())
    end.y = Math.min(end.y, BOTTOM + 4 - index * NAME_PX)
  return html`${ends.map((end) => html`<text class="at" x="405" y="${end.y.toFixed(1)}">${end.name}</text>`)}`
}

/** Limits of the states; of two words that would touch the lower one is left out. */
function limits(top: number): Markup {
  const rows = [
    ["failing", HEALTH_RULES.failingErrorRatio * 100, " hi"],
    ["degraded", HEALTH_RULES.degradedErrorRatio * 100, ""],
  ] as const
  const room = y(rows[1][1], top) - y(rows[0][1], top) >= 12
  return html`${rows.map(([word, at, more]) => html`<line class="limit${more}" x1="${LEFT}" x2="${RIGHT}" y1="${y(at, top).toFixed(1)}" y2="${y(at, top).toFixed(1)}"/>${more === "" && !room ? "" : html`<text x="38" y="${(y(at, top) - 4).toFixed(1)}">${word}, ${at}</text>`}`)}`
}

/** The part of the axis that nothing is known of. */
function unknownPart(axis: TimeAxis): Markup {
  const ends = x(axis, axis.knownFromMs)
  if (ends - LEFT < 4) return html``
  const clock = new Date(axis.knownFromMs).toISOString().slice(11, 16)
  return html`<rect class="void" x="${LEFT}" y="${TOP}" width="${(ends - LEFT).toFixed(1)}" height="${BOTTOM - TOP}"/>${ends - LEFT < 150 ? "" : html`<text x="${((LEFT + ends) / 2).toFixed(0)}" y="${(TOP + BOTTOM) / 2}" text-anchor="middle">nothing known before ${clock}</text>`}`
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
<svg viewBox="0 0 440 168" role="img" aria-label="${data.label}"><rect class="win" x="${from.toFixed(1)}" y="${TOP}" width="${(RIGHT - from).toFixed(1)}" height="${BOTTOM - TOP}"/>${grid(top)}${unknownPart(axis)}${ticks(axis)}${data.limits === true ? limits(top) : ""}${data.lines.map(
    (each) =>
      html`${each.area === undefined ? "" : html`<path class="${each.area}" d="${area(points(each.values, axis, top), BOTTOM)}"/>`}<path class="${each.className}" d="${line(points(each.values, axis, top), LONE_PX)}"/>`,
  )}${names(data.lines, top)}${
    mark === undefined || axis.markMs === undefined
      ? ""
      : html`<line class="mark" x1="${mark.toFixed(1)}" x2="${mark.toFixed(1)}" y1="${TOP}" y2="${BOTTOM}"/><text class="at" x="${(mark - 5).toFixed(1)}" y="20" text-anchor="end">${new Date(axis.markMs).toISOString().slice(11, 16)}</text>`
  }</svg></figure>`
}
