import { html } from "hono/html"
import type { GraphView } from "../view/graph.ts"
import type { SummaryView } from "../view/summary.ts"
import { LEGEND, mapTable, serviceMap } from "./map/draw.ts"
import { mostly, nameCells, numberCells, parentsText, routeHref } from "./row.ts"
import { link, type PageQuery } from "./shell.ts"
import { stateClass, tally } from "./state.ts"
import { clock, counted, type Markup } from "./words.ts"

/** How many are in trouble, in words that a pager message could use. */
function headline(view: SummaryView): string {
  const { routes } = view
  const counts = [
    [routes.failing, "failing"],
    [routes.degraded, "degraded"],
  ] as const
  const worst = counts.find(([count]) => count > 0)
  return worst === undefined
    ? view.verdict.sentence
    : `${worst[0]} of ${counted(routes.total, "route")} ${worst[1]}`
}

function verdictSection(view: SummaryView, query: PageQuery): Markup {
  const { health, sentence, routeId } = view.verdict
  const worst = view.worst.find((row) => row.id === routeId)
  const [before, after] = worst === undefined ? [sentence, ""] : sentence.split(worst.name, 2)
  const title = headline(view)
  return html`<section class="verdict ${stateClass(health)}" aria-labelledby="verdict">
<svg class="i ${stateClass(health)}" aria-hidden="true"><use href="#i-${stateClass(health)}"/></svg><h1 id="verdict">${title}</h1>
${tally(view.routes, (each) => link("/routes", query, { state: each }))}
${
  title === sentence
    ? ""
    : html`<p>${before}${worst === undefined || after === undefined ? "" : html`<a href="${routeHref(worst.id, query)}">${worst.name}</a>${after}`}</p>`
}
</section>`
}

function silent(view: SummaryView): Markup {
  if (view.silentAgents.length === 0) return html``
  return html`<section class="calm unknown" aria-label="Agents that are silent">${view.silentAgents.map(
    (agent) =>
      html`<p>Agent <b>${agent.id}</b> on ${agent.host} is silent since ${clock(agent.lastSeenAt)}: what its ${counted(agent.proxies.length, "proxy", "proxies")} do is not known.</p>`,
  )}</section>`
}

function worstTable(view: SummaryView, query: PageQuery): Markup {
  return html`<section aria-labelledby="h-worst">
<header><h2 id="h-worst">Worst routes</h2><span class="muted">last ${query.window.replace("m", " min")}</span><a class="end" href="${link("/routes", query)}">All ${counted(view.routes.total, "route")}</a></header>
<div class="scroll"><table class="routes"><caption class="vh">Worst routes</caption><thead><tr><th scope="col" class="wide">State</th><th scope="col">Route</th><th scope="col" class="wide">Mostly</th><th scope="col" class="n">Requests/s</th><th scope="col" class="wide"><span class="vh">Requests over 60 min</span></th><th scope="col" class="n">Errors %</th><th scope="col" class="wide"><span class="vh">Errors over 60 min</span></th><th scope="col" class="n wide">p50 ms</th><th scope="col" class="n wide">p95 ms</th><th scope="col" class="n wide">p99 ms</th></tr></thead>
<tbody>${view.worst.map(
    (row) =>
      html`<tr${row.synthetic === null ? "" : html` class="syn"`}>${nameCells(row, query, parentsText(row))}<td class="wide soft why">${mostly(row)}</td>${numberCells(row)}</tr>`,
  )}</tbody></table></div>
</section>`
}

/** First run: no states at all, and what to do. */
function firstRun(): Markup {
  return html`<section class="verdict"><h1 id="verdict">No agent has reported yet</h1><p>The collector runs and listens. Nothing is known about any mesh, so nothing is shown.</p></section>
<section aria-label="Three steps"><ol class="steps">
<li><h3>Describe the node's proxies</h3><pre>targets:
  - name: yelb-ui-1
    admin: 10.0.12.7:9901
    logs: [/var/log/pods/…/envoy/0.log]</pre></li>
<li><h3>Point an agent here</h3><pre>discover: {static: {file: targets.yaml}}
publish: {otlp: {endpoint: "http://this-collector:4318"}}</pre></li>
<li><h3>Start it</h3><pre>npm run -s meshscope -- agent --config agent.yaml</pre>This page fills within one scrape interval.</li></ol></section>`
}

/** The first look: what is wrong, where, since when; the map; the worst routes. */
export function overviewMain(view: SummaryView, graph: GraphView, query: PageQuery): Markup {
  if (view.firstRun) return firstRun()
  const minutes = query.window.replace("m", " min")
  return html`${verdictSection(view, query)}
${silent(view)}
<section id="map" aria-labelledby="h-map">
<header><h2 id="h-map">Service map</h2><fieldset class="views end"><legend class="vh">Show as</legend><label><input type="radio" name="view" checked>Map</label><label><input type="radio" name="view" id="as-table">Table</label></fieldset></header>
${serviceMap(graph, query, minutes)}
${mapTable(graph, query, minutes)}
${LEGEND}
</section>
${worstTable(view, query)}`
}
