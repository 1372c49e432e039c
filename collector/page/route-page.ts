import { html } from "hono/html"
import type { Finding, FlagRow, RouteDetailView } from "../view/route-detail.ts"
import { chart, type TimeAxis } from "./chart.ts"
import { link, type PageQuery } from "./shell.ts"
import { heat, state } from "./state.ts"
import { weights } from "./weights.ts"
import { clock, grouped, type Markup, millis, orDash, percent, rate, wrapped } from "./words.ts"

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
  return html`<div class="title"><h1>${wrapped(row.name)}</h1>${state(row.health, row.since === null ? row.health : `${row.health} since ${clock(row.since)}`)}</div>
<p class="soft">${row.why === null ? "" : `${row.why} `}${native}${reported}${row.provenance === null ? "" : `, from ${row.provenance === "log" ? "access logs" : row.provenance === "stats" ? "Envoy's stats" : "access logs at some proxies and stats at others"}`}. ${row.answered} of ${row.known} proxies that report it answered.</p>`
}

function filters(view: RouteDetailView, filter: RouteFilter, query: PageQuery): Markup {
  const path = `/routes/${encodeURIComponent(view.row.id)}`
  return html`<form class="filters" method="get" action="${path}" aria-label="Filter this route">
${query.mesh === undefined ? "" : html`<input type="hidden" name="mesh" value="${query.mesh}">`}<input type="hidden" name="window" value="${query.window}">
<label for="caller">Called by</label><select id="caller" name="caller"><option value="">everyone</option>${view.callers.map((each) => html`<option value="${each.name}"${each.name === filter.caller ? html` selected` : ""}>${each.name === "" ? "(outside)" : each.name}, ${rate(each.numbers.requestsPerSecond)}/s</option>`)}</select>
<label for="target">Target</label><select id="target" name="target"><option value="">any node</option>${view.targets.map((each) => html`<option value="${each.virtualNode}"${each.virtualNode === filter.target ? html` selected` : ""}>${each.virtualNode === "" ? "(none)" : each.virtualNode}</option>`)}</select>
<button>Apply</button></form>`
}

function facts(view: RouteDetailView): Markup {
  const { now, before, budget, row } = view
  const rows: readonly (readonly [string, string | undefined, string, string | undefined, boolean])[] = [
    ["Requests", rate(now.requestsPerSecond), "/s", rate(before.requestsPerSecond), false],
    [
      "Error ratio",
      percent(now.errorRatio, 1),
      "%",
      percent(before.errorRatio, 2),
      row.health === "failing" || row.health === "degraded",
    ],
    ["p50", millis(now.p50Ms), "ms", millis(before.p50Ms), false],
    ["p95", millis(now.p95Ms), "ms", millis(before.p95Ms), false],
    ["p99", millis(now.p99Ms), "ms", millis(before.p99Ms), false],
    [
      "Attempts per request",
      now.attemptsPerRequest === null ? undefined : grouped(now.attemptsPerRequest, 2),
      "",
      before.attemptsPerRequest === null ? undefined : grouped(before.attemptsPerRequest, 2),
      false,
    ],
    ...(budget === null
      ? []
      : [
          [
            `Budget, ${grouped(budget.objective * 100, 1)} % over 30 days`,
            budget.burnRate === null ? undefined : grouped(budget.burnRate, budget.burnRate < 10 ? 1 : 0),
            "× burn",
            undefined,
            (budget.burnRate ?? 0) >= 1,
          ] as const,
        ]),
  ]
  return html`<dl class="facts">${rows.map(
    ([name, value, unit, was, hot]) =>
      html`<div><dt>${name}</dt><dd class="${hot ? heat(row.health).trim() || "hot" : ""}">${orDash(value)} <small>${unit}</small></dd>${was === undefined ? "" : html`<dd class="was">hour before: ${was}</dd>`}</div>`,
  )}</dl>`
}

function bullets(heading: string, lines: readonly string[], next: boolean): Markup {
  if (lines.length === 0) return html``
  return html`<h2${next ? html` class="next"` : ""}>${heading}</h2><ul>${lines.map((text) => html`<li>${text}</li>`)}</ul>`
}

/** Only what rules proved, with what would refute it. */
function findings(all: readonly Finding[]): Markup {
  if (all.length === 0) return html``
  return html`<section class="know" aria-label="What is behind it"><div><h2>What we know</h2><ul>${all.map(
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
  const axis: TimeAxis = {
    startMs: Date.parse(data.startAt),
    stepMs: data.stepSeconds * 1000,
    points: data.requests.length,
    windowMs: view.windowSeconds * 1000,
    markMs: row.since === null ? undefined : Date.parse(row.since),
  }
  return html`<section aria-label="Last 60 minutes"><div class="cols three">
${chart(
  {
    title: "Requests",
    unit: "per second",
    label: `Requests per second over 60 minutes, at most ${grouped(peak(data.requests), 1)}; errors at most ${grouped(peak(data.errors), 1)}`,
    least: 0.1,
    lines: [
      { name: "all", className: "a", values: data.requests },
      { name: "errors", className: "f", area: "fa", values: data.errors },
    ],
  },
  axis,
)}
${chart({ title: "Error ratio", unit: "%", label: `Error ratio over 60 minutes, at most ${grouped(peak(data.errorRatio) * 100, 1)} percent`, least: 10, limits: true, lines: [{ name: percent(view.now.errorRatio, 1) ?? "", className: "f", area: "fa", values: times100(data.errorRatio) }] }, axis)}
${chart(
  {
    title: "Latency, what callers waited",
    unit: "ms",
    label: `Latency over 60 minutes; p99 at most ${grouped(peak(data.p99Ms))} milliseconds`,
    least: 10,
    lines: [
      { name: "p50", className: "p50", values: data.p50Ms },
      { name: "p95", className: "p95", values: data.p95Ms },
      { name: "p99", className: "p99", values: data.p99Ms },
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

function flagTable(flags: readonly FlagRow[], minutes: string): Markup {
  if (flags.length === 0) return html`<p class="muted">No request failed in ${minutes}.</p>`
  return html`<div class="scroll"><table class="dense"><caption class="vh">Failures by flag</caption><thead><tr><th scope="col">Flags</th><th scope="col" class="wide">Meaning</th><th scope="col">Outcome</th><th scope="col">Answered by</th><th scope="col" class="wide">Target</th><th scope="col" class="n" aria-sort="descending"><span>Count ↓</span></th><th scope="col" class="n">%</th></tr></thead><tbody>${flags.map(
    (row) =>
      html`<tr><th scope="row"><code>${row.flags}</code></th><td class="wide soft">${row.meaning}</td><td>${OUTCOME_WORDS[row.outcome]}</td><td>${row.answeredBy}</td><td class="wide soft">${wrapped(row.virtualNode)}</td><td class="n${row.outcome === "error" ? " hot" : ""}">${grouped(row.count)}</td><td class="n">${percent(row.share, 1)}</td></tr>`,
  )}</tbody></table></div>`
}

/** One route, from its numbers to the cause. */
export function routeMain(view: RouteDetailView, filter: RouteFilter, query: PageQuery): Markup {
  const minutes = query.window.replace("m", " min")
  return html`${crumbs(view, query)}
${head(view)}
${filters(view, filter, query)}
${facts(view)}
${findings(view.findings)}
${charts(view)}
<section aria-labelledby="h-targets"><header><h2 id="h-targets">Targets: weights declared and received</h2><span class="muted">last ${minutes}</span></header>${weights(view.targets)}</section>
<div class="cols"><section aria-labelledby="h-flags"><header><h2 id="h-flags">Failures by flag, and who answered</h2></header>${flagTable(view.flags, minutes)}</section>
<section aria-labelledby="h-codes"><header><h2 id="h-codes">Codes</h2></header>${
    view.codes.length === 0
      ? html`<p class="muted">No answer in ${minutes}.</p>`
      : html`<table class="dense"><caption class="vh">Answers by class of code</caption><tbody>${view.codes.map((row) => html`<tr><th scope="row">${row.codeClass === "none" ? "no code (the caller left, or nothing was sent)" : row.codeClass}</th><td class="n">${grouped(row.count)}</td></tr>`)}</tbody></table>`
  }</section></div>`
}
