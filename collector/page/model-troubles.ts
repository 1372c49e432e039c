import { html } from "hono/html"
import type { SummaryView } from "../view/summary.ts"
import { counted, type Markup } from "./words.ts"

/** Lines that are shown; the rest is counted, and told by the API. */
const MOST_LINES = 3

/** What is wrong with the declared model that the collector watches: names, weights and objectives rest on it. */
export function modelTroubles({ model }: Pick<SummaryView, "model">): Markup {
  const { waiting, problems, notes, notesTotal } = model
  if (!waiting && problems.length === 0 && notesTotal === 0) return html``
  const head =
    problems.length > 0
      ? "The declared model may be out of date."
      : waiting
        ? "The declared model is not known yet; agents go on with the one that they had."
        : `Of the declared model, ${counted(notesTotal, "thing needs", "things need")} a look.`
  const lines = [...problems, ...notes]
  const more = problems.length + notesTotal - Math.min(lines.length, MOST_LINES)
  return html`<section class="calm unknown" aria-label="The declared model"><p>${head}</p><ul>${lines
    .slice(0, MOST_LINES)
    .map((line) => html`<li>${line}</li>`)}${
    more > 0 ? html`<li><a href="/api/v1/model">${counted(more, "more line", "more lines")}</a></li>` : ""
  }</ul></section>`
}
