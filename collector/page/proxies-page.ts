import { html } from "hono/html"
import type { Health } from "#mesh/health.ts"
import type { AgentRow, ProxiesView, ProxyRow, ProxyWord } from "../view/proxies.ts"
import type { UnmappedView } from "../view/unmapped.ts"
import { routeHref } from "./row.ts"
import type { PageQuery } from "./shell.ts"
import { state } from "./state.ts"
import { clock, counted, DASH, grouped, type Markup, percent, span, wrapped } from "./words.ts"

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

/** Faults of a proxy beside its state, each a short sentence. */
function faults(row: ProxyRow): string[] {
  return [
    row.xdsRejected > 0 ? `${counted(row.xdsRejected, "update")} refused in the last hour` : "",
    row.logWriteFailures > 0 ? `${counted(row.logWriteFailures, "log write")} failed in the last hour` : "",
    row.drifts ? "configuration older than a replica's" : "",
  ].filter((text) => text !== "")
}

function proxy(row: ProxyRow): Markup {
  const plane = row.controlPlane === null ? DASH : row.controlPlane ? "connected" : "none"
  // A proxy that lives does so since longer than anybody looked: its own uptime tells.
  const since = row.state === "live" || row.since === null ? "" : ` since ${clock(row.since)}`
  const mark = state(SHAPES[row.state], `${row.state}${since}`)
  const wrong = faults(row)
  const missing = row.missing.length === 0 ? "" : `missing: ${row.missing.join(", ")}`
  return html`<tr><td class="wide">${mark}</td><th scope="row"><span class="narrow">${mark}</span>${wrapped(row.proxy)}<span class="sub">${row.role} of ${wrapped(row.resource)}</span><span class="sub narrow">${[`counted from ${sourceText(row)}`, missing].filter((text) => text !== "").join("; ")}</span>${wrong.length === 0 ? "" : html`<span class="sub hot">${wrong.join("; ")}</span>`}</th><td class="wide">${row.version ?? DASH}</td><td class="wide">${plane}</td><td class="n wide">${row.configAgeSeconds === null ? DASH : span(row.configAgeSeconds)}</td><td class="n wide">${row.uptimeSeconds === null ? DASH : span(row.uptimeSeconds)}</td><td class="wide">${sourceText(row)}${missing === "" ? "" : html`<span class="sub">${missing}</span>`}</td><td class="n">${row.unaccountedRatio === null ? DASH : percent(row.unaccountedRatio)}</td></tr>`
}

function unmapped(view: UnmappedView, query: PageQuery): Markup {
  return html`<section aria-labelledby="h-unmapped"><header><h2 id="h-unmapped">What could not be named</h2><span class="muted">last ${query.window.replace("m", " min")}</span></header>${
    view.doubts.length + view.rows.length === 0
      ? html`<p class="muted">${view.completeness.unaccountedRatio === null ? "No request was read, so none had to be named." : "Every request that was read was given to a declared resource."}</p>`
      : html`<div class="scroll" role="region" aria-label="Unmapped" tabindex="0"><table class="dense"><caption class="vh">Doubts</caption><thead><tr><th scope="col">As read</th><th scope="col">From</th><th scope="col">Why</th><th scope="col" class="n">Count</th></tr></thead><tbody>${view.doubts.map(
          (row) =>
            html`<tr><th scope="row">${row.reason}</th><td>${wrapped(row.proxy)}<span class="sub">${wrapped(row.resource)}</span></td><td class="soft why">${row.meaning}</td><td class="n">${grouped(row.count)}</td></tr>`,
        )}${view.rows.map((row) => html`<tr><th scope="row"><a href="${routeHref(row.id, query)}">${row.name}</a></th><td>${wrapped([row.key.virtualGateway, row.key.virtualService].filter((name) => name !== "").join(" / "))}</td><td class="soft why">${row.why ?? ""}</td><td class="n">${grouped(row.numbers.requests)}</td></tr>`)}</tbody></table></div>`
  }</section>`
}

/** Faults first, then silence, then what lives. */
function rank(row: ProxyRow): number {
  return ["down", "initializing", "silent", "unknown", "draining", "live"].indexOf(row.state)
}

/** Every Envoy with what can be read of it, then what maps to nothing, then the agents. */
export function proxiesMain(view: ProxiesView, names: UnmappedView, query: PageQuery): Markup {
  const rows = view.rows.toSorted((a, b) => rank(a) - rank(b) || a.proxy.localeCompare(b.proxy))
  return html`<div class="title"><h1>Proxies</h1><span class="muted">${counted(view.total, "Envoy")}, seen by ${counted(view.agents.length, "agent")}</span></div>
<section aria-label="Proxies"><div class="scroll" role="region" aria-label="Proxies table" tabindex="0"><table class="dense"><caption class="vh">Every Envoy</caption><thead><tr><th scope="col" class="wide">State</th><th scope="col">Proxy</th><th scope="col" class="wide">Envoy</th><th scope="col" class="wide">Control plane</th><th scope="col" class="n wide">Configuration age</th><th scope="col" class="n wide">Up</th><th scope="col" class="wide">Requests counted from</th><th scope="col" class="n">Unaccounted %</th></tr></thead><tbody>${rows.length === 0 ? html`<tr><td colspan="8" class="muted">No proxy is known${query.mesh === undefined ? "" : " in this mesh"}: no agent told of one in the last hour.</td></tr>` : rows.map(proxy)}</tbody></table></div>
<p class="sub">No control plane is the normal state after App Mesh's end: a running Envoy keeps its last configuration, one that restarts waits for ever for its first. A dash: the proxy does not say, or carries no HTTP that could be unaccounted.</p></section>
${unmapped(names, query)}
<section aria-labelledby="h-agents"><header><h2 id="h-agents">Agents</h2></header>${view.agents.length === 0 ? html`<p class="muted">No agent has reported yet.</p>` : agents(view)}</section>`
}

function reports(agent: AgentRow): Markup {
  return agent.reports ? state("ok", "reports") : state("unknown", `silent since ${clock(agent.lastSeenAt)}`)
}

function agents(view: ProxiesView): Markup {
  return html`<div class="scroll" role="region" aria-label="Agents, table" tabindex="0"><table class="dense"><caption class="vh">Agents</caption><thead><tr><th scope="col" class="wide">State</th><th scope="col">Agent</th><th scope="col" class="wide">Host</th><th scope="col" class="n">Proxies</th><th scope="col" class="n wide">Clock ahead by s</th><th scope="col">Last seen</th></tr></thead><tbody>${view.agents.map(
    (agent) =>
      html`<tr><td class="wide">${reports(agent)}</td><th scope="row"><span class="narrow">${reports(agent)}</span>${wrapped(agent.id)}</th><td class="wide soft">${agent.host}</td><td class="n">${agent.proxies}</td><td class="n wide">${grouped(agent.skewSeconds, 1)}</td><td>${agent.lastSeenAt.slice(11, 19)}</td></tr>`,
  )}</tbody></table></div>`
}
