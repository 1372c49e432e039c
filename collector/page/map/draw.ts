import { html, raw } from "hono/html"
import type { Health } from "#mesh/health.ts"
import type { GraphEdge, GraphNode, GraphView } from "../../view/graph.ts"
import { routeHref } from "../row.ts"
import { link, type PageQuery } from "../shell.ts"
import { state, stateClass } from "../state.ts"
import { DASH, grouped, type Markup, millis, orDash, percent, rate, wrapped } from "../words.ts"
import { layoutMap, type MapLayout, type Placed, type Routed } from "./layout.ts"
import { fitted, textWidth } from "./name.ts"

const KIND_HEADS = [
  "Gateway",
  "Gateway routes",
  "Virtual services",
  "Virtual routers",
  "Routes",
  "Virtual nodes",
]
const KIND_WORDS = {
  mesh: "mesh",
  virtual_gateway: "gateway",
  gateway_route: "gateway route",
  virtual_service: "virtual service",
  virtual_router: "virtual router",
  route: "route",
  virtual_node: "virtual node",
} as const
const LONGEST_NAME_PX = 210

/** What is written below a box's name. */
export function boxText(node: GraphNode, minutes: string): string {
  const { numbers, tcp, hosts } = node
  const sick =
    hosts !== null && hosts.healthy < hosts.total
      ? ` · ${hosts.total - hosts.healthy} of ${hosts.total} hosts out`
      : ""
  if (tcp !== null && (numbers === null || numbers.requests === 0)) {
    const open = tcp.activeConnections === null ? "" : ` · ${grouped(tcp.activeConnections)} open`
    return `TCP${open} · ${grouped(tcp.openedPerSecond, 1)}/s${sick}`
  }
  if (node.health === "unknown" && (numbers === null || numbers.requests === 0)) return `not known${sick}`
  if (numbers === null || numbers.requests === 0) return `no request in ${minutes}${sick}`
  const errors = percent(numbers.errorRatio, 1)
  return `${rate(numbers.requestsPerSecond)}/s${errors === undefined ? "" : ` · ${errors} %`}${sick}`
}

function boxHref(node: GraphNode, query: PageQuery): string {
  if (node.routeId !== null) return routeHref(node.routeId, query)
  const filter = node.kind === "virtual_node" ? "target" : "q"
  return link("/routes", query, { [filter]: node.name })
}

/** The resource where a fault begins: failing, and nothing failing to its right. */
function origins(view: GraphView): ReadonlySet<string> {
  const failing = new Set(view.nodes.filter((node) => node.health === "failing").map((node) => node.id))
  const passed = new Set(
    view.edges
      .filter((edge) => edge.kind !== "call" && failing.has(edge.source) && failing.has(edge.target))
      .map((edge) => edge.source),
  )
  return new Set([...failing].filter((id) => !passed.has(id)))
}

function box(placed: Placed, layout: MapLayout, minutes: string, query: PageQuery, origin: boolean): Markup {
  const { node, x, y, width } = placed
  const numbers = boxText(node, minutes)
  const tall = layout.boxHeight > 30
  const room = width - 34 - (tall ? 0 : textWidth(numbers, 11) + 8)
  const left = Math.round(x)
  const top = Math.round(y - layout.boxHeight / 2)
  return html`<a class="box ${stateClass(node.health)}${origin ? " origin" : ""}" href="${boxHref(node, query)}" aria-label="${KIND_WORDS[node.kind]} ${node.name}, ${numbers}, ${node.health}"><title>${node.name}</title><rect x="${left + 0.5}" y="${top + 0.5}" width="${Math.round(width) - 1}" height="${layout.boxHeight}" rx="3"/><use href="#i-${stateClass(node.health)}" class="${stateClass(node.health)}" x="${left + 9}" y="${top + (tall ? 7 : 5)}" width="12" height="12"/><text x="${left + 27}" y="${top + 15}">${fitted(node.name, room)}</text> ${
    tall
      ? html`<text class="m" x="${left + 27}" y="${top + 29}">${numbers}</text>`
      : html`<text class="m" x="${left + Math.round(width) - 8}" y="${top + 15}" text-anchor="end">${numbers}</text>`
  }</a>`
}

/** What flows along an edge. Nobody measures an edge of pure structure: it carries what its narrower end does. */
function flow(edge: GraphEdge, nodes: ReadonlyMap<string, GraphNode>): Flow {
  if (edge.kind !== "declared") return { health: edge.health, requestsPerSecond: edge.requestsPerSecond ?? 0 }
  const end = nodes.get(edge.target)
  const narrow = end?.kind === "virtual_router" ? nodes.get(edge.source) : end
  return { health: narrow?.health ?? edge.health, requestsPerSecond: narrow?.numbers?.requestsPerSecond ?? 0 }
}

interface Flow {
  readonly health: Health
  readonly requestsPerSecond: number
}

/** Width grows with the logarithm of the rate. */
function strokeWidth({ requestsPerSecond }: Flow): number {
  return 1 + 2.1 * Math.log10(1 + requestsPerSecond)
}

function edgePath({ points }: Routed, carried: Flow): Markup {
  const [first, ...rest] = points
  if (first === undefined) return html``
  let [x, y] = first
  let data = `M${x.toFixed(0)} ${y.toFixed(1)}`
  for (const [toX, toY] of rest) {
    const middle = ((x + toX) / 2).toFixed(0)
    data +=
      toY === y
        ? `L${toX.toFixed(0)} ${toY.toFixed(1)}`
        : `C${middle} ${y.toFixed(1)} ${middle} ${toY.toFixed(1)} ${toX.toFixed(0)} ${toY.toFixed(1)}`
    x = toX
    y = toY
  }
  const name = stateClass(carried.health)
  const width = strokeWidth(carried)
  if (name === "failing")
    return html`<path class="edge failing" d="${data}" stroke-width="${Math.max(4, width).toFixed(1)}"/><path class="edge core" d="${data}" stroke-width="${(Math.max(4, width) / 3).toFixed(1)}"/>`
  return html`<path class="edge${name === "ok" ? "" : ` ${name}`}" d="${data}" stroke-width="${name === "none" || name === "unknown" ? 1.2 : width.toFixed(1)}"/>`
}

/** Who calls a service, written beside its box instead of an arrow backwards. */
function callers(placed: Placed, layout: MapLayout): Markup {
  const { node, x, y, width } = placed
  if (node.calledBy.length === 0) return html``
  const text = `from ${node.calledBy.join(" and ")}`
  const below = Math.round(y + layout.boxHeight / 2 + 9)
  return html`<g class="ref"><text x="${Math.round(x + 4)}" y="${below}">${fitted(text, width + 40, 9)}</text><title>${text}</title></g>`
}

/** The map as SVG for wide screens. */
export function serviceMap(view: GraphView, query: PageQuery, minutes: string): Markup {
  const layout = layoutMap(
    view.nodes,
    view.edges,
    (node) =>
      34 + Math.max(Math.min(LONGEST_NAME_PX, textWidth(node.name)), textWidth(boxText(node, minutes), 11)),
  )
  const origin = origins(view)
  const nodes = new Map(view.nodes.map((node) => [node.id, node]))
  const width = Math.max(900, Math.round(layout.width))
  const sorted = layout.boxes.toSorted((a, b) => a.node.layer - b.node.layer || a.y - b.y)
  return html`<div class="map"><svg viewBox="0 0 ${width} ${Math.round(layout.height + 14)}" role="group" aria-labelledby="mt md"><title id="mt">Service map</title><desc id="md">Columns from gateway to virtual node. The same data is in the table view.</desc>
<g class="edges" aria-hidden="true">${layout.edges.map((routed) => edgePath(routed, flow(routed.edge, nodes)))}</g>
${layout.columns.map((column) => html`<text class="kind" x="${Math.round(column.x)}" y="12">${KIND_HEADS[column.layer] ?? ""}</text>`)}
${layout.boxes.map((placed) => callers(placed, layout))}
${sorted.map((placed) => box(placed, layout, minutes, query, origin.has(placed.node.id)))}
</svg></div>`
}

const line = (classes: string, width: number) =>
  raw(
    `<svg viewBox="0 0 26 8" aria-hidden="true"><path class="edge ${classes}" d="M0 4H26" stroke-width="${width}"/></svg>`,
  )

export const LEGEND = html`<p class="legend"><span>${line("", 3)}width: requests/s, logarithmic</span><span><svg viewBox="0 0 26 8" aria-hidden="true"><path class="edge failing" d="M0 4H26" stroke-width="5"/><path class="edge core" d="M0 4H26" stroke-width="1.6"/></svg>failing: double line</span><span>${line("degraded", 3)}degraded</span><span>${line("none", 1.2)}no traffic</span><span>${line("unknown", 1.2)}unknown</span></p>`

/** The same data as a table: the only view on narrow screens, and the whole truth about edges for a screen reader. */
export function mapTable(view: GraphView, query: PageQuery, minutes: string): Markup {
  const names = new Map(view.nodes.map((node) => [node.id, node]))
  const nodes = view.nodes.toSorted((a, b) => a.layer - b.layer)
  return html`<div class="map-list"><div class="scroll" role="region" aria-label="Resources" tabindex="0"><table class="dense"><caption class="vh">Resources by kind</caption><thead><tr><th scope="col">State</th><th scope="col">Resource</th><th scope="col" class="wide">Kind</th><th scope="col">Now</th></tr></thead><tbody>${nodes.map(
    (node) =>
      html`<tr><td>${state(node.health)}</td><th scope="row"><a href="${boxHref(node, query)}">${wrapped(node.name)}</a></th><td class="wide soft">${KIND_WORDS[node.kind]}</td><td>${boxText(node, minutes)}</td></tr>`,
  )}</tbody></table></div>
<div class="scroll" role="region" aria-label="Connections" tabindex="0"><table class="dense"><caption class="vh">Who sends to whom</caption><thead><tr><th scope="col">From</th><th scope="col">To</th><th scope="col">State</th><th scope="col" class="n">Requests/s</th><th scope="col" class="n">Errors %</th><th scope="col" class="n wide">p95 ms</th></tr></thead><tbody>${view.edges.map(
    (edge) =>
      html`<tr><th scope="row">${wrapped(names.get(edge.source)?.name ?? edge.source)}</th><td>${wrapped(names.get(edge.target)?.name ?? edge.target)}</td><td>${state(edge.health)}</td><td class="n">${edge.protocol === "tcp" ? "TCP" : orDash(rate(edge.requestsPerSecond))}</td><td class="n">${edge.errorRatio === null ? DASH : percent(edge.errorRatio)}</td><td class="n wide">${orDash(millis(edge.p95Ms))}</td></tr>`,
  )}</tbody></table></div></div>`
}
