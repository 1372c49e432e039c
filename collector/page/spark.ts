import { html } from "hono/html"
import type { Health } from "#mesh/health.ts"
import { area, line, type Point, peak } from "./pen.ts"
import { stateClass } from "./state.ts"
import type { Markup } from "./words.ts"

const WIDTH = 80
const HEIGHT = 20
/** A minute that stands alone. */
const LONE_PX = 3

/** `top` is the value at the upper edge. */
function points(values: readonly (number | null)[], top: number): Point[] {
  const step = WIDTH / Math.max(1, values.length - 1)
  return values.map((value, index) =>
    value === null ? null : [index * step, HEIGHT - 1 - (HEIGHT - 3) * Math.min(1, value / top)],
  )
}

/** Requests per second of the last hour, null where nothing is known; decoration beside the number. */
export function requestSpark(values: readonly (number | null)[]): Markup {
  return html`<svg class="spark" viewBox="0 0 80 20" preserveAspectRatio="none" aria-hidden="true"><path class="base" d="M0 19.5H80"/><path d="${line(points(values, Math.max(1e-9, peak(values))), LONE_PX)}"/></svg>`
}

/** Error ratio of the last hour on a scale of at least the failing limit, so that noise stays small. */
export function errorSpark(values: readonly (number | null)[], health: Health): Markup {
  const at = points(values, Math.max(0.1, peak(values)))
  return html`<svg class="spark ${stateClass(health)}" viewBox="0 0 80 20" preserveAspectRatio="none" aria-hidden="true"><path class="base" d="M0 19.5H80"/>${
    peak(values) > 0
      ? html`<path class="area" d="${area(at, HEIGHT - 1)}"/><path class="err" d="${line(at, LONE_PX)}"/>`
      : ""
  }</svg>`
}
