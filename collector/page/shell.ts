import { html } from "hono/html"
import type { Answer, WindowName } from "../view/answer.ts"
import { LOGO, SPRITE } from "./sprite.ts"
import { state } from "./state.ts"
import { counted, type Markup, percent, span } from "./words.ts"

/** What the address holds: the whole view. */
export interface PageQuery {
  readonly mesh: string | undefined
  readonly window: WindowName
}

/** In the order that they are offered. */
export const WINDOW_NAMES = ["1m", "5m", "15m", "60m"] as const satisfies readonly WindowName[]

const TABS = [
  ["/", "Overview"],
  ["/routes", "Routes"],
  ["/proxies", "Proxies"],
] as const

/** A link that keeps mesh and window, with further parameters. Empty values are left out. */
export function link(path: string, query: PageQuery, more: Readonly<Record<string, string>> = {}): string {
  const all = { ...(query.mesh === undefined ? {} : { mesh: query.mesh }), window: query.window, ...more }
  const kept = Object.entries(all).filter(([, value]) => value !== "" && !(value === "5m"))
  const text = new URLSearchParams(kept).toString()
  return text === "" ? path : `${path}?${text}`
}

function completeness(answer: Answer, query: PageQuery): Markup {
  const {
    proxiesKnown,
    proxiesAnswered,
    agentsKnown,
    agentsSeen,
    unaccountedRatio,
    dataAt,
    dataAgeSeconds,
    dataFrom,
  } = answer.completeness
  const windowFrom = Date.parse(answer.generatedAt) - answer.windowSeconds * 1000
  const begins = dataFrom !== null && Date.parse(dataFrom) > windowFrom ? dataFrom : null
  const proxies =
    proxiesKnown === 0
      ? "no proxy known"
      : `${proxiesAnswered} of ${counted(proxiesKnown, "proxy", "proxies")} answered`
  const agents =
    agentsKnown === 0
      ? "no agent known"
      : `${agentsSeen} of ${counted(agentsKnown, "agent")} ${agentsKnown === 1 ? "reports" : "report"}`
  return html`<div class="strip" aria-label="Completeness of the data" role="region" data-block="strip">
<a href="${link("/proxies", query)}">${proxiesAnswered < proxiesKnown ? state("unknown", proxies) : proxies}</a>
<span>${agentsSeen < agentsKnown ? state("unknown", agents) : agents}</span>
<span>${unaccountedRatio === null ? "nothing counted yet" : `${percent(unaccountedRatio) ?? "0.00"} % of requests unaccounted`}</span>
<span>${dataAt === null ? "no data yet" : html`data to <time datetime="${dataAt}">${dataAt.slice(11, 19)}</time>`}${
    dataAgeSeconds !== null && dataAgeSeconds > 60
      ? html` ${state("unknown", `${span(dataAgeSeconds)} old`)}`
      : ""
  }</span>${begins === null ? "" : html`<span>data begins at <time datetime="${begins}">${begins.slice(11, 19)}</time>, within this window</span>`}${answer.completeness.storeProblem === null ? "" : html`<span>${state("unknown", answer.completeness.storeProblem)}</span>`}</div>`
}

export interface Page {
  readonly title: string
  readonly path: string
  readonly query: PageQuery
  readonly meshes: readonly string[]
  readonly answer: Answer
  /** Where the same data is as JSON. */
  readonly json: string
  readonly main: Markup
}

function controls(page: Page): Markup {
  const { query, meshes, path } = page
  return html`<form class="controls" method="get" action="${path}">
<label class="vh" for="mesh">Mesh</label>
<select id="mesh" name="mesh"><option value="">${meshes.length < 2 ? "all meshes" : `all ${meshes.length} meshes`}</option>${meshes.map(
    (mesh) => html`<option value="${mesh}"${mesh === query.mesh ? html` selected` : ""}>${mesh}</option>`,
  )}</select>
<input type="hidden" name="window" value="${query.window}">
<noscript><button>Show</button></noscript>
<div class="range" role="group" aria-label="Window that numbers are taken over">${WINDOW_NAMES.map(
    (name) =>
      html`<a href="${link(path, { ...query, window: name })}"${name === query.window ? html` aria-current="true"` : ""}>${name.replace("m", " min")}</a>`,
  )}</div>
<button type="button" class="live" data-live="on">Live</button>
<button type="button" data-theme-toggle>Theme</button>
</form>`
}

/** The whole document around a page's main part. No outside host, no inline script, no style attribute. */
export function document(page: Page): Markup {
  const current = (path: string): boolean =>
    path === "/" ? page.path === "/" : page.path === path || page.path.startsWith(`${path}/`)
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${page.title} · Meshscope</title>
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/page.css">
<script src="/assets/page.js"></script>
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
${SPRITE}
<header class="top">
<a class="brand" href="${link("/", page.query)}">${LOGO}Meshscope</a>
<nav class="tabs" aria-label="Pages"><ul>${TABS.map(
    ([path, name]) =>
      html`<li><a href="${link(path, page.query)}"${current(path) ? html` aria-current="page"` : ""}>${name}</a></li>`,
  )}</ul></nav>
${controls(page)}
</header>
${completeness(page.answer, page.query)}
<main id="main" data-block="main">
${page.main}
</main>
<footer class="foot">Numbers: mean over the window. Lines: last 60 min, one point a minute. Times in UTC. Errors: error / (ok + client error + error); requests the caller gave up are left out. <a href="${page.json}">This page as JSON</a></footer>
<div class="vh" role="status" aria-live="polite" data-announce></div>
</body>
</html>`
}
