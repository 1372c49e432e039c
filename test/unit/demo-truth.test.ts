import { expect, test } from "vitest"
import type { Arrival, Call, CallEnd } from "../../demo/records.ts"
import type { Truth } from "../../demo/truth.ts"
import { makeTruthLedger, type World } from "../../demo/truth-ledger.ts"
import { RICH } from "./demo-model.ts"

const WELL: World = { mesh: RICH, down: new Set(), overloaded: new Set(), withoutEndpoints: new Set() }
const answered = (code: number, grpcStatus = -1): CallEnd => ({ how: "answered", code, grpcStatus })

/** A call of the front node to the cart service. */
function nodeCall(more: Partial<Call> = {}): Call {
  return {
    call: "c1",
    request: "r1",
    entry: { kind: "egress", node: "front_ns" },
    protocol: "http",
    authority: "cart.ns",
    port: 8080,
    method: "POST",
    path: "/x",
    headers: {},
    userAgent: "test",
    end: answered(200),
    ...more,
  }
}
const gatewayCall = (path: string, more: Partial<Call> = {}): Call =>
  nodeCall({
    entry: { kind: "gateway", gateway: "door_ns" },
    authority: "shop.example",
    port: 8088,
    path,
    ...more,
  })

function arrival(end: Partial<Arrival["end"]> = {}, more: Partial<Arrival> = {}): Arrival {
  return {
    call: "c1",
    node: "cart_ns",
    protocol: "http",
    attempt: 0,
    end: { how: "answered", code: 200, grpcStatus: -1, ...end },
    ...more,
  }
}

function truthOf(call: Call, arrivals: readonly Arrival[], world: World = WELL): Truth {
  const ledger = makeTruthLedger()
  ledger.fold({ calls: [call], arrivals, tcp: [] }, world)
  return ledger.truth("shop")
}

/** Rows as short sentences: reporter, caller, route, target, code, outcome, count. */
function told(truth: Truth): readonly string[] {
  return truth.requests.map((row) =>
    [
      row.reporter,
      row.virtualGateway || row.source || "-",
      row.gatewayRoute || row.route || "-",
      row.virtualService || "-",
      row.virtualNode || "-",
      row.code,
      row.outcome,
      `x${row.count}`,
    ].join(" "),
  )
}

test("a gateway sees a call twice, the callee once", () => {
  expect(told(truthOf(gatewayCall("/cart/list?q=1"), [arrival()]))).toEqual([
    "gateway door_ns cart cart.ns - 200 ok x1",
    "source door_ns rest cart.ns cart_ns 200 ok x1",
    "destination - - - cart_ns 200 ok x1",
  ])
})

test("retries are one request at the source and several at the destination", () => {
  const attempts = [arrival({ code: 503 }), arrival({ how: "cut_before", code: 0 }), arrival()]
  expect(told(truthOf(nodeCall(), attempts))).toEqual([
    "source front_ns rest cart.ns cart_ns 200 ok x1",
    "destination - - - cart_ns 503 error x2",
    "destination - - - cart_ns 200 ok x1",
  ])
})

test("a time limit of the caller: 504 there, a caller that left at the callee", () => {
  const truth = truthOf(nodeCall({ end: answered(504) }), [arrival({ how: "caller_left", code: 0 })])
  expect(told(truth)).toEqual([
    "source front_ns rest cart.ns cart_ns 504 error x1",
    "destination - - - cart_ns 0 aborted x1",
  ])
})

test("a caller that leaves is aborted at every hop", () => {
  const call = gatewayCall("/", { end: { how: "left", code: 0, grpcStatus: -1 } })
  const truth = truthOf(call, [arrival({ how: "caller_left", code: 0 }, { node: "front_ns" })])
  expect(told(truth)).toEqual([
    "gateway door_ns front front.ns - 0 aborted x1",
    "source door_ns - front.ns front_ns 0 aborted x1",
    "destination - - - front_ns 0 aborted x1",
  ])
})

test("a body that is cut is an error with a code of 200", () => {
  const call = nodeCall({ end: { how: "cut", code: 200, grpcStatus: -1 } })
  expect(told(truthOf(call, [arrival({ how: "cut_after" })]))).toEqual([
    "source front_ns rest cart.ns cart_ns 200 error x1",
    "destination - - - cart_ns 200 error x1",
  ])
})

test.each([
  [0, "ok"],
  [3, "client_error"],
  [5, "client_error"],
  [13, "error"],
  [14, "error"],
])("gRPC status %i is %s", (status, outcome) => {
  const call = nodeCall({
    authority: "stock.ns",
    port: 9090,
    protocol: "grpc",
    path: "/shop.Stock/Get",
    end: answered(200, status),
  })
  const truth = truthOf(call, [arrival({ grpcStatus: status }, { protocol: "grpc" })])
  expect(told(truth)).toEqual([
    `source front_ns get stock.ns cart_ns 200 ${outcome} x1`,
    `destination - - - cart_ns 200 ${outcome} x1`,
  ])
})

test.each([
  ["a host that is no backend", { authority: "ghost.ns" }, "(undeclared)"],
  ["a service that is not among the node's backends", { authority: "front.ns" }, "(undeclared)"],
  ["a service without provider", { authority: "nothing.ns" }, "nothing.ns"],
  ["a path that no route takes", { authority: "stock.ns", port: 9090, path: "/other" }, "stock.ns"],
])("%s is the mesh's own error", (_, more, service) => {
  const truth = truthOf(nodeCall({ end: answered(404), ...more }), [])
  expect(told(truth)).toEqual([`source front_ns (unmatched) ${service} - 404 error x1`])
})

test("what the gateway's second pass cannot place is the caller's error at the first", () => {
  expect(told(truthOf(gatewayCall("/nothing/x", { end: answered(404) }), []))).toEqual([
    "gateway door_ns nothing nothing.ns - 404 client_error x1",
    "source door_ns (unmatched) nothing.ns - 404 error x1",
  ])
})

test("health checks count apart, a gateway's twice", () => {
  const call = gatewayCall("/", { userAgent: "ELB-HealthChecker/2.0" })
  const truth = truthOf(call, [arrival({}, { node: "front_ns" })])
  expect(truth.requests).toEqual([])
  expect(truth.healthChecks).toEqual([
    { virtualGateway: "door_ns", virtualNode: "", count: 2 },
    { virtualGateway: "", virtualNode: "front_ns", count: 1 },
  ])
})

test("attempts at a dead application are known from the policy, or from the attempt that arrived", () => {
  const down = { ...WELL, down: new Set(["cart_ns"]) }
  const lost = truthOf(nodeCall({ end: answered(503) }), [], down)
  expect(told(lost)).toEqual([
    "source front_ns rest cart.ns cart_ns 503 error x1",
    "destination - - - cart_ns 503 error x3",
  ])
  const saved = truthOf(nodeCall(), [arrival({}, { attempt: 2 })], down)
  expect(told(saved)).toContain("destination - - - cart_ns 503 error x1")
  const direct = nodeCall({ entry: { kind: "ingress", node: "cart_ns" }, end: answered(503) })
  expect(told(truthOf(direct, [], down))).toEqual(["destination - - - cart_ns 503 error x1"])
})

test("a node without endpoints is never reached", () => {
  const empty = { ...WELL, withoutEndpoints: new Set(["cart_ns"]) }
  expect(told(truthOf(nodeCall({ end: answered(503) }), [], empty))).toEqual([
    "source front_ns rest cart.ns cart_ns 503 error x1",
  ])
})

test("what nobody can tell is said", () => {
  const ledger = makeTruthLedger()
  ledger.fold({ calls: [], arrivals: [arrival()], tcp: [] }, WELL)
  expect(ledger.truth("shop").undecided).toEqual([{ why: "an arrival without its call", count: 1 }])
})

test("TCP connections by caller and target, bytes of those that were answered", () => {
  const ledger = makeTruthLedger()
  const connection = { node: "front_ns", port: 6379, sent: 10, received: 4 }
  const tcp = [
    { ...connection, answered: true },
    { ...connection, answered: false },
  ]
  ledger.fold({ calls: [], arrivals: [], tcp }, WELL)
  expect(ledger.truth("shop").tcp).toEqual([
    {
      source: "front_ns",
      virtualService: "store.ns",
      virtualNode: "store_ns",
      connections: 2,
      answered: 1,
      receivedBytes: 10,
      sentBytes: 4,
    },
  ])
})
