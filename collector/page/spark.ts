import { html } from "hono/html"
import type { Health } from "#mesh/health.ts"
import { stateClass } from "./state.ts"
import type { Markup } from "./words.ts"

const WIDTH = 80
const HEIGHT = 20

/** Path data through points; a null lifts the pen. `top` is the value at the upper edge. */
function line(values: readonly (number | null)[], top: number): string {
  const step = WIDTH / Math.max(1, values.length - 1)
  let pen = "M"
  return values
    .map((value, index) => {
      if (value === null) {
        pen = "M"
        return ""
      }
      const y = HEIGHT - 1 - (HEIGHT - 3) * Math.min(1, value / top)
      const point = `${pen}${(index * step).toFixed(1)} ${y.toFixed(1)}`
      pen = "L"
      return point
    })
    .join("")
}

/** Requests per second of the last hour; decoration beside the number. */
export function requestSpark(values: readonly number[]): Markup {
  const top = Math.max(1e-9, ...values)
  return html`<svg class="spark" viewBox="0 0 80 20" preserveAspectRatio="none" aria-hidden="true"><path class="base" d="M0 19.5H80"/><path d="${line(values, top)}"/></svg>`
}

/** Error ratio of the last hour on a scale of at least the failing limit, so that noise stays small. */
export function errorSpark(values: readonly (number | null)[], health: Health): Markup {
  const top = Math.max(0.1, ...values.map((value) => value ?? 0))
  const filled = line(
    values.map((value) => value ?? 0),
    top,
  )
  const some = values.some((value) => (value ?? 0) > 0)
  return html`<svg class="spark ${stateClass(health)}" viewBox="0 0 80 20" preserveAspectRatio="none" aria-hidden="true"><path class="base" d="M0 19.5H80"/>${
    some
      ? html`<path class="area" d="${filled}L80 19L0 19Z"/><path class="err" d="${line(values, top)}"/>`
      : ""
  }</svg>`
}
