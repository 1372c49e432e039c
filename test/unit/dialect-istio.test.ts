import { describe, expect, it } from "vitest"
import type { DeclaredModel } from "#mesh/declared.ts"
import type { ProxyIdentity } from "#mesh/proxy.ts"
import { makeInterner } from "#mesh/request.ts"
import { decodeConfigDump } from "../../agent/decode/config-dump/decode.ts"
import { dialectOf } from "../../agent/resolve/dialects/dialects.ts"
import { istio } from "../../agent/resolve/dialects/istio.ts"
import { makeResolver, type Resolving } from "../../agent/resolve/resolver.ts"
import { ask } from "../fixtures/config-dump/resolving.ts"
import { dumpOf, type IstioPod, istioBootstrap, madeOf } from "../fixtures/istio/bootstrap.ts"
import { CALLS, FRONT, FRONT_POD, REVIEWS, SHOP_MODEL, WEB } from "../fixtures/istio/shop.ts"
import { clusterNamed, configOf } from "./dialect-suite.ts"

function resolving(pod: IstioPod, declared?: DeclaredModel): Resolving {
  return makeResolver({
    config: decodeConfigDump(dumpOf(istioBootstrap(pod))),
    identity: { proxy: "p" },
    interner: makeInterner(),
    readableLogs: new Set(["/dev/stdout"]),
    abilities: {
      fields: [
        "method",
        "eitherPath",
        "authority",
        "upstreamCluster",
        "upstreamHost",
        "routeName",
        "downstreamLocal",
      ],
      headers: [],
      grpcStatus: false,
      attempts: false,
      durations: true,
      forgeable: true,
    },
    ...(declared === undefined ? {} : { declared }),
  })
}

const front = resolving(FRONT_POD)
const declared = resolving(FRONT_POD, SHOP_MODEL)
const call = (host: string, eitherPath: string, upstreamCluster?: string, routeName?: string) => ({
  authority: host,
  eitherPath,
  downstreamLocal: "10.96.0.10:80",
  ...(upstreamCluster === undefined ? {} : { upstreamCluster }),
  ...(routeName === undefined ? {} : { routeName }),
})

describe("clusters of Istio", () => {
  const self: ProxyIdentity = {
    proxy: "p",
    nodeId: "",
    flavor: "istio",
    mesh: "cluster.local",
    role: "sidecar",
    resource: FRONT,
  }
  it.each([
    [`outbound|80||${WEB}`, { kind: "node", direction: "outbound", node: WEB, service: WEB }],
    [`outbound|80||${WEB};`, { kind: "node", direction: "outbound", node: WEB, service: WEB }],
    [
      `outbound|80|v2|${REVIEWS}`,
      { kind: "node", direction: "outbound", node: `${REVIEWS}/v2`, service: REVIEWS },
    ],
    [
      `outbound_.80_.v2_.${REVIEWS}`,
      { kind: "node", direction: "outbound", node: `${REVIEWS}/v2`, service: REVIEWS },
    ],
    ["inbound|8080||", { kind: "node", direction: "inbound", node: FRONT }],
    ["InboundPassthroughCluster", { kind: "node", direction: "inbound", node: FRONT }],
    ["PassthroughCluster", { kind: "undeclared" }],
    ["BlackHoleCluster;", { kind: "undeclared" }],
    ["xds-grpc", { kind: "infrastructure" }],
    ["sds-grpc", { kind: "infrastructure" }],
    ["agent", { kind: "infrastructure" }],
    ["prometheus_stats", { kind: "infrastructure" }],
    ["zipkin", { kind: "infrastructure" }],
  ] as const)("%s", (name, meaning) => {
    expect(istio.cluster(clusterNamed(name), self)).toEqual(meaning)
  })

  it("that name no host are no node", () => {
    expect(istio.cluster(clusterNamed("outbound|80|v1|"), self).kind).toBe("unknown")
    expect(istio.cluster(clusterNamed("outbound|x|v1|host"), self).kind).toBe("unknown")
  })
})

describe("who an Istio proxy is", () => {
  it("is told by its node id, a hint or its clusters", () => {
    for (const id of ["sidecar~10.0.0.7~a.b~b.svc.cluster.local", "router~10.0.0.7~a.b~b.svc.cluster.local"])
      expect(dialectOf(configOf(id), { proxy: "p" })).toBe(istio)
    expect(dialectOf(configOf("x"), { proxy: "p", flavor: "istio" })).toBe(istio)
    expect(dialectOf(configOf("x", [clusterNamed(`outbound|80||${WEB}`)]), { proxy: "p" })).toBe(istio)
    expect(dialectOf(configOf("x", [clusterNamed("web")]), { proxy: "p" })).not.toBe(istio)
  })

  it("is the service that it is called by, and its only declared subset", () => {
    expect(front.identity).toMatchObject({ mesh: "cluster.local", role: "sidecar", resource: FRONT })
    expect(declared.identity.resource).toBe(`${FRONT}/v1`)
  })

  it("is its workload where services are several and none bears its canonical name", () => {
    const services = [FRONT, "old-front.shop.svc.cluster.local"]
    const several = { ...FRONT_POD, inbound: [{ port: 8080, services }] }
    expect(resolving(several).identity.resource).toBe(FRONT)
    expect(resolving({ ...several, labels: { app: "other" } }).identity.resource).toBe("front.shop")
    expect(resolving({ ...FRONT_POD, inbound: [] }).identity.resource).toBe("front.shop")
  })
})

describe("calls of an Istio sidecar", () => {
  it("have the VirtualService as router and its route's name", () => {
    const line = call("web", "/x", `outbound|80||${WEB}`, "main")
    const names = `service=${WEB} router=web.shop route=main`
    expect(ask(front, line)).toBe(`request source ${names} source=${FRONT} node=${WEB}`)
    expect(ask(declared, line)).toBe(`request source ${names} source=${FRONT}/v1 node=${WEB}`)
  })

  it("have the declared route of a name that holds the match's", () => {
    const line = call("web", "/c", `outbound|80||${WEB}`, "canary.by-header")
    expect(ask(front, line)).toContain("route=canary.by-header ")
    expect(ask(declared, line)).toContain("route=canary ")
  })

  it("are told apart by the line's route name where no header is logged", () => {
    const line = call("web", "/c", `outbound|80||${WEB}`)
    expect(ask(declared, line)).toContain("route=(ambiguous)")
    expect(ask(declared, { ...line, routeName: "main" })).toContain("route=main")
    expect(ask(declared, { ...line, routeName: "of-another-table" })).toContain("route=(ambiguous)")
  })

  it("of routes without a name have their place in the declared order, and without a model their match", () => {
    const line = call("reviews", "/x", `outbound|80|v1|${REVIEWS}`)
    expect(ask(declared, line)).toContain(
      `router=reviews.shop route=http[1] source=${FRONT}/v1 node=${REVIEWS}/v1`,
    )
    expect(ask(front, line)).toContain("router=reviews.shop route=prefix / ")
    expect(ask(declared, call("reviews", "/v2/a", `outbound|80|v2|${REVIEWS}`))).toContain("route=http[0]")
  })

  it("of a service without a VirtualService have neither router nor route", () => {
    const line = call("plain", "/", "outbound|80||plain.shop.svc.cluster.local", "default")
    expect(ask(front, line)).toBe(
      `request source service=plain.shop.svc.cluster.local source=${FRONT} node=plain.shop.svc.cluster.local`,
    )
  })

  it("that no service takes are undeclared", () => {
    expect(ask(front, call("example.org", "/", "PassthroughCluster", "allow_any"))).toBe(
      `request source service=(undeclared) route=(unmatched) source=${FRONT} node=(undeclared)`,
    )
  })

  it("are counted at the caller where Envoy answers itself: redirects and faults", () => {
    expect(ask(front, call("web", "/old", undefined, "moved"), { code: 301 })).toBe(
      `request source service=${WEB} router=web.shop route=moved source=${FRONT}`,
    )
    const faulted = call("web", "/c", undefined, "canary.by-header")
    expect(ask(declared, faulted, { code: 503 })).toContain("router=web.shop route=canary ")
  })

  it("that came in are the service's own, by cluster or by address", () => {
    const line = { authority: "front", eitherPath: "/", downstreamLocal: "10.0.0.7:8080" }
    const told = `request destination node=${FRONT}`
    expect(ask(front, { ...line, upstreamCluster: "inbound|8080||" })).toBe(told)
    expect(ask(front, { ...line, upstreamCluster: "inbound|8080||;" })).toBe(told)
    expect(ask(front, line)).toBe(told)
  })

  it("of TCP have the service that their cluster tells, or are undeclared", () => {
    const tcp = { kind: "tcp" } as const
    const past = { upstreamCluster: "PassthroughCluster", downstreamLocal: "93.184.216.34:443" }
    expect(ask(front, past, tcp)).toBe(`tcp source service=(undeclared) source=${FRONT} node=(undeclared)`)
    const arrived = { upstreamCluster: "InboundPassthroughCluster", downstreamLocal: "10.0.0.7:9999" }
    expect(ask(front, arrived, tcp)).toBe(`tcp destination node=${FRONT}`)
  })

  it("are not counted where neither a log nor a counter is kept: the target's state says so", () => {
    const silent = { ...FRONT_POD, log: { path: "/dev/null" } }
    expect(resolving({ ...silent, defaultStats: true }).missing).toContain("outbound_stats")
    expect(resolving(silent).missing).not.toContain("outbound_stats")
    expect(resolving({ ...FRONT_POD, defaultStats: true }).missing).not.toContain("outbound_stats")
  })

  it("leave the scrapers' listener out", () => {
    expect(front.plan.http.map(({ statPrefix }) => statPrefix)).toEqual([
      "outbound_0.0.0.0_80;",
      "inbound_0.0.0.0_8080;",
    ])
    expect(front.provenances.http).toEqual({ inbound: "log", outbound: "log" })
  })
})

describe("an Istio gateway", () => {
  const pod: IstioPod = {
    kind: "router",
    ip: "10.0.0.9",
    pod: "edge-6f-x",
    namespace: "shop",
    workload: "edge",
    labels: { istio: "edge" },
    outbound: [
      {
        port: 8080,
        hosts: [
          {
            name: "shop.example.com:80",
            domains: ["shop.example.com"],
            routes: [
              {
                match: { prefix: "/" },
                route: { cluster: `outbound|80||${WEB}` },
                ...madeOf("site", "shop"),
              },
            ],
          },
        ],
      },
    ],
    clusters: [{ name: `outbound|80||${WEB}`, to: [] }],
  }
  const line = {
    authority: "shop.example.com",
    eitherPath: "/",
    upstreamCluster: `outbound|80||${WEB}`,
    downstreamLocal: "10.0.0.9:8080",
  }

  it("is the declared one that selects it, and takes a route to a node in one step", () => {
    const edge = resolving(pod, SHOP_MODEL)
    expect(edge.identity).toMatchObject({ role: "gateway", resource: "edge.shop" })
    expect(ask(edge, line)).toBe(
      `request gateway gateway=edge.shop gatewayRoute=site.shop/http[0] service=shop.example.com node=${WEB}`,
    )
    const [plan] = edge.plan.http
    expect(plan).toMatchObject({ reporter: "gateway", provenance: "log" })
    expect(plan?.clusters.map(({ row, target }) => [row.gatewayRoute, target.name])).toEqual([
      ["site.shop/http[0]", WEB],
    ])
    expect(edge.plan.clusters[0]).toMatchObject({ direction: "outbound", target: { name: WEB } })
  })

  it("without a declared one is its workload, and names routes by the object and Envoy's match", () => {
    expect(ask(resolving({ ...pod, workload: "door" }), line)).toContain(
      "gateway=door.shop gatewayRoute=site.shop/prefix / service=shop.example.com",
    )
  })

  it("answers what no route takes itself", () => {
    const { upstreamCluster: _, ...lost } = line
    expect(ask(resolving(pod), { ...lost, authority: "elsewhere" }, { code: 404, flags: 2 ** 4 })).toContain(
      "gatewayRoute=(unmatched)",
    )
  })
})

describe("several of Istio's managers", () => {
  it("share the row of a cluster that each of them leads to", () => {
    const hosts = [
      {
        name: `${WEB}:81`,
        domains: [WEB],
        routes: [{ name: "default", match: { prefix: "/" }, route: { cluster: `outbound|80||${WEB}` } }],
      },
    ]
    const both = resolving({ ...FRONT_POD, outbound: [CALLS, { port: 81, hosts }] })
    const rows = both.plan.http.map(
      ({ clusters }) => clusters.find(({ statName }) => statName === `outbound|80||${WEB};`)?.row,
    )
    expect(rows[0]).toBe(rows[1])
    expect(rows[0]).toMatchObject({ virtualService: WEB, route: "(shared)" })
  })
})
