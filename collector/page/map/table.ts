import { html } from "hono/html"
import { HEALTH_STATES } from "#mesh/health.ts"
import type { Kind } from "#mesh/resource.ts"
import type { GraphEdge, GraphNode, GraphView } from "../../view/graph.ts"
import { withoutRoute } from "../counts.ts"
import type { PageQuery } from "../shell.ts"
import { heat, state } from "../state.ts"
import { counted, DASH, leastRate, type Markup, millis, orDash, percent, rate, wrapped } from "../words.ts"
import { boxHref, type Flow, flowOf, hostsText, isTcp, KIND_WORDS, tcpText } from "./box-words.ts"

/** What else is to be said of a resource: its connections, why it is not known, hosts that are out. */
function sub(node: GraphNode): string {
  const why = node.why ?? ""
  return [isTcp(node) ? tcpText(node) : "", why, hostsText(node)].filter((text) => text !== "").join(" · ")
}

function resource(node: GraphNode, query: PageQuery): Markup {
  const { numbers } = node
  const unknown = node.health === "unknown"
  const told = numbers === null || numbers.requests === 0 ? undefined : leastRate(numbers.requestsPerSecond)
  const requests = isTcp(node) ? "TCP" : orDash(unknown ? told : rate(numbers?.requestsPerSecond ?? null))
  const ratio = numbers?.errorRatio ?? null
  const errors = unknown && numbers?.errors === 0 ? undefined : percent(ratio)
  const more = sub(node)
  return html`<tr><td class="wide">${state(node.health)}</td><th scope="row"><span class="narrow">${state(node.health)}</span><a href="${boxHref(node, query)}">${wrapped(node.name)}</a>${more === "" ? "" : html`<span class="sub">${more}</span>`}</th><td class="n">${requests}</td><td class="n${heat(node.health, ratio)}">${orDash(errors)}</td><td class="n wide">${orDash(millis(node.numbers?.p95Ms ?? null))}</td></tr>`
}

/** `5 routes and 1 row without a known route`. */
function kindText(kind: Kind, nodes: readonly GraphNode[]): string {
  const synthetic = nodes.filter((node) => node.synthetic !== null).length
  const named = counted(nodes.length - synthetic, KIND_WORDS[kind])
  if (synthetic === 0) return named
  return synthetic === nodes.length ? withoutRoute(synthetic) : `${named} and ${withoutRoute(synthetic)}`
}

function resources(view: GraphView, query: PageQuery): Markup {
  const kinds = Map.groupBy(
    view.nodes.toSorted(
      (a, b) => a.layer - b.layer || HEALTH_STATES.indexOf(a.health) - HEALTH_STATES.indexOf(b.health),
    ),
    (node) => node.kind,
  )
  return html`<div class="scroll" role="region" aria-label="Resources" tabindex="0"><table class="dense"><caption class="vh">Resources by kind</caption><thead><tr><th scope="col" class="wide">State</th><th scope="col">Resource</th><th scope="col" class="n">Requests/s</th><th scope="col" class="n">Errors %</th><th scope="col" class="n wide">p95 ms</th></tr></thead><tbody>${[
    ...kinds,
  ].map(
    ([kind, nodes]) =>
      html`<tr class="group"><th colspan="5" scope="rowgroup">${kindText(kind, nodes)}</th></tr>${nodes.map((node) => resource(node, query))}`,
  )}</tbody></table></div>`
}

interface Row {
  readonly edge: GraphEdge
  readonly flow: Flow
  readonly from: string
  readonly to: string
}

function connection({ edge, flow, from, to }: Row): Markup {
  const requests = edge.protocol === "tcp" ? "TCP" : orDash(rate(flow.requestsPerSecond))
  return html`<tr><td class="wide">${state(flow.health)}</td><th scope="row"><span class="narrow">${state(flow.health)}</span>${wrapped(from)}<span class="sub narrow">to ${wrapped(to)}</span></th><td class="wide">${wrapped(to)}</td><td class="n">${requests}</td><td class="n${heat(flow.health, flow.errorRatio)}">${flow.errorRatio === null ? DASH : percent(flow.errorRatio)}</td><td class="n wide">${orDash(millis(edge.p95Ms))}</td></tr>`
}

function connections(view: GraphView): Markup {
  const nodes = new Map(view.nodes.map((node) => [node.id, node]))
  const rows = view.edges
    .map((edge) => ({
      edge,
      flow: flowOf(edge, nodes),
      from: nodes.get(edge.source)?.name ?? edge.source,
      to: nodes.get(edge.target)?.name ?? edge.target,
    }))
    .toSorted(
      (a, b) =>
        HEALTH_STATES.indexOf(a.flow.health) - HEALTH_STATES.indexOf(b.flow.health) ||
        (b.flow.requestsPerSecond ?? -1) - (a.flow.requestsPerSecond ?? -1),
    )
  if (rows.length === 0) return html`<p class="muted">No connection between them is known.</p>`
  const failing = rows.filter(({ flow }) => flow.health === "failing").length
  return html`<details id="connections"><summary>${counted(rows.length, "connection")}${failing === 0 ? "" : `, ${failing} failing`}</summary><div class="scroll" role="region" aria-label="Connections" tabindex="0"><table class="dense"><caption class="vh">Who sends to whom, worst first</caption><thead><tr><th scope="col" class="wide">State</th><th scope="col">From</th><th scope="col" class="wide">To</th><th scope="col" class="n">Requests/s</th><th scope="col" class="n">Errors %</th><th scope="col" class="n wide">p95 ms</th></tr></thead><tbody>${rows.map(connection)}</tbody></table></div></details>`
}

/** The map's data as tables: the only view on narrow screens, and the whole truth about edges for a screen reader. */
export function mapTable(view: GraphView, query: PageQuery): Markup {
  return html`<div class="map-list">${resources(view, query)}
${connections(view)}</div>`
}
