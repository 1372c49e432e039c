import { describe, expect, it, test } from "vitest"
import { spaceOf } from "../../agent/account/stats/series-space.ts"
import { LayoutPool } from "../../agent/decode/stats/layout-pool.ts"
import { PageReader } from "../../agent/decode/stats/page-reader.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"
import { BenchProxy, labPlan } from "../fixtures/stats/bench-proxy.ts"

const EGRESS = "listener.0.0.0.0_15001.no_filter_chain_match"
const PLAN = labPlan(["a"], { listeners: ["0.0.0.0_15001"] })
const SERVER = { "h.downstream_rq_total": 0 }

function told(proxy: BenchProxy): { opened: Record<string, number>; closed: Record<string, number> } {
  return {
    opened: proxy.exposed("mesh_tcp_connections_opened_total"),
    closed: proxy.exposed("mesh_tcp_connections_closed_total"),
  }
}
const cut = (times: number) => ({
  opened: { "(undeclared) (undeclared)": times },
  closed: { "(undeclared) (undeclared) error": times },
})
const NOTHING = { opened: {}, closed: {} }

describe("connections that no filter chain takes", () => {
  it("count at the first look that shows them, and are told to have come from stats", () => {
    const proxy = new BenchProxy(temporaryFolder(), PLAN, 7200)
    proxy.add(SERVER).scrape()
    // Envoy prints a counter when it first moves.
    proxy.add({ [EGRESS]: 3 }).scrape()
    expect(told(proxy)).toEqual(cut(3))
    proxy.add({ [EGRESS]: 2 }).settle()
    expect(told(proxy)).toEqual(cut(5))
    const series = proxy.ledger.snapshot.families.find(({ key }) => key === "tcpOpened")?.series[0]
    expect(new Map(series?.labels)).toEqual(
      new Map([
        ["mesh", "lab"],
        ["flavor", "app-mesh"],
        ["reporter", "source"],
        ["virtual_service", "(undeclared)"],
        ["source", "ui"],
        ["virtual_node", "(undeclared)"],
        ["provenance", "stats"],
      ]),
    )
  })

  it("of before we watched do not count", () => {
    const proxy = new BenchProxy(temporaryFolder(), PLAN, 7200)
    proxy.add({ ...SERVER, [EGRESS]: 40 }).settle()
    expect(told(proxy)).toEqual(NOTHING)
    proxy.add({ [EGRESS]: 1 }).settle()
    expect(told(proxy)).toEqual(cut(1))
  })

  it("count on through a new agent and a new proxy", () => {
    const proxy = new BenchProxy(temporaryFolder(), PLAN)
    proxy.add({ ...SERVER, [EGRESS]: 4 }).settle()
    proxy.ledger.commit()
    proxy.restartAgent()
    proxy.add({ [EGRESS]: 2 }).settle()
    expect(told(proxy)).toEqual(cut(6))
    proxy.restartProxy()
    proxy.add({ ...SERVER, [EGRESS]: 1 }).settle()
    expect(told(proxy)).toEqual(cut(7))
  })

  it("begin at zero at a listener that was replaced, and nothing else does", () => {
    const proxy = new BenchProxy(temporaryFolder(), PLAN, 7200)
    proxy.add({ ...SERVER, "h.downstream_rq_total": 10, [EGRESS]: 5 }).scrape()
    // Uptime leaves it open whether the proxy began anew: a listener's counter that fell is no sign of it.
    proxy.shiftStart(14_000)
    proxy.counters.set(EGRESS, 2)
    expect(proxy.scrape()).toBe("differences")
    expect(told(proxy)).toEqual(cut(2))
    proxy.counters.delete(EGRESS)
    proxy.scrape()
    proxy.add({ [EGRESS]: 3 }).scrape()
    expect(told(proxy)).toEqual(cut(5))
  })

  it("of other listeners, and what else a listener counts, are left alone", () => {
    const proxy = new BenchProxy(temporaryFolder(), PLAN)
    proxy.add({
      ...SERVER,
      "listener.0.0.0.0_15000.no_filter_chain_match": 5,
      "listener.admin.no_filter_chain_match": 5,
      "listener.0.0.0.0_15001.downstream_cx_total": 5,
      "listener.0.0.0.0_15001.worker_0.downstream_cx_total": 5,
      "listener.0.0.0.0_15001.http.egress.downstream_rq_2xx": 5,
    })
    proxy.settle()
    expect(told(proxy)).toEqual(NOTHING)
  })
})

test.each([
  ["0.0.0.0_15001", "0.0.0.0_15001", "no_filter_chain_match"],
  ["[__]_15001", "[__]_15001", "no_filter_chain_match"],
  // Envoy's tag rule takes a prefix of one's own up to its first dot; the rest of it leaks.
  ["way.out", "way", "out_no_filter_chain_match"],
])("both pages bind the counter of a listener called %s", (name, label, rest) => {
  const space = spaceOf(labPlan([], { listeners: [name] }))
  const place = space.ofListener(0, "no_filter_chain_match")
  const bound = (format: "raw" | "prometheus", line: string): readonly number[] => [
    ...space.bind(new PageReader(format, new LayoutPool()).read(Buffer.from(`${line}\n`))),
  ]
  expect(bound("raw", `listener.${name}.no_filter_chain_match: 7`)).toEqual([place])
  expect(bound("prometheus", `envoy_listener_${rest}{envoy_listener_address="${label}"} 7`)).toEqual([place])
  // A manager's counters below a listener have its label too, and listeners' common ones have none.
  expect(
    bound(
      "prometheus",
      `envoy_listener_http_downstream_rq_xx{envoy_response_code_class="2",envoy_http_conn_manager_prefix="egress",envoy_listener_address="${label}"} 7`,
    ),
  ).toEqual([-1])
  expect(bound("prometheus", "envoy_listener_manager_lds_update_rejected{} 7")).toEqual([
    space.ofGlobal("listener_manager_lds_update_rejected"),
  ])
})

test("replicas share places and the page's layout, also when the counter is new at each in its turn", () => {
  const pool = new LayoutPool()
  const replicas = [0, 1, 2].map(() => ({
    space: spaceOf(labPlan(["a"], { listeners: ["0.0.0.0_15001"] })),
    reader: new PageReader("raw", pool),
  }))
  expect(new Set(replicas.map(({ space }) => space)).size).toBe(1)
  const before = Buffer.from("http.egress.downstream_rq_total: 1\nserver.uptime: 5\n")
  const after = Buffer.from(`http.egress.downstream_rq_total: 1\n${EGRESS}: 1\nserver.uptime: 6\n`)
  for (const { reader } of replicas) reader.read(before)
  for (const { space, reader } of replicas) {
    const page = reader.read(after)
    expect(space.bind(page)[1]).toBe(space.ofListener(0, "no_filter_chain_match"))
  }
  expect(pool.size).toBe(1)
})
