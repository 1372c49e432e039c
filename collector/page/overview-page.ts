import { html } from "hono/html"
import type { GraphView } from "../view/graph.ts"
import type { SummaryView } from "../view/summary.ts"
import { countText, withoutRoute } from "./counts.ts"
import { LEGEND, serviceMap } from "./map/draw.ts"
import { mapTable } from "./map/table.ts"
import { modelTroubles } from "./model-troubles.ts"
import { mostly, nameCells, numberCells, parentsText, subText } from "./row.ts"
import { link, type PageQuery } from "./shell.ts"
import { verdictSection } from "./verdict.ts"
import { counted, type Markup, moment, wrapped } from "./words.ts"

function silent(view: SummaryView): Markup {
  if (view.silentAgents.length === 0) return html``
  return html`<section class="calm unknown" aria-label="Agents that are silent">${view.silentAgents.map(
    (agent) =>
      html`<p>Agent <b>${agent.id}</b>${agent.host === "" ? "" : ` on ${agent.host}`} is silent since ${moment(agent.lastSeenAt, view.generatedAt)}: what its ${counted(agent.proxies.length, "proxy", "proxies")} see is not known. What failed when it was last heard stays failing; what was well becomes unknown.</p>`,
  )}</section>`
}

/** Proxies that are shown; the rest is counted. */
const MOST_UNANSWERED = 3

/** What nobody can tell of, because a proxy does not answer its agent. */
function unanswered(view: SummaryView, query: PageQuery): Markup {
  if (view.unanswered.length === 0) return html``
  const shown = view.unanswered.slice(0, MOST_UNANSWERED)
  const more = view.unanswered.length - shown.length
  return html`<section class="calm unknown" aria-label="Proxies that do not answer"><ul>${shown.map(
    ({ proxy, role, resource, since, why }) =>
      html`<li>Proxy <a href="${link("/proxies", query)}">${wrapped(proxy)}</a>${role === null ? ", of a node or gateway that is not known," : html` of ${wrapped(resource)}`} ${since === null ? "has told nothing" : `does not answer since ${moment(since, view.generatedAt)}`}${why === null ? "" : `: ${why}`}.</li>`,
  )}${more === 0 ? "" : html`<li><a href="${link("/proxies", query)}">${counted(more, "more proxy", "more proxies")}</a></li>`}</ul></section>`
}

function worstTable(view: SummaryView, query: PageQuery): Markup {
  const { dataFrom } = view.completeness
  const minutes = query.window.replace("m", " min")
  const head = html`<header><h2 id="h-worst">Worst routes</h2><span class="muted">last ${minutes}</span><a class="end" href="${link("/routes", query)}">All ${countText(view.routes.total, view.synthetic.total)}</a></header>`
  if (view.worst.length === 0) {
    const none = view.complete ? "No request failed" : "No request is known to have failed"
    const seen = view.completeness.unaccountedRatio !== null
    return html`<section aria-labelledby="h-worst">${head}<p class="muted">${seen ? none : "No request was seen"} in ${minutes}.</p></section>`
  }
  return html`<section aria-labelledby="h-worst">
${head}
<div class="scroll" role="region" aria-label="Worst routes, table" tabindex="0"><table class="routes"><caption class="vh">Worst routes</caption><thead><tr><th scope="col" class="wide">State</th><th scope="col">Route</th><th scope="col" class="wide">Mostly</th><th scope="col" class="n">Requests/s</th><th scope="col" class="wide"><span class="vh">Requests over 60 min</span></th><th scope="col" class="n">Errors %</th><th scope="col" class="wide"><span class="vh">Errors over 60 min</span></th><th scope="col" class="n wide">p50 ms</th><th scope="col" class="n wide">p95 ms</th><th scope="col" class="n wide">p99 ms</th></tr></thead>
<tbody>${view.worst.map(
    (row) =>
      html`<tr${row.synthetic === null ? "" : html` class="syn"`}>${nameCells(row, query, subText(row, parentsText(row)))}<td class="wide soft why">${mostly(row)}</td>${numberCells(row, dataFrom)}</tr>`,
  )}</tbody></table></div>
</section>`
}

/** First run: no states at all, and what to do. */
function firstRun(): Markup {
  return html`<section class="verdict unknown" aria-labelledby="verdict"><svg class="i unknown" aria-hidden="true"><use href="#i-unknown"/></svg><h1 id="verdict">No agent has reported yet</h1><div class="cause"><p>The collector runs and listens. Nothing is known about any mesh, so nothing is shown.</p></div></section>
<section aria-label="Three steps"><ol class="steps">
<li><h2>Describe the node's proxies</h2><p class="soft">One entry per Envoy: where its admin interface listens, and where its access log is.</p><pre>targets:
  - name: yelb-ui-1
    admin: 10.0.12.7:9901
    logs: [/var/log/pods/…/envoy/0.log]</pre></li>
<li><h2>Point an agent here</h2><pre>discover: { static: { file: targets.yaml } }
publish: { otlp: { endpoint: "http://this-collector:4318" } }</pre></li>
<li><h2>Start it</h2><pre>npm run -s meshscope -- agent --config agent.yaml</pre><p class="soft">This page fills within one scrape interval, without a reload.</p></li></ol></section>`
}

/** Agents report, and no resource is known: then there is no map to draw. */
function noResources(): Markup {
  return html`<section class="calm unknown" aria-label="Nothing to draw"><p>Agents report, but no resource of a mesh is known.</p><p>Give the collector or one agent the declared model (<code>model: { files: [...] }</code>), or wait until a proxy has answered its first scrape.</p></section>`
}

/** What stands on the map. */
function boxesText({ nodes }: GraphView): string {
  const synthetic = nodes.filter((node) => node.synthetic !== null).length
  const resources = counted(nodes.length - synthetic, "resource")
  return synthetic === 0 ? resources : `${resources} and ${withoutRoute(synthetic)}`
}

/** The first look: what is wrong, where, since when; the map; the worst routes. */
export function overviewMain(view: SummaryView, graph: GraphView, query: PageQuery): Markup {
  if (view.firstRun) return html`${firstRun()}${modelTroubles(view)}`
  const minutes = query.window.replace("m", " min")
  const origins = new Set(view.origins.map(({ id }) => id))
  const map =
    graph.nodes.length === 0
      ? noResources()
      : html`<section id="map" aria-labelledby="h-map">
<header><h2 id="h-map">Service map</h2><span class="muted">${boxesText(graph)}, numbers of the last ${minutes}</span><fieldset class="views end"><legend class="vh">Show as</legend><label><input type="radio" name="view" id="as-map" checked>Map</label><label><input type="radio" name="view" id="as-table">Table</label></fieldset></header>
${serviceMap(graph, query, minutes, origins)}
${mapTable(graph, query)}
${LEGEND}
</section>`
  return html`${verdictSection(view, query)}
${silent(view)}
${unanswered(view, query)}
${modelTroubles(view)}
${map}
${worstTable(view, query)}`
}
