import * as fc from "fast-check"
import { expect, it } from "vitest"
import { layoutMap } from "../../collector/page/map/layout.ts"
import { fitted, textWidth } from "../../collector/page/map/name.ts"
import type { GraphEdge, GraphNode } from "../../collector/view/graph.ts"

const LAYERS = [
  "virtual_gateway",
  "gateway_route",
  "virtual_service",
  "virtual_router",
  "route",
  "virtual_node",
] as const

function node(layer: number, index: number): GraphNode {
  return {
    id: `${layer}/${index}`,
    kind: LAYERS[layer] ?? "virtual_node",
    mesh: "m",
    name: `resource-${layer}-${index}`,
    namespace: null,
    layer,
    health: "ok",
    why: null,
    synthetic: null,
    declared: true,
    numbers: null,
    tcp: null,
    hosts: null,
    routeId: null,
    calledBy: [],
  }
}

function edge(source: GraphNode, target: GraphNode): GraphEdge {
  return {
    id: `${source.id}>${target.id}`,
    source: source.id,
    target: target.id,
    kind: "declared",
    protocol: "http",
    health: "ok",
    requestsPerSecond: 1,
    errorRatio: 0,
    p95Ms: 1,
    weight: null,
  }
}

/** Meshes of any shape: each box of a later column hangs on random boxes of earlier ones, some with long edges. */
const meshes = fc
  .tuple(
    fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 60 }),
    fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 120 }),
  )
  .map(([layers, pairs]) => {
    const nodes = layers.map((layer, index) => node(layer, index))
    const edges = new Map<string, GraphEdge>()
    for (const [a, b] of pairs) {
      const source = nodes[a % nodes.length]
      const target = nodes[b % nodes.length]
      if (source !== undefined && target !== undefined && source.layer < target.layer) {
        const made = edge(source, target)
        edges.set(made.id, made)
      }
    }
    return { nodes, edges: [...edges.values()] }
  })

const width = (each: GraphNode): number => 34 + textWidth(each.name)

it("no box overlaps another, and every edge keeps out of boxes that are not its own", () => {
  fc.assert(
    fc.property(meshes, ({ nodes, edges }) => {
      const layout = layoutMap(nodes, edges, width)
      expect(layout.boxes).toHaveLength(nodes.length)
      const half = layout.boxHeight / 2
      for (const [index, box] of layout.boxes.entries()) {
        expect(box.y - half).toBeGreaterThanOrEqual(0)
        expect(box.y + half).toBeLessThanOrEqual(layout.height)
        const beside = layout.boxes.slice(index + 1).filter(({ node: { layer } }) => layer === box.node.layer)
        for (const other of beside) expect(Math.abs(other.y - box.y)).toBeGreaterThanOrEqual(layout.boxHeight)
      }
      expect(layout.edges).toHaveLength(edges.length)
      for (const { edge: each, points } of layout.edges) {
        // Inside a column an edge runs level from the column's left to its right: points come in pairs there.
        for (const [x, y] of points.slice(1, -1)) {
          for (const box of layout.boxes) {
            if (box.node.id === each.source || box.node.id === each.target) continue
            const inside = x >= box.x && x <= box.x + box.width && Math.abs(y - box.y) < half
            expect(inside, `${each.id} crosses ${box.node.id}`).toBe(false)
          }
        }
      }
    }),
    { numRuns: 150 },
  )
})

it("a name that does not fit is cut in the middle and keeps both ends", () => {
  expect(fitted("short", 200)).toBe("short")
  const cut = fitted("yelb-appserver-virtual-node-with-a-very-long-name-v2", 200)
  expect(textWidth(cut)).toBeLessThanOrEqual(200)
  expect(cut).toMatch(/^yelb.*….*-v2$/u)
  fc.assert(
    fc.property(fc.string({ maxLength: 80 }), fc.integer({ min: 20, max: 400 }), (name, room) => {
      expect(textWidth(fitted(name, room))).toBeLessThanOrEqual(Math.max(room, textWidth("…")))
    }),
  )
})

it("a name of Istio's that does not fit loses the cluster's domain first, and never its subset", () => {
  const name = "reviews.shop-production-eu.svc.cluster.local/v2"
  expect(fitted(name, 1000)).toBe(name)
  expect(fitted(name, 250)).toBe("reviews.shop-production-eu…/v2")
  expect(fitted(name, 160)).toMatch(/^revi.*….*…\/v2$/u)
})
