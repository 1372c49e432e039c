import { html } from "hono/html"
import type { RouteDetailView } from "../view/route-detail.ts"
import { charts } from "./route-charts.ts"
import { facts } from "./route-facts.ts"
import { codeTable, flagTable } from "./route-failures.ts"
import { isTcp, sinceText } from "./row.ts"
import { link, type PageQuery } from "./shell.ts"
import { state, stateClass } from "./state.ts"
import { tcpWeights, weights } from "./weights.ts"
import { clock, counted, type Markup, rate, wrapped } from "./words.ts"

/** The filter in the address. */
export interface RouteFilter {
  readonly caller: string
  readonly target: string
}

const KIND_WORDS = {
  mesh: "",
  virtual_gateway: "virtual gateway ",
  gateway_route: "gateway route ",
  virtual_service: "virtual service ",
  virtual_router: "virtual router ",
  route: "route ",
  virtual_node: "virtual node ",
} as const

function crumbs(view: RouteDetailView, query: PageQuery): Markup {
  return html`<nav aria-label="Where this route is declared"><ol class="crumbs"><li><a href="${link("/", { ...query, mesh: view.row.key.mesh })}">${view.row.key.mesh}</a></li>${view.parents
    .filter((parent) => parent.kind !== "mesh")
    .map(
      (parent) =>
        html`<li>${KIND_WORDS[parent.kind]}<a href="${link("/routes", query, { q: parent.name })}">${wrapped(parent.name)}</a></li>`,
    )}</ol></nav>`
}

function stateText({ row, generatedAt }: RouteDetailView): string {
  if (row.endedAt !== null) return `${row.health}, ended ${clock(row.endedAt)}`
  return row.since === null ? row.health : `${row.health} since ${sinceText(row.since, generatedAt)}`
}

function head(view: RouteDetailView): Markup {
  const { row } = view
  const native =
    view.nativeKind === null
      ? ""
      : `Declared by ${view.nativeKind} ${view.namespace === null ? "" : `${view.namespace}/`}${view.nativeName ?? ""}. `
  const reported = {
    gateway: "Counted at the gateway's listener",
    source: "Counted at the callers' side",
    destination: "Counted at the node's own side",
  }[row.reporter]
  return html`<div class="title"><h1>${wrapped(row.name)}</h1>${state(row.health, stateText(view))}</div>
<p class="soft">${row.synthetic === null || row.why === null ? "" : `${row.why} `}${native}${reported}${row.provenance === null ? "" : `, from ${row.provenance === "log" ? "access logs" : row.provenance === "stats" ? "Envoy's stats" : "access logs at some proxies and stats at others"}`}. ${row.known === 0 ? "No proxy that would report it was seen." : `${row.answered} of ${counted(row.known, "proxy", "proxies")} that ${row.known === 1 ? "reports" : "report"} it answered.`}</p>`
}

/** What is asked for stays chosen, also where nothing of it was seen. */
function unseen(name: string, names: readonly string[]): Markup {
  if (name === "" || names.includes(name)) return html``
  return html`<option value="${name}" selected>${name}, nothing seen</option>`
}

function filters(view: RouteDetailView, filter: RouteFilter, query: PageQuery): Markup {
  const choices = Math.max(view.callers.length, view.targets.length)
  if (choices < 2 && filter.caller === "" && filter.target === "") return html``
  const path = `/routes/${encodeURIComponent(view.row.id)}`
  return html`<form class="filters" method="get" action="${path}" aria-label="Filter this route">
${query.mesh === undefined ? "" : html`<input type="hidden" name="mesh" value="${query.mesh}">`}<input type="hidden" name="window" value="${query.window}">
<label for="caller">Called by</label><select id="caller" name="caller"><option value="">everyone</option>${unseen(
    filter.caller,
    view.callers.map(({ name }) => name),
  )}${view.callers.map((each) => html`<option value="${each.name}"${each.name === filter.caller ? html` selected` : ""}>${each.name === "" ? "(outside)" : each.name}, ${rate(each.numbers.requestsPerSecond)}/s</option>`)}</select>
<label for="target">Target</label><select id="target" name="target"><option value="">any node</option>${unseen(
    filter.target,
    view.targets.map(({ virtualNode }) => virtualNode),
  )}${view.targets.map((each) => html`<option value="${each.virtualNode}"${each.virtualNode === filter.target ? html` selected` : ""}>${each.virtualNode === "" ? "(none)" : each.virtualNode}</option>`)}</select>
<button>Apply</button></form>`
}

function bullets(heading: string, lines: readonly string[], next: boolean): Markup {
  if (lines.length === 0) return html``
  return html`<h2${next ? html` class="next"` : ""}>${heading}</h2><ul>${lines.map((text) => html`<li>${text}</li>`)}</ul>`
}

/** Only what rules proved, with what would refute it. */
function findings({ findings: all, row }: RouteDetailView): Markup {
  if (all.length === 0) return html``
  return html`<section class="know ${stateClass(row.health)}" aria-label="What is behind it"><div><h2>What we know</h2><ul>${all.map(
    (finding) => html`<li><b>${finding.sentence}</b> ${finding.evidence.join(" ")}</li>`,
  )}</ul></div><div>${bullets(
    "What would refute it",
    [...new Set(all.flatMap((finding) => finding.refutation))],
    false,
  )}${bullets("What we cannot see", [...new Set(all.flatMap((finding) => finding.unseen))], true)}</div></section>`
}

/** A gateway knows the service that it sends to; nodes are told by the service's own rows. */
function targets(view: RouteDetailView, query: PageQuery, minutes: string): Markup {
  const { row } = view
  if (row.reporter !== "gateway")
    return isTcp(row)
      ? html`<section aria-labelledby="h-targets"><header><h2 id="h-targets">Targets</h2></header>${tcpWeights(view.targets)}<p class="sub">Connections have no codes, no latency and no routes: what a request would tell is not there to be told.</p></section>`
      : html`<section aria-labelledby="h-targets"><header><h2 id="h-targets">Targets: weights declared and received</h2><span class="muted">last ${minutes}</span></header>${weights(view.targets)}</section>`
  const service = row.key.virtualService
  const words =
    service === ""
      ? html`Which service it leads to is not declared, and no request told.`
      : html`Virtual service <a href="${link("/routes", query, { q: service })}">${wrapped(service)}</a>: its routes tell which nodes answered.`
  return html`<section class="leads" aria-labelledby="h-targets"><header><h2 id="h-targets">Leads to</h2></header><p class="soft">${words}</p></section>`
}

/** One route, from its numbers to the cause. */
export function routeMain(view: RouteDetailView, filter: RouteFilter, query: PageQuery): Markup {
  const minutes = query.window.replace("m", " min")
  const tcp = isTcp(view.row)
  return html`${crumbs(view, query)}
${head(view)}
${filters(view, filter, query)}
${facts(view)}
${findings(view)}
${tcp ? "" : charts(view)}
${targets(view, query, minutes)}
${
  tcp
    ? ""
    : html`<div class="cols"><section aria-labelledby="h-flags"><header><h2 id="h-flags">Failures by flag, and who answered</h2></header>${flagTable(view, minutes)}</section>
<section aria-labelledby="h-codes"><header><h2 id="h-codes">Codes</h2></header>${codeTable(view, minutes)}</section></div>`
}`
}
