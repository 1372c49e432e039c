import type { GraphEdge, GraphNode } from "../../view/graph.ts"

/** Where one box stands; y is its middle. Units: px of the drawing's own coordinates. */
export interface Placed {
  readonly node: GraphNode
  readonly x: number
  readonly y: number
  readonly width: number
}

/** One edge with the points it passes: start, a lane in each column it crosses, end. */
export interface Routed {
  readonly edge: GraphEdge
  readonly points: readonly (readonly [number, number])[]
}

export interface MapLayout {
  readonly width: number
  readonly height: number
  readonly boxHeight: number
  readonly columns: readonly { readonly layer: number; readonly x: number; readonly width: number }[]
  readonly boxes: readonly Placed[]
  readonly edges: readonly Routed[]
}

/** A place in a column: a box, or a lane that a longer edge keeps free. */
interface Seat {
  readonly id: string
  readonly layer: number
  readonly height: number
  y: number
  readonly near: Seat[]
}

const GAP_X = 46
const COMPACT_GAP_X = 28
/** Where there is room, columns stand further apart, up to this. */
const MOST_GAP_X = 110
/** Above so many boxes each has one line. */
const COMPACT_ABOVE = 30
const PAD = 12
const TOP = 26
const SWEEPS = 6
const CALLERS_HEIGHT = 20

/**
 * Columns by kind, rows in the order of first reach, so that match order is kept. Edges that pass a column get a lane
 * of their own there and never cross a box. Calls are not drawn: the box of the service says who calls it.
 */
export function layoutMap(
  nodes: readonly GraphNode[],
  edges: readonly GraphEdge[],
  widthOf: (node: GraphNode) => number,
  leastWidth = 0,
): MapLayout {
  const compact = isCompact(nodes)
  const boxHeight = compact ? 22 : 36
  const rowHeight = compact ? 28 : 43
  const drawn = edges.filter((edge) => edge.kind !== "call")
  const layers = [...new Set(nodes.map((node) => node.layer))].toSorted((a, b) => a - b)
  const columns = placeColumns(layers, nodes, widthOf, leastWidth)
  const called = new Set(edges.filter((edge) => edge.kind === "call").map((edge) => edge.target))
  const { seats, lanes, order } = seatAll(nodes, drawn, layers, rowHeight, called)
  spread(order, rowHeight)
  const top = Math.min(...[...seats.values()].map((seat) => seat.y), Number.POSITIVE_INFINITY)
  for (const column of order)
    for (const seat of column) seat.y += TOP + boxHeight / 2 - (Number.isFinite(top) ? top : 0)
  const at = new Map(columns.map((column) => [column.layer, column]))
  const boxes = nodes.map((node) => {
    const column = at.get(node.layer)
    return { node, x: column?.x ?? 0, y: seats.get(node.id)?.y ?? 0, width: column?.width ?? 0 }
  })
  const byId = new Map(boxes.map((box) => [box.node.id, box]))
  const routed = drawn.flatMap((edge) => {
    const from = byId.get(edge.source)
    const to = byId.get(edge.target)
    if (from === undefined || to === undefined) return []
    const middle = (lanes.get(edge.id) ?? []).flatMap((seat) => {
      const column = at.get(seat.layer)
      return column === undefined
        ? []
        : [[column.x, seat.y] as const, [column.x + column.width, seat.y] as const]
    })
    return [{ edge, points: [[from.x + from.width, from.y] as const, ...middle, [to.x, to.y] as const] }]
  })
  const last = columns.at(-1)
  const lowest = Math.max(0, ...order.flat().map((seat) => seat.y))
  return {
    width: last === undefined ? 0 : last.x + last.width + 1,
    height: lowest + boxHeight / 2 + 4,
    boxHeight,
    columns,
    boxes,
    edges: routed,
  }
}

/** Whether boxes have one line, because there are many. */
export function isCompact(nodes: readonly GraphNode[]): boolean {
  return nodes.length > COMPACT_ABOVE
}

function placeColumns(
  layers: readonly number[],
  nodes: readonly GraphNode[],
  widthOf: (node: GraphNode) => number,
  leastWidth: number,
): MapLayout["columns"] {
  const widths = layers.map(
    (layer) => Math.max(...nodes.filter((node) => node.layer === layer).map(widthOf)) + PAD,
  )
  const sum = widths.reduce((all, width) => all + width, 0)
  const wished = (leastWidth - sum) / Math.max(1, layers.length - 1)
  const gap = Math.max(isCompact(nodes) ? COMPACT_GAP_X : GAP_X, Math.min(MOST_GAP_X, wished))
  let x = 0
  return layers.map((layer, index) => {
    const width = widths[index] ?? 0
    const column = { layer, x, width }
    x += width + gap
    return column
  })
}

/** Gives each box a seat in its column by depth-first reach from the left, and each longer edge its lanes. */
function seatAll(
  nodes: readonly GraphNode[],
  edges: readonly GraphEdge[],
  layers: readonly number[],
  rowHeight: number,
  called: ReadonlySet<string>,
) {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const outgoing = Map.groupBy(edges, (edge) => edge.source)
  const reached = new Set(edges.map((edge) => edge.target))
  const seats = new Map<string, Seat>()
  const lanes = new Map<string, Seat[]>()
  const order: Seat[][] = layers.map(() => [])
  const sit = (id: string, layer: number, height: number): Seat => {
    const seat: Seat = { id, layer, height, y: 0, near: [] }
    order[layers.indexOf(layer)]?.push(seat)
    return seat
  }
  const visit = (node: GraphNode): Seat => {
    const known = seats.get(node.id)
    if (known !== undefined) return known
    // Who calls a service is written below its box.
    const seat = sit(node.id, node.layer, called.has(node.id) ? rowHeight + CALLERS_HEIGHT : rowHeight)
    seats.set(node.id, seat)
    for (const edge of outgoing.get(node.id) ?? []) {
      const target = byId.get(edge.target)
      if (target === undefined || target.layer <= node.layer) continue
      const between = layers.filter((layer) => layer > node.layer && layer < target.layer)
      const path = between.map((layer) => sit(`${edge.id}@${layer}`, layer, rowHeight / 2))
      lanes.set(edge.id, path)
      const chain = [seat, ...path, visit(target)]
      for (const [index, here] of chain.entries()) {
        const next = chain[index + 1]
        if (next === undefined) continue
        here.near.push(next)
        next.near.push(here)
      }
    }
    return seat
  }
  for (const node of nodes) if (!reached.has(node.id)) visit(node)
  for (const node of nodes) visit(node)
  return { seats, lanes, order }
}

/** Pulls each seat to the middle of its neighbours, keeping order and distance within the column. */
function spread(order: readonly Seat[][], rowHeight: number): void {
  for (const column of order)
    pack(
      column,
      column.map((_seat, index) => index * rowHeight),
    )
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (const column of sweep % 2 === 0 ? order.toReversed() : order) {
      pack(
        column,
        column.map((seat) =>
          seat.near.length === 0
            ? seat.y
            : seat.near.reduce((sum, near) => sum + near.y, 0) / seat.near.length,
        ),
      )
    }
  }
}

/** Smallest shifts that keep the order: groups that touch move as one to their mean wish (pool adjacent violators). */
function pack(column: readonly Seat[], wishes: readonly number[]): void {
  const groups: { sum: number; count: number; seats: { seat: Seat; offset: number }[]; length: number }[] = []
  for (const [index, seat] of column.entries()) {
    let group = {
      sum: wishes[index] ?? 0,
      count: 1,
      seats: [{ seat, offset: seat.height / 2 }],
      length: seat.height,
    }
    for (let before = groups.at(-1); before !== undefined; before = groups.at(-1)) {
      if (start(before) + before.length <= start(group) + 1e-6) break
      groups.pop()
      const length = before.length
      group = {
        sum: before.sum + group.sum - group.count * length,
        count: before.count + group.count,
        seats: [
          ...before.seats,
          ...group.seats.map((each) => ({ seat: each.seat, offset: each.offset + length })),
        ],
        length: length + group.length,
      }
    }
    groups.push(group)
  }
  for (const group of groups) for (const { seat, offset } of group.seats) seat.y = start(group) + offset
}

/** Upper edge of a group: the mean of what its seats wish for, each less its own place in the group. */
function start(group: {
  readonly sum: number
  readonly count: number
  readonly seats: readonly { readonly offset: number }[]
}): number {
  const first = group.seats[0]?.offset ?? 0
  return group.sum / group.count - first
}
