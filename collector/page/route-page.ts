import { html } from "hono/html"
import type { Reporter } from "#mesh/resource.ts"
import type { FlagRow, RouteDetailView } from "../view/route-detail.ts"
import { chart, type TimeAxis } from "./chart.ts"
import { knownBefore, knownOnly } from "./known.ts"
import { isTcp, seenPart, sinceText } from "./row.ts"
import { link, type PageQuery } from "./shell.ts"
import { heat, state, stateClass } from "./state.ts"
import { weights } from "./weights.ts"
import {
  clock,
  counted,
  DASH,
  grouped,
  type Markup,
  millis,
  orDash,
  percent,
  rate,
  span,
  wrapped,
} from "./words.ts"

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
  return html`<div class="title"><h1>${wrapped(row.name)}</h1>${state(row.health, row.since === null ? row.health : `${row.health} since ${sinceText(row.since, view.generatedAt)}`)}</div>
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

interface Fact {
  readonly name: string
  readonly value: string | undefined
  readonly unit: string
  readonly before?: string | undefined
  readonly note?: string | undefined
  readonly hot?: boolean
}

function attempts(perRequest: number | null): string | undefined {
  return perRequest === null ? undefined : grouped(perRequest, 2)
}

function requestFacts(view: RouteDetailView, beforeSeconds: number): Fact[] {
  const { now, before, budget, row } = view
  const hot = row.health === "failing" || row.health === "degraded"
  const known: Fact[] = [
    {
      name: "Requests",
      value: rate(now.requestsPerSecond),
      unit: "/s",
      before: rate(beforeSeconds === 0 ? null : before.requests / beforeSeconds),
    },
    {
      name: "Error ratio",
      value: percent(now.errorRatio, 1),
      unit: "%",
      before: percent(before.errorRatio, 1),
      hot,
    },
    { name: "p50", value: millis(now.p50Ms), unit: "ms", before: millis(before.p50Ms) },
    { name: "p95", value: millis(now.p95Ms), unit: "ms", before: millis(before.p95Ms) },
    { name: "p99", value: millis(now.p99Ms), unit: "ms", before: millis(before.p99Ms) },
    {
      name: "Attempts per request",
      value: attempts(now.attemptsPerRequest),
      unit: "",
      before: attempts(before.attemptsPerRequest),
    },
  ]
  if (budget === null) return known
  const { objective, origin, burnRate } = budget
  const burn = burnRate === null ? undefined : grouped(burnRate, burnRate < 10 ? 1 : 0)
  const name = `Budget, ${grouped(objective * 100, 1)} % over 30 days`
  const note = origin === "default" ? "a default: none is declared" : undefined
  return [...known, { name, value: burn, unit: "× burn", note, hot: hot && (burnRate ?? 0) >= 1 }]
}

function bytes(perSecond: number): Pick<Fact, "value" | "unit"> {
  return perSecond < 1000
    ? { value: grouped(perSecond), unit: "B/s" }
    : { value: grouped(perSecond / 1000, 1), unit: "kB/s" }
}

/** A service that speaks TCP has connections and bytes, and no request. */
function tcpFacts({ row: { tcp } }: RouteDetailView): Fact[] {
  if (tcp === null) return []
  const open = tcp.activeConnections === null ? undefined : grouped(tcp.activeConnections)
  return [
    { name: "Connections opened", value: rate(tcp.openedPerSecond), unit: "/s" },
    { name: "Open now", value: open, unit: "" },
    { name: "Ended with an error", value: grouped(tcp.closedWithError), unit: "" },
    { name: "Sent", ...bytes(tcp.sentBytesPerSecond) },
    { name: "Received", ...bytes(tcp.receivedBytesPerSecond) },
  ]
}

/** Numbers of now, and beside each what it was in the hour before, or in the part of it that is known. */
function facts(view: RouteDetailView): Markup {
  const { dataFrom } = view.completeness
  const seconds = knownBefore(view.generatedAt, view.windowSeconds, dataFrom)
  const tcp = isTcp(view.row)
  const was = seconds >= 3600 ? "hour before" : `${span(seconds)} before`
  const rows = tcp ? tcpFacts(view) : requestFacts(view, seconds)
  return html`<dl class="facts">${rows.map(
    ({ name, value, unit, before, note, hot = false }) =>
      html`<div><dt>${name}</dt><dd${hot ? html` class="${heat(view.row.health).trim()}"` : ""}>${orDash(value)}${unit === "" || value === undefined ? "" : html` <small>${unit}</small>`}</dd>${before === undefined || seconds === 0 ? "" : html`<dd class="was">${was}: ${before}</dd>`}${note === undefined ? "" : html`<dd class="was">${note}</dd>`}</div>`,
  )}</dl>${tcp || seconds > 0 ? "" : html`<p class="sub">Nothing is known of the hour before this window: data begins at ${clock(dataFrom)}.</p>`}`
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
    all.flatMap((finding) => finding.refutation),
    false,
  )}${bullets("What we cannot see", [...new Set(all.flatMap((finding) => finding.unseen))], true)}</div></section>`
}

function times100(values: readonly (number | null)[]): readonly (number | null)[] {
  return values.map((value) => (value === null ? null : value * 100))
}

function peak(values: readonly (number | null)[]): number {
  return Math.max(0, ...values.map((value) => value ?? 0))
}

function charts(view: RouteDetailView): Markup {
  const { charts: data, row } = view
  const { dataFrom } = view.completeness
  const seen = seenPart(row)
  const known = (values: readonly (number | null)[]) => knownOnly(seen(values), data, dataFrom)
  const axis: TimeAxis = {
    startMs: Date.parse(data.startAt),
    stepMs: data.stepSeconds * 1000,
    points: data.requests.length,
    windowMs: view.windowSeconds * 1000,
    markMs: row.since === null ? undefined : Date.parse(row.since),
    knownFromMs: dataFrom === null ? Date.parse(view.generatedAt) : Date.parse(dataFrom),
  }
  return html`<section aria-label="Last 60 minutes"><div class="cols three">
${chart(
  {
    title: "Requests",
    unit: "per second",
    label: `Requests per second over 60 minutes, at most ${grouped(peak(data.requests), 1)}; errors at most ${grouped(peak(data.errors), 1)}`,
    least: 0.1,
    lines: [
      { name: "all", className: "a", values: known(data.requests) },
      { name: "errors", className: "f", area: "fa", values: known(data.errors) },
    ],
  },
  axis,
)}
${chart({ title: "Error ratio", unit: "%", label: `Error ratio over 60 minutes, at most ${grouped(peak(data.errorRatio) * 100, 1)} percent`, least: 10, limits: true, lines: [{ name: percent(data.errorRatio.at(-1) ?? null, 1) ?? "", className: "f", area: "fa", values: known(times100(data.errorRatio)) }] }, axis)}
${chart(
  {
    title: "Latency, what callers waited",
    unit: "ms",
    label: `Latency over 60 minutes; p99 at most ${grouped(peak(data.p99Ms))} milliseconds`,
    least: 10,
    lines: [
      { name: "p50", className: "p50", values: known(data.p50Ms) },
      { name: "p95", className: "p95", values: known(data.p95Ms) },
      { name: "p99", className: "p99", values: known(data.p99Ms) },
    ],
  },
  axis,
)}
</div></section>`
}

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

function flagTable(view: RouteDetailView, minutes: string): Markup {
  const { flags, row } = view
  if (flags.length === 0) return html`<p class="muted">No request failed in ${minutes}.</p>`
  return html`<div class="scroll" role="region" aria-label="Failures by flag, table" tabindex="0"><table class="dense"><caption class="vh">Failures by flag</caption><thead><tr><th scope="col">Flags</th><th scope="col" class="wide">Meaning</th><th scope="col">Outcome</th><th scope="col">Answered by</th><th scope="col" class="wide">Target</th><th scope="col" class="n" aria-sort="descending"><span>Count ↓</span></th><th scope="col" class="n"><abbr title="of all failures with the same outcome">%</abbr></th></tr></thead><tbody>${flags.map(
    (flag) =>
      html`<tr><th scope="row"><code>${flag.flags}</code></th><td class="wide soft">${flag.meaning}</td><td>${OUTCOME_WORDS[flag.outcome]}</td><td>${answerer(flag, row.reporter)}</td><td class="wide soft">${flag.virtualNode === "" ? DASH : wrapped(flag.virtualNode)}</td><td class="n${flag.outcome === "error" ? " hot" : ""}">${grouped(flag.count)}</td><td class="n">${percent(flag.share, 1)}</td></tr>`,
  )}</tbody></table></div>`
}

function codeTable(view: RouteDetailView, minutes: string): Markup {
  const all = view.codes.reduce((sum, row) => sum + row.count, 0)
  if (all === 0) return html`<p class="muted">No answer in ${minutes}.</p>`
  return html`<table class="dense"><caption class="vh">Answers by class of code</caption><thead><tr><th scope="col">Code</th><th scope="col" class="n">Count</th><th scope="col" class="n">%</th></tr></thead><tbody>${view.codes.map(
    ({ codeClass, count }) =>
      html`<tr><th scope="row">${codeClass === "none" ? "no code: the caller left, or nothing was sent" : codeClass}</th><td class="n">${grouped(count)}</td><td class="n">${percent(count / all, 1)}</td></tr>`,
  )}</tbody></table>`
}

/** A gateway knows the service that it sends to; nodes are told by the service's own rows. */
function targets(view: RouteDetailView, query: PageQuery, minutes: string): Markup {
  const { row } = view
  if (row.reporter !== "gateway")
    return html`<section aria-labelledby="h-targets"><header><h2 id="h-targets">Targets: weights declared and received</h2><span class="muted">last ${minutes}</span></header>${weights(view.targets, isTcp(row))}</section>`
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
    ? html`<p class="sub">Connections have no codes, no latency and no routes: what a request would tell is not there to be told.</p>`
    : html`<div class="cols"><section aria-labelledby="h-flags"><header><h2 id="h-flags">Failures by flag, and who answered</h2></header>${flagTable(view, minutes)}</section>
<section aria-labelledby="h-codes"><header><h2 id="h-codes">Codes</h2></header>${codeTable(view, minutes)}</section></div>`
}`
}
