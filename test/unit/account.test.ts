import { expect, onTestFinished, test } from "vitest"
import { openLedger } from "../../agent/account/ledger.ts"
import { makeRequestAccountant } from "../../agent/account/requests.ts"
import { ownerOf } from "../../agent/account/series-owner.ts"
import { accounted, makeTally } from "../../agent/account/tally.ts"
import { exposed, exposedValues } from "../fixtures/ledger/exposed.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"
import { manualClock } from "../fixtures/ledger/manual-clock.ts"
import { factOf, type Line, resolutionOf } from "../fixtures/ledger/requests.ts"

const ROUTE = {
  virtualService: "db.yelb",
  virtualRouter: "db",
  route: "db-route",
  source: "appserver",
}

function opened(options: { responses?: boolean } = {}) {
  const ledger = openLedger({ folder: temporaryFolder(), clock: manualClock() })
  onTestFinished(() => ledger.close())
  const accountant = makeRequestAccountant({ ledger, ...options })
  const tally = makeTally()
  const count = (line: Line, resolution = resolutionOf(ROUTE)): void =>
    accountant.account(factOf(line), resolution, tally)
  const commit = (): Record<string, number> => {
    ledger.commit()
    return exposedValues(ledger.snapshot)
  }
  return { ledger, accountant, tally, count, commit }
}

const KEY =
  "mesh=yelb,flavor=app-mesh,reporter=source,virtual_service=db.yelb,virtual_router=db,route=db-route"

test("one request that went well: all its series, and no failure", () => {
  const { count, commit, ledger, tally } = opened()
  count({ durationMs: 30, upstreamMs: 20, received: 7, sent: 9, attempts: 1, details: "via_upstream" })
  expect(commit()).toEqual({
    [`mesh_requests_total{${KEY},source=appserver,virtual_node=yelb-db,protocol=http,code_class=2xx,outcome=ok,provenance=log}`]: 1,
    [`mesh_request_duration_seconds{${KEY},virtual_node=yelb-db,outcome=ok,provenance=log}`]: 0.03,
    "mesh_upstream_duration_seconds{mesh=yelb,flavor=app-mesh,source=appserver,virtual_node=yelb-db,provenance=log}": 0.02,
    [`mesh_request_bytes_total{${KEY},virtual_node=yelb-db}`]: 7,
    [`mesh_response_bytes_total{${KEY},virtual_node=yelb-db}`]: 9,
    [`mesh_request_attempts_total{${KEY},virtual_node=yelb-db}`]: 1,
  })
  const duration = exposed(ledger.snapshot)[
    `mesh_request_duration_seconds{${KEY},virtual_node=yelb-db,outcome=ok,provenance=log}`
  ]
  expect(duration?.counts?.indexOf(1)).toBe(5)
  expect(accounted(tally, "source")).toBe(1)
})

test.each<[string, Line, string]>([
  [
    "application's 500",
    { code: 500, details: "via_upstream" },
    "outcome=error,provenance=log,flag=-,answered_by=app",
  ],
  [
    "Envoy's 503",
    { code: 503, flags: "URX,UF", details: "upstream_reset_before_response_started{x}" },
    "outcome=error,provenance=log,flag=UF,URX,answered_by=proxy",
  ],
  [
    "a body cut after a 200",
    { code: 200, flags: "UC", details: "upstream_reset_after_response_started{y}" },
    "outcome=error,provenance=log,flag=UC,answered_by=app",
  ],
  [
    "a caller that went away",
    { code: 0, flags: "DC", details: "downstream_remote_disconnect" },
    "outcome=aborted,provenance=log,flag=DC,answered_by=proxy",
  ],
  ["no details, no flag", { code: 503 }, "outcome=error,provenance=log,flag=-,answered_by=unknown"],
  [
    "details that only begin alike",
    { code: 500, details: "via_upstream2" },
    "outcome=error,provenance=log,flag=-,answered_by=proxy",
  ],
  [
    "a format without flags",
    { code: 404, flags: -1, details: "via_upstream" },
    "outcome=client_error,provenance=log,answered_by=app",
  ],
  [
    "gRPC wins over 200",
    { code: 200, grpcStatus: 14, details: "via_upstream" },
    "outcome=error,provenance=log,flag=-,answered_by=app",
  ],
])("failure: %s", (_, line, labels) => {
  const { count, commit } = opened()
  count(line)
  const failures = Object.keys(commit()).filter((name) => name.startsWith("mesh_request_failures"))
  expect(failures).toEqual([
    `mesh_request_failures_total{${KEY},source=appserver,virtual_node=yelb-db,protocol=http,${labels}}`,
  ])
})

test("NR is the caller's mistake at a gateway and the mesh's at a sidecar", () => {
  const { count, commit, tally } = opened()
  count({ code: 404, flags: "NR" }, resolutionOf({ reporter: "gateway", virtualGateway: "gw" }, ""))
  count({ code: 404, flags: "NR" })
  const outcomes = Object.keys(commit()).flatMap(
    (name) => /requests_total.*reporter=(\w+).*outcome=(\w+)/.exec(name)?.slice(1) ?? [],
  )
  expect(outcomes).toEqual(["gateway", "client_error", "source", "error"])
  expect(tally).toMatchObject({ gateway: 1, source: 1, destination: 0 })
})

test("a gateway's ingress pass tells no upstream time: its egress pass does", () => {
  const { count, commit } = opened()
  count({ upstreamMs: 5 }, resolutionOf({ reporter: "gateway", virtualGateway: "gw" }, "ui"))
  count({ upstreamMs: 7 }, resolutionOf({ reporter: "source", virtualGateway: "gw" }, "ui"))
  const upstream = Object.entries(commit()).filter(([name]) => name.startsWith("mesh_upstream"))
  expect(upstream).toEqual([
    [
      "mesh_upstream_duration_seconds{mesh=yelb,flavor=app-mesh,virtual_gateway=gw,virtual_node=ui,provenance=log}",
      0.007,
    ],
  ])
})

test("health checks count nowhere else, but as accounted", () => {
  const { count, commit, tally } = opened()
  const destination = resolutionOf({ reporter: "destination" }, "ui", { kind: "health_check" })
  count({ durationMs: 1 }, destination)
  count({ durationMs: 1 }, destination)
  count({}, resolutionOf({ reporter: "gateway", virtualGateway: "gw" }, "", { kind: "health_check" }))
  expect(commit()).toEqual({
    "mesh_health_check_requests_total{mesh=yelb,flavor=app-mesh,virtual_node=ui}": 2,
    "mesh_health_check_requests_total{mesh=yelb,flavor=app-mesh,virtual_gateway=gw}": 1,
  })
  expect(tally).toEqual({
    gateway: 1,
    source: 0,
    destination: 2,
    healthChecks: 3,
    tcpConnections: 0,
    undecided: 0,
  })
})

test("a TCP connection is opened and closed at once; its flags tell how it ended", () => {
  const { count, commit, tally } = opened()
  const tcp = resolutionOf({ virtualService: "redis.yelb", source: "appserver" }, "redis", { kind: "tcp" })
  count({ kind: "tcp", code: 0, received: 16, sent: 4 }, tcp)
  count({ kind: "tcp", code: 0, flags: "UF,URX", received: 0, sent: 0 }, tcp)
  const labels =
    "mesh=yelb,flavor=app-mesh,reporter=source,virtual_service=redis.yelb,source=appserver,virtual_node=redis"
  expect(commit()).toEqual({
    [`mesh_tcp_connections_opened_total{${labels},provenance=log}`]: 2,
    [`mesh_tcp_connections_closed_total{${labels},outcome=ok,provenance=log}`]: 1,
    [`mesh_tcp_connections_closed_total{${labels},outcome=error,provenance=log}`]: 1,
    [`mesh_tcp_sent_bytes_total{${labels},provenance=log}`]: 4,
    [`mesh_tcp_received_bytes_total{${labels},provenance=log}`]: 16,
  })
  expect(tally.tcpConnections).toBe(2)
})

test("undecided lines count nothing but themselves", () => {
  const { count, commit, tally } = opened()
  count({}, resolutionOf({}, "", { kind: "undecided" }))
  expect(commit()).toEqual({})
  expect(tally.undecided).toBe(1)
})

test("exact codes only for those who ask; made-up statuses share one series", () => {
  const { count, commit } = opened({ responses: true })
  count({ code: 418 })
  count({ code: 0, flags: "DC" })
  for (const grpcStatus of [5, 99, 100_000]) count({ code: 200, grpcStatus })
  const responses = Object.entries(commit()).filter(([name]) => name.startsWith("mesh_responses"))
  expect(responses.map(([name, value]) => `${/code=.*}/.exec(name)?.[0]} ${value}`)).toEqual([
    "code=418} 1",
    "code=none} 1",
    "code=200,grpc_status=5} 1",
    "code=200,grpc_status=other} 2",
  ])
})

test.each([
  [
    "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
    "5759e988bd862e3fe1be46a994272793",
  ],
  [
    "Self=1-67891233-abcdef012345678912345678;Root=1-67891233-abcdef012345678912345678;Sampled=1",
    "67891233abcdef012345678912345678",
  ],
  ["Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0", undefined],
  ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "4bf92f3577b34da6a3ce929d0e0e4736"],
  ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", undefined],
  ["4bf92f3577b34da6a3ce929d0e0e4736", "4bf92f3577b34da6a3ce929d0e0e4736"],
  ["0".repeat(32), undefined],
  [`"} 1 # ${"x".repeat(40)}`, undefined],
])("exemplar of %s", (traceId, expected) => {
  const { count, ledger } = opened()
  count({ durationMs: 250, traceId })
  ledger.commit()
  const series = ledger.snapshot.families.find((family) => family.key === "duration")?.series[0]
  expect(ledger.snapshot.exemplar(series?.slot ?? 0)?.traceId).toBe(expected)
})

test("forged flags neither fill the memory nor make series without end", () => {
  const { count, commit, ledger } = opened()
  for (let bits = 1; bits < 40_000; bits++) count({ code: 500, flags: bits })
  const values = commit()
  const failures = Object.entries(values).filter(([name]) => name.startsWith("mesh_request_failures"))
  expect(failures.length).toBeLessThan(2000)
  expect(failures.reduce((sum, [, value]) => sum + value, 0)).toBe(39_999)
  expect(ledger.counters.overflowed).toBe(0)
})

test("more requests between two commits than a record holds", () => {
  const { count, commit } = opened()
  for (let index = 0; index < 140_000; index++) count({ durationMs: 3 })
  const values = Object.entries(commit())
  expect(values.find(([name]) => name.startsWith("mesh_requests_total"))?.[1]).toBe(140_000)
  expect(values.find(([name]) => name.startsWith("mesh_request_duration"))?.[1]).toBeCloseTo(420, 6)
})

test("a series that expired begins anew with its next request", () => {
  const clock = manualClock()
  const ledger = openLedger({ folder: temporaryFolder(), clock })
  onTestFinished(() => ledger.close())
  const accountant = makeRequestAccountant({ ledger })
  const one = (): void => accountant.account(factOf({ durationMs: 1 }), resolutionOf(ROUTE), makeTally())
  one()
  ledger.commit()
  clock.advance(4_000_000)
  expect(ledger.expire(3_600_000, () => false)).toBe(2)
  ledger.commit()
  expect(exposed(ledger.snapshot)).toEqual({})
  one()
  ledger.commit()
  const values = Object.values(exposed(ledger.snapshot))
  expect(values).toHaveLength(2)
  expect(values[0]).toEqual({ value: 1, startMs: clock.now() })
})

test.each([
  [{ mesh: "m", source: "a", reporter: "source", virtual_node: "b" }, "mesh/m/virtualNode/a"],
  [{ mesh: "m", virtual_gateway: "g", reporter: "source", virtual_node: "b" }, "mesh/m/virtualGateway/g"],
  [{ mesh: "m", virtual_gateway: "g", reporter: "gateway" }, "mesh/m/virtualGateway/g"],
  [{ mesh: "m", virtual_node: "b", reporter: "destination" }, "mesh/m/virtualNode/b"],
  [{ mesh: "m", virtual_node: "b", reporter: "source", route: "r" }, "mesh/m"],
  [{ mesh: "m", virtual_node: "b" }, "mesh/m/virtualNode/b"],
  [{}, "mesh/"],
])("the owner of %j", (labels, owner) => {
  expect(ownerOf(new Map(Object.entries(labels)))).toBe(owner)
})
