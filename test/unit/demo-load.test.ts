import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { expect, test } from "vitest"
import { behaviourOf } from "../../demo/apps/behaviour.ts"
import { makeClient } from "../../demo/client.ts"
import { differences, truthByLabels, truthByRoutes } from "../../demo/compare.ts"
import { placePods } from "../../demo/control-plane/placement.ts"
import { samplesOf } from "../../demo/exposition.ts"
import { Load } from "../../demo/load.ts"
import { logKind, withLogs } from "../../demo/logs.ts"
import { type Planned, planRequests } from "../../demo/plan.ts"
import { gatewayPass, matches } from "../../demo/routing.ts"
import { asTold } from "../../demo/sight.ts"
import type { TruthCount } from "../../demo/truth.ts"
import { RICH } from "./demo-model.ts"

const plan = (seed: number): Planned[] => {
  const options = { mesh: RICH, placement: placePods(RICH, {}, 40), seed, mix: "all" } as const
  const requests = planRequests(options)
  return Array.from({ length: 500 }, () => requests.next().value)
}

test("a seed is a plan: equal for itself, different for another, ids unique", () => {
  expect(plan(3)).toEqual(plan(3))
  expect(plan(3)).not.toEqual(plan(4))
  expect(new Set(plan(3).map(({ request }) => request)).size).toBe(500)
})

test("a mesh without the resources gets none of the extended scenarios", () => {
  const names = new Set(plan(3).map(({ scenario }) => scenario))
  expect(names).toContain("abort")
  expect(names).not.toContain("grpc")
})

test("load keeps to its concurrency, and nothing is under way while it is held still", async () => {
  let under = 0
  let most = 0
  const client = {
    send: async (planned: Planned) => {
      most = Math.max(most, ++under)
      await new Promise((resolve) => setTimeout(resolve, 2))
      under--
      return { ...planned, protocol: "http", end: { how: "answered", code: 200, grpcStatus: -1 } } as const
    },
    held: () => {},
    close: () => {},
  }
  let done = 0
  const load = new Load({ client, plan: plan(1).values(), concurrency: 5, done: () => done++ })
  const running = load.run(100)
  const seen = await load.still(() => Promise.resolve(under))
  await running
  expect({ seen, most, done }).toEqual({ seen: 0, most: 5, done: 100 })
})

test("a request that an application holds is given up, though an Envoy wrote into its id why it traces", async () => {
  const [planned] = plan(1)
  if (planned === undefined) throw new Error("no plan")
  const silent = createServer().listen(0, "127.0.0.1")
  await once(silent, "listening")
  const { port } = silent.address() as AddressInfo
  const client = makeClient()
  const request = "00000001-0000-4000-8000-000000000001"
  const sent = client.send({ ...planned, host: "127.0.0.1", port, request, abort: true })
  client.held("00000001-0000-4000-8000-000000000002")
  client.held("00000001-0000-9000-8000-000000000001")
  expect((await sent).end.how).toBe("left")
  client.close()
  silent.close()
})

test.each([
  ["/cart/list?q=1", "cart", "/list?q=1"],
  ["/cart", "cart", "/"],
  ["/cartography", "cart", "/ography"],
  ["/basket", "exact", "/cart"],
  ["/keep/it", "kept-host", "/keep/it"],
  ["/other", "front", "/other"],
])("the gateway takes %s by %s to %s", (path, route, onward) => {
  const [gateway] = RICH.virtualGateways
  if (gateway === undefined) throw new Error("no gateway")
  const pass = gatewayPass(gateway, { authority: "shop.example", method: "GET", path, headers: {} })
  expect([pass?.route.name, pass?.onward.path]).toEqual([route, onward])
})

test("a match with every kind of condition", () => {
  const match = RICH.virtualRouters[0]?.routes[0]?.match ?? {}
  const asked = {
    authority: "cart.ns",
    method: "GET",
    path: "/?q=1",
    headers: { "x-canary": "v2", "x-age": "9", "x-there": "" } as Record<string, string>,
  }
  expect(matches(match, asked)).toBe(true)
  expect(matches(match, { ...asked, method: "POST" })).toBe(false)
  expect(matches(match, { ...asked, path: "/?q=2" })).toBe(false)
  expect(matches(match, { ...asked, headers: { ...asked.headers, "x-old": "yes" } })).toBe(false)
  expect(matches(match, { ...asked, headers: { ...asked.headers, "x-age": "10" } })).toBe(false)
  expect(matches(match, { ...asked, headers: { "x-canary": "v2", "x-age": "9" } })).toBe(false)
})

test("behaviours hold for their service and their first attempts", () => {
  const header = JSON.stringify({ "cart.ns": { status: 503, first: 2 } })
  expect(behaviourOf(header, "cart.ns", 2)).toEqual({ status: 503, first: 2 })
  expect(behaviourOf(header, "cart.ns", 3)).toEqual({})
  expect(behaviourOf(header, "other.ns", 1)).toEqual({})
  expect(behaviourOf("{", "cart.ns", 1)).toEqual({})
  expect(behaviourOf(header, "__proto__", 1)).toEqual({})
})

test("log plans replace what is named and keep the rest; JSON logs the headers that routes match on", () => {
  const mesh = withLogs(RICH, { front_ns: "none", "cart-v2_ns": "json" })
  const kinds = mesh.virtualNodes.map(({ name, accessLog }) => `${name} ${logKind(accessLog)}`)
  expect(kinds.slice(0, 3)).toEqual(["front_ns none", "cart_ns text", "cart-v2_ns json"])
  expect(mesh.virtualNodes[2]?.accessLog?.json).toMatchObject({
    path: "%REQ(:PATH)%",
    x_canary: "%REQ(X-CANARY)%",
  })
})

const row = (more: Partial<TruthCount>): TruthCount => ({
  reporter: "destination",
  virtualGateway: "",
  gatewayRoute: "",
  virtualService: "",
  virtualRouter: "",
  route: "",
  source: "",
  virtualNode: "cart_ns",
  protocol: "http",
  code: 200,
  grpcStatus: -1,
  outcome: "ok",
  count: 1,
  ...more,
})

test("what a log setting cannot tell is told as it can", () => {
  const [text, none] = ["cart_ns", "cart-v2_ns"]
  const grpc = { code: 200, grpcStatus: 13, outcome: "error" } as const
  const cut = { code: 200, outcome: "error" } as const
  const rows = [
    row({ ...grpc, virtualNode: text }),
    row({ ...cut, virtualNode: text }),
    row({ ...cut, virtualNode: none }),
  ]
  expect(asTold(RICH, rows).map(({ outcome }) => outcome)).toEqual(["ok", "error", "error"])
})

test("a gRPC status that a route's own policy retries shows at the caller without JSON too: the tries were used up", () => {
  const get = {
    reporter: "source",
    source: "front_ns",
    virtualRouter: "stock-router_ns",
    route: "get",
  } as const
  const status = (grpcStatus: number, more: Partial<TruthCount> = get): TruthCount =>
    row({ code: 200, grpcStatus, outcome: "error", ...more })
  const rows = [
    status(14),
    // Not among the policy's events.
    status(13),
    // App Mesh's own policy, where a service sits on a node.
    status(14, { ...get, virtualRouter: "", route: "" }),
    // The callee's proxy tries nothing again, nor does a gateway's ingress.
    status(14, { reporter: "destination" }),
    status(14, { reporter: "gateway", virtualGateway: "door_ns" }),
  ]
  const outcomes = (kind: "json" | "none" | "text"): string[] =>
    asTold(withLogs(RICH, { "*": kind }), rows).map(({ outcome }) => outcome)
  expect(outcomes("json")).toEqual(["error", "error", "error", "error", "error"])
  expect(outcomes("text")).toEqual(["error", "ok", "error", "ok", "ok"])
  expect(outcomes("none")).toEqual(["error", "ok", "error", "ok", "ok"])
})

test("differences name the labels and both counts, whatever their order", () => {
  const rows = [row({ count: 3 }), row({ code: 201, count: 2 }), row({ code: 503, outcome: "error" })]
  const labels = { outcome: "ok", code_class: "2xx", virtual_node: "cart_ns", reporter: "destination" }
  expect(differences(truthByLabels(rows), [{ labels, count: 5 }])).toEqual([
    {
      labels: { reporter: "destination", virtual_node: "cart_ns", code_class: "5xx", outcome: "error" },
      truth: 1,
      told: 0,
    },
  ])
  expect(truthByRoutes(rows)).toEqual([])
})

test("Prometheus text is read with its escapes", () => {
  const text = [
    "# TYPE mesh_requests_total counter",
    'mesh_requests_total{route="a\\"b\\\\c",outcome="ok"} 12',
    'mesh_requests_total_created{route="a"} 5',
  ].join("\n")
  expect(samplesOf(text, "mesh_requests_total")).toEqual([
    { labels: { route: 'a"b\\c', outcome: "ok" }, count: 12 },
  ])
})
