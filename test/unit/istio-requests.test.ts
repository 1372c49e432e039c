import { afterEach, describe, expect, it } from "vitest"
import type { ProxyHint, ProxyTarget } from "#mesh/proxy.ts"
import { type PageServer, servePages } from "../fixtures/served/page-server.ts"
import { type Reading, startReading } from "../fixtures/served/reading.ts"

const undo: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

async function reading(): Promise<Reading> {
  const made = await startReading()
  undo.push(() => made.close())
  return made
}

async function server(text: () => string): Promise<PageServer> {
  const made = await servePages(() => ({ text: text() }))
  undo.push(() => made.close())
  return made
}

const WEB = "web.shop.svc.cluster.local"

/** One series of Istio's own metric. */
function requests(count: number, labels: Readonly<Record<string, string>>): string {
  const all = { request_protocol: "http", response_flags: "-", grpc_response_status: "", ...labels }
  return `istio_requests_total{${Object.entries(all)
    .map(([name, value]) => `${name}="${value}"`)
    .join(",")}} ${count}`
}

const out = (count: number, code: string, more = {}): string =>
  requests(count, {
    reporter: "source",
    destination_service: WEB,
    destination_service_name: "web",
    response_code: code,
    ...more,
  })
const arrived = (count: number, code: string): string =>
  requests(count, {
    reporter: "destination",
    destination_service: "front.shop.svc.cluster.local",
    response_code: code,
  })

/** Also with counters of Envoy's own clusters, which tell the same requests. */
function page(...lines: readonly string[]): string {
  return `${[
    "# TYPE istio_requests_total counter",
    ...lines,
    `envoy_cluster_upstream_rq_xx{cluster_name="outbound|80||${WEB}",response_code_class="2xx"} 900`,
    "# TYPE envoy_server_live gauge",
    "envoy_server_live{} 1",
    "envoy_server_uptime{} 3",
    "envoy_server_hot_restart_epoch{} 0",
  ].join("\n")}\n`
}

const HINT: ProxyHint = { flavor: "istio", role: "sidecar", mesh: "cluster.local", resource: "front.shop" }
const target = ({ address }: PageServer, hint = HINT, logs: readonly string[] = []): ProxyTarget => ({
  name: "front-1",
  admin: address,
  logs,
  serves: { kind: "prometheus", path: "/stats/prometheus" },
  hint,
})
const NAMES = [
  "reporter",
  "virtual_gateway",
  "gateway_route",
  "virtual_service",
  "route",
  "source",
  "virtual_node",
  "code_class",
  "outcome",
]

describe("istio_requests_total, where the page of stats is all that can be read", () => {
  it("counts each request once, by service, node and class", async () => {
    let text = page(
      out(3, "200"),
      out(1, "200", { response_flags: "URX" }),
      out(2, "503", { response_flags: "UF" }),
      arrived(5, "200"),
    )
    const pages = await server(() => text)
    const line = await reading()
    await line.take(target(pages))
    text = page(
      out(4, "200"),
      out(1, "200", { response_flags: "URX" }),
      out(2, "503", { response_flags: "UF" }),
      out(1, "404"),
      out(7, "502", { destination_service: "example.org", destination_service_name: "PassthroughCluster" }),
      out(9, "0", { response_flags: "DC" }),
      arrived(6, "200"),
    )
    await line.look()
    const edge = `reporter=source,virtual_service=${WEB},route=(unknown),source=front.shop,virtual_node=${WEB}`
    const past =
      "reporter=source,virtual_service=(undeclared),route=(unknown),source=front.shop,virtual_node=(undeclared)"
    expect(line.series("requests", NAMES)).toEqual({
      [`${edge},code_class=2xx,outcome=ok`]: 5,
      [`${edge},code_class=4xx,outcome=client_error`]: 1,
      [`${edge},code_class=5xx,outcome=error`]: 2,
      [`${past},code_class=5xx,outcome=error`]: 7,
      "reporter=destination,virtual_node=front.shop,code_class=2xx,outcome=ok": 6,
    })
  })

  it("at a gateway is what it took in", async () => {
    const pages = await server(() => page(out(3, "200")))
    const line = await reading()
    await line.take(target(pages, { ...HINT, role: "gateway", resource: "edge.shop" }))
    await line.look()
    expect(line.series("requests", NAMES)).toEqual({
      "reporter=gateway,virtual_gateway=edge.shop,gateway_route=(unknown),virtual_service=(unknown),code_class=2xx,outcome=ok": 3,
    })
  })

  it("wins over lines, of which nobody can tell whether they are all", async () => {
    const pages = await server(() => page(out(3, "200")))
    const line = await reading()
    await line.take(target(pages, HINT, ["/nowhere/front.log"]))
    const [proxy] = line.pipeline.proxies
    expect(proxy?.binding).toMatchObject({
      blind: false,
      provenances: { http: { inbound: "stats", outbound: "stats" }, tcp: { inbound: "log" } },
    })
  })

  it("that is not on the page is missed, and said so", async () => {
    const pages = await server(() => page())
    const line = await reading()
    await line.take(target(pages))
    const [info] = Object.keys(line.series("proxyInfo", ["missing"]))
    expect(info).toBe("missing=config,hosts,inbound_stats,outbound_stats,declared_model")
    expect(line.series("requests", NAMES)).toEqual({})
  })
})
