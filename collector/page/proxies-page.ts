import { html } from "hono/html"
import { gapOf } from "#mesh/gap-words.ts"
import type { Health } from "#mesh/health.ts"
import type { ProblemReason } from "#mesh/page-problem.ts"
import type { AgentRow, ProxiesView, ProxyRow, ProxyWord } from "../view/proxies.ts"
import type { UnmappedView } from "../view/unmapped.ts"
import { gapsSection } from "./gaps.ts"
import type { PageQuery } from "./shell.ts"
import { spanWaysSection, spanWayText } from "./span-ways.ts"
import { state } from "./state.ts"
import { unmappedSection } from "./unmapped-section.ts"
import { counted, DASH, grouped, type Markup, moment, percent, span, wrapped } from "./words.ts"

const SHAPES: Readonly<Record<ProxyWord, Health>> = {
  live: "ok",
  draining: "degraded",
  initializing: "failing",
  down: "failing",
  silent: "unknown",
  unknown: "unknown",
}

const SOURCES: Readonly<Record<string, string>> = { log: "access logs", stats: "Envoy's stats" }

function sourceText({ provenance }: ProxyRow): string {
  return provenance === null ? "not known" : (SOURCES[provenance] ?? provenance)
}

const REASONS: Readonly<Record<ProblemReason, string>> = {
  unreachable: "no connection",
  refused: "refused",
  busy: "asked too often",
  timeout: "no answer in time",
  too_large: "too large to read",
  bad_answer: "not a page of Envoy",
}

/** What is wrong with a proxy beside its state, each a short sentence. Where it is down, no page can be read. */
function faults(row: ProxyRow, generatedAt: string): string[] {
  const pages = row.state === "down" ? [] : row.problems
  return [
    ...pages.map(
      ({ page, reason, since }) => `page ${page} since ${moment(since, generatedAt)}: ${REASONS[reason]}`,
    ),
    row.xdsRejected > 0 ? `${counted(row.xdsRejected, "update")} refused in the last hour` : "",
    row.logWriteFailures > 0 ? `${counted(row.logWriteFailures, "log write")} failed in the last hour` : "",
    row.drifts ? "configuration older than a replica's" : "",
  ].filter((text) => text !== "")
}

/** @param several whether proxies of more than one mesh are shown, so that each says its own */
function whoText({ role, resource, mesh, flavor }: ProxyRow, several: boolean): Markup {
  if (role === null) return html`node or gateway not known: its configuration was never read`
  return html`${role} of ${wrapped(resource)}${several ? html` in ${wrapped(mesh)} (${flavor})` : ""}`
}

/** Mesh and flavor: two meshes of one name may stand side by side. */
const meshText = ({ mesh, flavor }: ProxyRow): string => `${flavor} ${mesh}`

function proxy(row: ProxyRow, generatedAt: string, several: boolean): Markup {
  const plane = row.controlPlane === null ? DASH : row.controlPlane ? "connected" : "none"
  // A proxy that lives does so since longer than anybody looked: its own uptime tells.
  const since = row.state === "live" || row.since === null ? "" : ` since ${moment(row.since, generatedAt)}`
  const mark = state(SHAPES[row.state], `${row.state}${since}`)
  const wrong = [row.why ?? "", ...faults(row, generatedAt)].filter((text) => text !== "")
  const heat = row.state === "silent" || row.state === "unknown" ? "" : " hot"
  const lacks =
    row.missing.length === 0
      ? ""
      : html`lacks <a href="#gaps">${row.missing.map((word) => gapOf(word).lacks).join(", ")}</a>`
  const spans = spanWayText(row)
  return html`<tr><td class="wide">${mark}</td><th scope="row"><span class="narrow">${mark}</span>${wrapped(row.proxy)}<span class="sub">${whoText(row, several)}</span>${wrong.length === 0 ? "" : html`<span class="sub${heat}">${wrong.join("; ")}</span>`}<span class="sub lacks narrow">${row.provenance === null ? "how it is counted is not known" : `counted from ${sourceText(row)}`}${lacks === "" ? "" : html`; ${lacks}`}</span>${spans === "" ? "" : html`<span class="sub lacks">${spans}</span>`}</th><td class="wide">${row.version ?? DASH}</td><td class="wide">${plane}</td><td class="n wide">${row.configAgeSeconds === null ? DASH : span(row.configAgeSeconds)}</td><td class="n wide">${row.uptimeSeconds === null ? DASH : span(row.uptimeSeconds)}</td><td class="wide">${sourceText(row)}${lacks === "" ? "" : html`<span class="sub lacks">${lacks}</span>`}</td><td class="n">${row.unaccountedRatio === null ? DASH : percent(row.unaccountedRatio)}</td></tr>`
}

/** Faults first, then silence, then what lives. */
function rank(row: ProxyRow): number {
  return ["down", "initializing", "silent", "unknown", "draining", "live"].indexOf(row.state)
}

/** They belong to no mesh that is known, and may be of this one. */
function strangersText({ rows }: ProxiesView): string {
  const count = rows.filter(({ role }) => role === null).length
  return count === 0
    ? ""
    : `; ${count} of them could not be asked yet which mesh ${count === 1 ? "it is" : "they are"} of`
}

/** Every Envoy with what can be read of it, then what they lack, what maps to nothing, the agents. */
export function proxiesMain(view: ProxiesView, names: UnmappedView, query: PageQuery): Markup {
  const rows = view.rows.toSorted((a, b) => rank(a) - rank(b) || a.proxy.localeCompare(b.proxy))
  const several = new Set(rows.filter(({ role }) => role !== null).map(meshText)).size > 1
  return html`<div class="title"><h1>Proxies</h1><span class="muted">${counted(view.total, "Envoy")}, seen by ${counted(view.agents.length, "agent")}${strangersText(view)}</span></div>
<section aria-label="Proxies"><div class="scroll" role="region" aria-label="Proxies table" tabindex="0"><table class="dense"><caption class="vh">Every Envoy</caption><thead><tr><th scope="col" class="wide">State</th><th scope="col">Proxy</th><th scope="col" class="wide">Envoy</th><th scope="col" class="wide">Control plane</th><th scope="col" class="n wide">Configuration age</th><th scope="col" class="n wide">Up</th><th scope="col" class="wide">Requests counted from</th><th scope="col" class="n">Unaccounted %</th></tr></thead><tbody>${rows.length === 0 ? html`<tr><td colspan="8" class="muted">No proxy is known${query.mesh === undefined ? "" : " in this mesh"}: no agent told of one in the last hour.</td></tr>` : rows.map((row) => proxy(row, view.generatedAt, several))}</tbody></table></div>
<p class="sub">No control plane is the normal state after App Mesh's end: a running Envoy keeps its last configuration, one that restarts waits for ever for its first. State unknown: nothing can be asked of the proxy, or its agent does not tell. A dash: the proxy does not say, or carries no HTTP that could be unaccounted.</p></section>
${gapsSection(rows)}
${spanWaysSection(rows)}
${unmappedSection(names, query)}
<section aria-labelledby="h-agents"><header><h2 id="h-agents">Agents</h2></header>${view.agents.length === 0 ? html`<p class="muted">No agent has reported yet.</p>` : agents(view)}</section>`
}

function reports(agent: AgentRow, generatedAt: string): Markup {
  return agent.reports
    ? state("ok", "reports")
    : state("unknown", `silent since ${moment(agent.lastSeenAt, generatedAt)}`)
}

function agents(view: ProxiesView): Markup {
  return html`<div class="scroll" role="region" aria-label="Agents, table" tabindex="0"><table class="dense"><caption class="vh">Agents</caption><thead><tr><th scope="col" class="wide">State</th><th scope="col">Agent</th><th scope="col" class="wide">Host</th><th scope="col" class="n">Proxies</th><th scope="col" class="n wide">Clock ahead by s</th><th scope="col">Last seen</th></tr></thead><tbody>${view.agents.map(
    (agent) =>
      html`<tr><td class="wide">${reports(agent, view.generatedAt)}</td><th scope="row"><span class="narrow">${reports(agent, view.generatedAt)}</span>${wrapped(agent.id)}</th><td class="wide soft">${agent.host}</td><td class="n">${agent.proxies}</td><td class="n wide">${grouped(agent.skewSeconds, 1)}</td><td>${agent.lastSeenAt.slice(11, 19)}</td></tr>`,
  )}</tbody></table></div>`
}
