import { html } from "hono/html"
import { HEALTH_RULES, HEALTH_STATES, type Health } from "#mesh/health.ts"
import type { Tally } from "../view/answer.ts"
import type { Markup } from "./words.ts"

/** CSS class of a state, also the suffix of its symbol in the sprite. */
export function stateClass(health: Health): "ok" | "degraded" | "failing" | "none" | "unknown" {
  return health === "no traffic" ? "none" : health
}

/** The shape alone, decoration beside a word. */
function mark(health: Health): Markup {
  const name = stateClass(health)
  return html`<svg class="i ${name}" aria-hidden="true"><use href="#i-${name}"/></svg>`
}

/** Shape and word. */
export function state(health: Health, word: string = health): Markup {
  return html`<span class="state ${stateClass(health)}">${mark(health)}${word}</span>`
}

/** Number class: colour is kept for what is wrong. `ratio`: of a resource that may be failing for another reason. */
export function heat(health: Health, ratio: number | null = 1): string {
  if ((ratio ?? 0) < HEALTH_RULES.degradedErrorRatio) return ""
  return health === "failing" ? " hot" : health === "degraded" ? " warm" : ""
}

/** Counts by state, each a link to the table of just those. States without a row are left out. `label`: what is counted. */
export function tally(
  counts: Tally,
  label: string,
  href: (health: Health) => string,
  chosen: Health | "" = "",
): Markup {
  const shown = HEALTH_STATES.filter((health) => counts[health] > 0)
  return html`<ul class="tally" aria-label="${label}">${shown.map(
    (health) =>
      html`<li><a class="state ${stateClass(health)}" href="${href(health)}"${health === chosen ? html` aria-current="true"` : ""}>${mark(health)}${counts[health]} ${health}</a></li>`,
  )}</ul>`
}
