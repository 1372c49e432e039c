import { describe, expect, it } from "vitest"
import type { EnvoyRoute, ProxyConfig } from "#mesh/proxy.ts"
import { makeInterner } from "#mesh/request.ts"
import { consul } from "../../agent/resolve/dialects/consul.ts"
import { dialectOf } from "../../agent/resolve/dialects/dialects.ts"
import { envoyGateway } from "../../agent/resolve/dialects/envoy-gateway.ts"
import { makeResolver, type Resolving } from "../../agent/resolve/resolver.ts"
import { ask, plainRoute as route } from "../fixtures/config-dump/resolving.ts"
import { clusterNamed, configOf } from "./dialect-suite.ts"

interface Way {
  readonly listener: string
  readonly port: number
  readonly host: string
  readonly domains: readonly string[]
  readonly routes: readonly EnvoyRoute[]
}

function configured(id: string, clusters: readonly string[], ways: readonly Way[], fixed = {}): ProxyConfig {
  return {
    ...configOf(
      id,
      clusters.map((name) => clusterNamed(name)),
    ),
    stats: { fixed },
    listeners: ways.map(({ listener, port }) => ({
      name: listener,
      statPrefix: listener,
      direction: "unspecified",
      addresses: [{ host: "0.0.0.0", port }],
      accessLogs: [],
      chains: [
        {
          name: "",
          serverNames: [],
          filter: {
            kind: "http",
            statPrefix: listener,
            routeConfig: listener,
            accessLogs: [{ path: "/dev/stdout", format: { kind: "default" } }],
            normalizePath: true,
            mergeSlashes: false,
          },
        },
      ],
    })),
    routeConfigs: ways.map(({ listener, host, domains, routes }) => ({
      name: listener,
      virtualHosts: [{ name: host, domains, routes }],
    })),
  }
}

function resolving(config: ProxyConfig): Resolving {
  return makeResolver({
    config,
    identity: { proxy: "p" },
    interner: makeInterner(),
    readableLogs: new Set(["/dev/stdout"]),
  })
}

describe("Envoy Gateway", () => {
  const RULES = ["httproute/shop/site/rule/0", "httproute/shop/site/rule/1"]
  const config = configured(
    "envoy-shop-edge-1",
    [...RULES, "xds_cluster", "prometheus_stats"],
    [
      {
        listener: "shop/edge/http",
        port: 10_080,
        host: "shop/edge/http/shop_example_com",
        domains: ["shop.example.com", "shop.example.com:*"],
        routes: [
          route("httproute/shop/site/rule/1/match/0/shop_example_com", "/api", RULES[1] ?? ""),
          route("httproute/shop/site/rule/0/match/0/shop_example_com", "/", RULES[0] ?? ""),
        ],
      },
      {
        listener: "envoy-gateway-proxy-ready-0.0.0.0-19003",
        port: 19_003,
        host: "ready_route",
        domains: ["*"],
        routes: [route("", "/stats/prometheus", "prometheus_stats")],
      },
    ],
  )

  it("is the Gateway that its listeners are of", () => {
    expect(dialectOf(config, { proxy: "p" })).toBe(envoyGateway)
    expect(resolving(config).identity).toMatchObject({
      flavor: "plain",
      role: "gateway",
      resource: "edge.shop",
    })
    const merged = {
      ...config,
      listeners: config.listeners.concat({ ...config.listeners[0]!, name: "shop/other/http" }),
    }
    expect(resolving(merged).identity.resource).toBe("envoy-shop-edge-1")
  })

  it("takes a rule of an HTTPRoute for a gateway route, and leads to its backends at once", () => {
    const line = { authority: "shop.example.com", path: "/api/x", upstreamCluster: RULES[1] ?? "" }
    expect(ask(resolving(config), line)).toBe(
      "request gateway gateway=edge.shop gatewayRoute=site.shop/http[1] service=shop.example.com node=httproute/shop/site/rule/1",
    )
    expect(ask(resolving(config), { ...line, path: "/", upstreamCluster: RULES[0] ?? "" })).toContain(
      "site.shop/http[0]",
    )
  })

  it("leaves its own listeners out", () => {
    expect(resolving(config).plan.http.map(({ statPrefix }) => statPrefix)).toEqual(["shop/edge/http"])
  })
})

describe("Consul", () => {
  const DB = "db.default.dc1.internal.11111111-2222-3333-4444-555555555555.consul"
  const V2 = `v2.${DB}`
  const fixed = {
    "consul.source.service": "web",
    "consul.source.namespace": "default",
    "consul.source.partition": "default",
    "consul.source.datacenter": "dc1",
  }
  const config = configured(
    "web-sidecar-proxy",
    ["local_app", "local_agent", DB, V2],
    [
      {
        listener: "public_listener:10.0.0.5:20000",
        port: 20_000,
        host: "public_listener",
        domains: ["*"],
        routes: [route("", "/", "local_app")],
      },
      {
        listener: "db:127.0.0.1:9191",
        port: 9191,
        host: "db",
        domains: ["*"],
        routes: [route("", "/v2", V2), route("", "/", DB)],
      },
    ],
    fixed,
  )
  const self = resolving(config).identity

  it("is the service that its stats tags tell", () => {
    expect(dialectOf(config, { proxy: "p" })).toBe(consul)
    expect(self).toMatchObject({ flavor: "plain", role: "sidecar", resource: "web.default.dc1" })
    expect(resolving({ ...config, stats: { fixed: {} } }).identity.resource).toBe("web-sidecar-proxy")
  })

  it.each([
    [DB, "db.default.dc1", "db.default.dc1"],
    [V2, "db.default.dc1/v2", "db.default.dc1"],
    [`5a2b~${V2}`, "db.default.dc1/v2", "db.default.dc1"],
    ["db.team.part.dc1.internal-v1.x.consul", "db.team.part.dc1", "db.team.part.dc1"],
    ["passthrough~db.default.dc1.internal.x.consul", "db.default.dc1", "db.default.dc1"],
    ["db.default.cloud.external.x.consul", "db.default.cloud", "db.default.cloud"],
  ])("cluster %s is the node %s", (name, node, service) => {
    expect(consul.cluster(clusterNamed(name), self)).toEqual({
      kind: "node",
      direction: "outbound",
      node,
      service,
    })
  })

  it.each([
    ["local_app", "node"],
    ["exposed_cluster_8080", "node"],
    ["original-destination", "undeclared"],
    ["local_agent", "infrastructure"],
    ["prometheus_backend", "infrastructure"],
  ])("cluster %s is %s", (name, kind) => {
    expect(consul.cluster(clusterNamed(name), self).kind).toBe(kind)
  })

  it("calls have the service that their cluster is of, and what came in is its own", () => {
    const out = { authority: "db", path: "/v2/x", upstreamCluster: V2 }
    expect(ask(resolving(config), out)).toBe(
      "request source service=db.default.dc1 route=prefix /v2 source=web.default.dc1 node=db.default.dc1/v2",
    )
    expect(ask(resolving(config), { authority: "web", path: "/", upstreamCluster: "local_app" })).toBe(
      "request destination node=web.default.dc1",
    )
  })
})
