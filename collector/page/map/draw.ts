import { html, raw } from "hono/html"
import type { GraphNode, GraphView } from "../../view/graph.ts"
import type { PageQuery } from "../shell.ts"
import { stateClass } from "../state.ts"
import type { Markup } from "../words.ts"
import {
  boxHref,
  boxText,
  callersOf,
  type Flow,
  flowOf,
  joinedNames,
  KIND_WORDS,
  shortText,
} from "./box-words.ts"
import { isCompact, layoutMap, type MapLayout, type Placed, type Routed } from "./layout.ts"
import { fitted, textWidth } from "./name.ts"

const KIND_HEADS = [
  "Gateway",
  "Gateway routes",
  "Virtual services",
  "Virtual routers",
  "Routes",
  "Virtual nodes",
]
const LONGEST_NAME_PX = 210
/** In boxes of one line. */
const LONGEST_SHORT_NAME_PX = 150
/** A box's edges, its shape and the space around them. */
const FRAME_PX = 34
/** Smaller maps leave room at the right: larger letters would help nobody. */
const LEAST_WIDTH_PX = 1200
/** Of what stands below names, and how far callers' names may reach past their box. */
const SMALL_PX = 11
const NAME_PX = 12
const CALLERS_MORE_PX = 40

/** Where counts prove no place: what fails with nothing failing to its right. */
function lastFailing(view: GraphView): ReadonlySet<string> {
  const failing = new Set(view.nodes.filter((node) => node.health === "failing").map((node) => node.id))
  const passed = new Set(
    view.edges
      .filter((edge) => edge.kind !== "call" && failing.has(edge.source) && failing.has(edge.target))
      .map((edge) => edge.source),
  )
  return new Set([...failing].filter((id) => !passed.has(id)))
}

function box(
  placed: Placed,
  layout: MapLayout,
  minutes: string,
  query: PageQuery,
  origin: boolean,
  place: number,
): Markup {
  const { node, x, y, width } = placed
  const numbers = boxText(node, minutes)
  const tall = layout.boxHeight > 30
  const short = shortText(node)
  const room = width - FRAME_PX - (tall ? 0 : textWidth(short, SMALL_PX) + 8)
  const left = Math.round(x)
  const top = Math.round(y - layout.boxHeight / 2)
  return html`<a class="box ${stateClass(node.health)}${origin ? " origin" : ""}" href="${boxHref(node, query)}" data-place="${place}" aria-label="${KIND_WORDS[node.kind]} ${node.name}, ${numbers}, ${node.health}${origin ? ", the fault begins here" : ""}"><title>${node.name}${tall ? "" : `: ${numbers}`}</title><rect x="${left + 0.5}" y="${top + 0.5}" width="${Math.round(width) - 1}" height="${layout.boxHeight}" rx="3"/><use href="#i-${stateClass(node.health)}" class="${stateClass(node.health)}" x="${left + 9}" y="${top + (tall ? 7 : 5)}" width="12" height="12"/><text x="${left + 27}" y="${top + 15}">${fitted(node.name, room, tall ? NAME_PX : SMALL_PX)}</text> ${
    tall
      ? html`<text class="m" x="${left + 27}" y="${top + 29}">${numbers}</text>`
      : html`<text class="m" x="${left + Math.round(width) - 8}" y="${top + 15}" text-anchor="end">${short}</text>`
  }</a>`
}

/** Width grows with the logarithm of the rate. */
function strokeWidth({ requestsPerSecond }: Flow): number {
  return 1 + 2.1 * Math.log10(1 + (requestsPerSecond ?? 0))
}

function edgePath({ points }: Routed, carried: Flow, ends: string): Markup {
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
    return html`<g data-ends="${ends}"><path class="edge failing" d="${data}" stroke-width="${Math.max(4, width).toFixed(1)}"/><path class="edge core" d="${data}" stroke-width="${(Math.max(4, width) / 3).toFixed(1)}"/></g>`
  return html`<g data-ends="${ends}"><path class="edge${name === "ok" ? "" : ` ${name}`}" d="${data}" stroke-width="${name === "none" || name === "unknown" ? 1.2 : width.toFixed(1)}"/></g>`
}

function callersText(names: readonly string[]): string {
  return names.length === 0 ? "" : `from ${joinedNames(names)}`
}

/** Who calls a service, written below its box instead of an arrow backwards. */
function callers({ x, y, width }: Placed, layout: MapLayout, names: readonly string[]): Markup {
  if (names.length === 0) return html``
  const below = Math.round(y + layout.boxHeight / 2 + 12)
  return html`<g class="ref"><title>from ${names.join(", ")}</title><text x="${Math.round(x + 4)}" y="${below}">${fitted(callersText(names), width + CALLERS_MORE_PX, SMALL_PX)}</text></g>`
}

/** One line holds name and number beside each other; two lines hold name, numbers, and callers below. */
function boxWidth(
  node: GraphNode,
  view: GraphView,
  minutes: string,
  calling: ReadonlyMap<string, readonly string[]>,
): number {
  const from = callersText(calling.get(node.id) ?? [])
  const calls = Math.min(LONGEST_NAME_PX, textWidth(from, SMALL_PX)) - CALLERS_MORE_PX
  if (isCompact(view.nodes)) {
    const name = Math.min(LONGEST_SHORT_NAME_PX, textWidth(node.name, SMALL_PX))
    return FRAME_PX + Math.max(name + 8 + textWidth(shortText(node), SMALL_PX), calls - FRAME_PX)
  }
  const name = Math.min(LONGEST_NAME_PX, textWidth(node.name))
  return FRAME_PX + Math.max(name, textWidth(boxText(node, minutes), SMALL_PX), calls)
}

/**
 * The map as SVG for wide screens. `origins`: ids of boxes where a fault begins. Boxes and edges carry numbers that tell
 * the script which belong together.
 */
export function serviceMap(
  view: GraphView,
  query: PageQuery,
  minutes: string,
  origins: ReadonlySet<string>,
): Markup {
  const calling = callersOf(view)
  const size = isCompact(view.nodes) ? SMALL_PX : NAME_PX
  const layout = layoutMap(
    view.nodes,
    view.edges,
    (node) => boxWidth(node, view, minutes, calling),
    LEAST_WIDTH_PX,
  )
  const heavy = origins.size > 0 ? origins : lastFailing(view)
  const nodes = new Map(view.nodes.map((node) => [node.id, node]))
  const places = new Map(view.nodes.map((node, index) => [node.id, index]))
  const ends = ({ edge }: Routed): string => `${places.get(edge.source)} ${places.get(edge.target)}`
  const width = Math.max(LEAST_WIDTH_PX, Math.round(layout.width))
  const sorted = layout.boxes.toSorted((a, b) => a.node.layer - b.node.layer || a.y - b.y)
  return html`<div class="map${size === SMALL_PX ? " small" : ""}"><svg viewBox="0 0 ${width} ${Math.round(layout.height + 18)}" role="group" aria-labelledby="mt md"><title id="mt">Service map</title><desc id="md">Columns from gateway to virtual node. The same data is in the table view.</desc>
<g aria-hidden="true">${layout.edges.map((routed) => edgePath(routed, flowOf(routed.edge, nodes), ends(routed)))}</g>
${layout.columns.map((column) => html`<text class="kind" x="${Math.round(column.x)}" y="12">${KIND_HEADS[column.layer] ?? ""}</text>`)}
${layout.boxes.map((placed) => callers(placed, layout, calling.get(placed.node.id) ?? []))}
${sorted.map((placed) => box(placed, layout, minutes, query, heavy.has(placed.node.id), places.get(placed.node.id) ?? 0))}
</svg></div>`
}

const line = (classes: string, width: number) =>
  raw(
    `<svg viewBox="0 0 26 8" aria-hidden="true"><path class="edge ${classes}" d="M0 4H26" stroke-width="${width}"/></svg>`,
  )

export const LEGEND = html`<p class="legend"><span>${line("", 3)}width: requests/s, logarithmic</span><span><svg viewBox="0 0 26 8" aria-hidden="true"><path class="edge failing" d="M0 4H26" stroke-width="5"/><path class="edge core" d="M0 4H26" stroke-width="1.6"/></svg>failing: double line</span><span>${line("degraded", 3)}degraded</span><span>${line("none", 1.2)}no traffic</span><span>${line("unknown", 1.2)}unknown</span></p>`
