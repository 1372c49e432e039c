import { html } from "hono/html"
import type { Reporter } from "#mesh/resource.ts"
import type { FlagRow, RouteDetailView } from "../view/route-detail.ts"
import { DASH, grouped, type Markup, percent, wrapped } from "./words.ts"

const OUTCOME_WORDS = {
  ok: "ok",
  client_error: "client error",
  error: "error",
  aborted: "caller gave up",
} as const

/** The reporter stands at the caller's side: what it calls the application may be the target's own proxy. */
function answerer({ answeredBy }: FlagRow, reporter: Reporter): string {
  if (answeredBy === "app") return reporter === "gateway" ? "behind the gateway" : "the target's side"
  if (answeredBy === "unknown") return "not told"
  return reporter === "gateway" ? "the gateway" : "the caller's proxy"
}

/** Failures by their flags, and who made them. */
export function flagTable(view: RouteDetailView, minutes: string): Markup {
  const { flags, row } = view
  if (flags.length === 0) return html`<p class="muted">No request failed in ${minutes}.</p>`
  return html`<div class="scroll" role="region" aria-label="Failures by flag, table" tabindex="0"><table class="dense"><caption class="vh">Failures by flag</caption><thead><tr><th scope="col">Flags</th><th scope="col" class="wide">Meaning</th><th scope="col">Outcome</th><th scope="col">Answered by</th><th scope="col" class="wide">Target</th><th scope="col" class="n" aria-sort="descending"><span>Count ↓</span></th><th scope="col" class="n">% of its outcome</th></tr></thead><tbody>${flags.map(
    (flag) =>
      html`<tr><th scope="row"><code>${flag.flags}</code></th><td class="wide soft">${flag.meaning}</td><td>${OUTCOME_WORDS[flag.outcome]}</td><td>${answerer(flag, row.reporter)}${flag.virtualNode === "" ? "" : html`<span class="sub narrow">${wrapped(flag.virtualNode)}</span>`}</td><td class="wide soft">${flag.virtualNode === "" ? DASH : wrapped(flag.virtualNode)}</td><td class="n${flag.outcome === "error" ? " hot" : ""}">${grouped(flag.count)}</td><td class="n">${percent(flag.share, 1)}</td></tr>`,
  )}</tbody></table></div>`
}

/** Answers by class of code. */
export function codeTable(view: RouteDetailView, minutes: string): Markup {
  const all = view.codes.reduce((sum, row) => sum + row.count, 0)
  if (all === 0) return html`<p class="muted">No answer in ${minutes}.</p>`
  return html`<table class="dense"><caption class="vh">Answers by class of code</caption><thead><tr><th scope="col">Code</th><th scope="col" class="n">Count</th><th scope="col" class="n">%</th></tr></thead><tbody>${view.codes.map(
    ({ codeClass, count }) =>
      html`<tr><th scope="row">${codeClass === "none" ? "no code: the caller left, or nothing was sent" : codeClass}</th><td class="n">${grouped(count)}</td><td class="n">${percent(count / all, 1)}</td></tr>`,
  )}</tbody></table>`
}
