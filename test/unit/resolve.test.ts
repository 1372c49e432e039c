import { describe, expect, it } from "vitest"
import type { AccessFact, FieldName, FormatAbilities } from "#mesh/access.ts"
import type { DeclaredMesh } from "#mesh/declared.ts"
import { flagBit, flagBits } from "#mesh/flags.ts"
import type { EnvoyRoute } from "#mesh/proxy.ts"
import { makeInterner } from "#mesh/request.ts"
import { makeResolver, type Resolving } from "../../agent/resolve/resolver.ts"
import { parseKubernetesObjects } from "../../mesh/declare/kubernetes.ts"
import { factOf } from "../fixtures/config-dump/fact.ts"
import { declaredFixture, resolvingFor, told } from "../fixtures/config-dump/resolving.ts"
import { clusterNamed } from "./dialect-suite.ts"

const NR = flagBit("NR")

function ask(
  resolving: Resolving,
  fields: Partial<Record<FieldName, string>>,
  more: Parameters<typeof factOf>[1] = {},
): string {
  return told(resolving.resolver.resolve(factOf(fields, more)))
}

/** A mesh with a router of many routes, a gateway with all kinds of rewrites, gRPC and a health check. */
const SHOP = parseKubernetesObjects(
  `
{apiVersion: appmesh.k8s.aws/v1beta2, kind: Mesh, metadata: {name: shop}, spec: {egressFilter: {type: ALLOW_ALL}}}
---
{apiVersion: appmesh.k8s.aws/v1beta2, kind: VirtualNode, metadata: {name: front, namespace: ns}, spec: {
  listeners: [{portMapping: {port: 8080, protocol: http}, healthCheck: {protocol: http, path: /ping}}, {portMapping: {port: 9090, protocol: grpc}}],
  logging: {accessLog: {file: {path: /dev/stdout}}},
  backends: [{virtualService: {virtualServiceRef: {name: color}}}, {virtualService: {virtualServiceRef: {name: plain}}}, {virtualService: {virtualServiceRef: {name: empty}}}, {virtualService: {virtualServiceRef: {name: calls}}}]}}
---
{apiVersion: appmesh.k8s.aws/v1beta2, kind: VirtualNode, metadata: {name: blue, namespace: ns}, spec: {
  listeners: [{portMapping: {port: 8080, protocol: http}}], serviceDiscovery: {dns: {hostname: blue.ns}}}}
---
{apiVersion: appmesh.k8s.aws/v1beta2, kind: VirtualNode, metadata: {name: red, namespace: ns}, spec: {
  listeners: [{portMapping: {port: 8080, protocol: http}}, {portMapping: {port: 9090, protocol: grpc}}], serviceDiscovery: {dns: {hostname: red.ns}}}}
---
{apiVersion: appmesh.k8s.aws/v1beta2, kind: VirtualService, metadata: {name: color, namespace: ns}, spec: {awsName: color.local, provider: {virtualRouter: {virtualRouterRef: {name: color}}}}}
---
{apiVersion: appmesh.k8s.aws/v1beta2, kind: VirtualService, metadata: {name: plain, namespace: ns}, spec: {awsName: plain.local, provider: {virtualNode: {virtualNodeRef: {name: blue}}}}}
---
{apiVersion: appmesh.k8s.aws/v1beta2, kind: VirtualService, metadata: {name: empty, namespace: ns}, spec: {awsName: empty.local, provider: {virtualRouter: {virtualRouterRef: {name: empty}}}}}
---
{apiVersion: appmesh.k8s.aws/v1beta2, kind: VirtualService, metadata: {name: calls, namespace: ns}, spec: {awsName: calls.local, provider: {virtualRouter: {virtualRouterRef: {name: calls}}}}}
---
{apiVersion: appmesh.k8s.aws/v1beta2, kind: VirtualRouter, metadata: {name: empty, namespace: ns}, spec: {listeners: [{portMapping: {port: 8080, protocol: http}}], routes: []}}
---
{apiVersion: appmesh.k8s.aws/v1beta2, kind: VirtualRouter, metadata: {name: calls, namespace: ns}, spec: {listeners: [{portMapping: {port: 9090, protocol: grpc}}], routes: [
  {name: get, grpcRoute: {match: {serviceName: a.B, methodName: Get}, action: {weightedTargets: [{virtualNodeRef: {name: red}, weight: 1, port: 9090}]}}},
  {name: any, grpcRoute: {match: {serviceName: a.B}, action: {weightedTargets: [{virtualNodeRef: {name: red}, weight: 1, port: 9090}]}}}]}}
---
{apiVersion: appmesh.k8s.aws/v1beta2, kind: VirtualRouter, metadata: {name: color, namespace: ns}, spec: {listeners: [{portMapping: {port: 8080, protocol: http}}], routes: [
  {name: canary, priority: 1, httpRoute: {match: {prefix: /, headers: [{name: x-canary, match: {exact: "1"}}]}, action: {weightedTargets: [{virtualNodeRef: {name: red}, weight: 1}]}}},
  {name: votes, priority: 2, httpRoute: {match: {path: {exact: /votes}, method: POST}, action: {weightedTargets: [{virtualNodeRef: {name: blue}, weight: 1}]}}},
  {name: pattern, priority: 3, httpRoute: {match: {path: {regex: "/v[0-9]+/.*"}}, action: {weightedTargets: [{virtualNodeRef: {name: blue}, weight: 1}]}}},
  {name: query, priority: 4, httpRoute: {match: {prefix: /q, queryParameters: [{name: k, match: {exact: "1"}}]}, action: {weightedTargets: [{virtualNodeRef: {name: blue}, weight: 1}]}}},
  {name: api, priority: 5, httpRoute: {match: {prefix: /api}, action: {weightedTargets: [{virtualNodeRef: {name: blue}, weight: 1}, {virtualNodeRef: {name: red}, weight: 0}]}}}]}}
---
{apiVersion: appmesh.k8s.aws/v1beta2, kind: VirtualGateway, metadata: {name: gw, namespace: ns}, spec: {namespaceSelector: {}, listeners: [{portMapping: {port: 8088, protocol: http}}], logging: {accessLog: {file: {path: /dev/stdout}}}}}
---
{apiVersion: appmesh.k8s.aws/v1beta2, kind: GatewayRoute, metadata: {name: g-color, namespace: ns}, spec: {httpRoute: {match: {prefix: /color/}, action: {target: {virtualService: {virtualServiceRef: {name: color}}}}}}}
---
{apiVersion: appmesh.k8s.aws/v1beta2, kind: GatewayRoute, metadata: {name: g-kept, namespace: ns}, spec: {httpRoute: {match: {prefix: /kept/}, action: {target: {virtualService: {virtualServiceRef: {name: plain}}}, rewrite: {hostname: {defaultTargetHostname: DISABLED}, prefix: {defaultPrefix: DISABLED}}}}}}
---
{apiVersion: appmesh.k8s.aws/v1beta2, kind: GatewayRoute, metadata: {name: g-plain, namespace: ns}, spec: {httpRoute: {match: {prefix: /plain}, action: {target: {virtualService: {virtualServiceRef: {name: plain}}}}}}}
`,
  "shop.yaml",
).model.meshes[0] as DeclaredMesh

const OUT = "cds_egress_shop_blue_ns_http_8080"
const RED = "cds_egress_shop_red_ns_http_8080"
const SELF = "cds_ingress_shop_gw_ns_self_redirect_http_15001"
const abilities: FormatAbilities = {
  fields: ["method", "path", "originalPath", "authority", "upstreamCluster", "contentType"],
  headers: ["x-canary"],
  grpcStatus: true,
  attempts: true,
  durations: true,
  forgeable: false,
}

describe("a sidecar's calls", () => {
  const front = resolvingFor(SHOP, "front_ns")
  const exact = resolvingFor(SHOP, "front_ns", { abilities })

  it.each([
    ["POST", "/votes", OUT, "route=votes", ""],
    ["GET", "/v12/items", OUT, "route=pattern", ""],
    ["GET", "/q?k=1", OUT, "route=query", ""],
    ["GET", "/api/x?y", OUT, "route=api", ""],
    ["GET", "/api", RED, "route=(ambiguous)", " doubt=route_ambiguous"],
    ["GET", "/elsewhere", RED, "route=canary", ""],
  ])("%s %s by %s is %s", (method, path, upstreamCluster, route, doubt) => {
    const node = upstreamCluster === OUT ? "blue_ns" : "red_ns"
    expect(ask(front, { method, path, authority: "color.local:8080", upstreamCluster })).toBe(
      `request source service=color.local router=color_ns ${route} source=front_ns node=${node}${doubt}`,
    )
  })

  it("are certain where the format logs the header that routes differ by", () => {
    const fields = { method: "GET", path: "/api", authority: "color.local", upstreamCluster: RED }
    expect(told(exact.resolver.resolve(factOf(fields, { headers: ["1"] })))).toContain("route=canary")
    expect(told(exact.resolver.resolve(factOf(fields, { headers: [undefined] })))).toContain("route=api")
    const unsure = { ...fields, upstreamCluster: OUT }
    expect(told(exact.resolver.resolve(factOf(unsure, { headers: [undefined] })))).not.toContain("doubt")
  })

  it("to a service on a node have neither router nor route", () => {
    expect(ask(front, { path: "/x", authority: "plain.local", upstreamCluster: OUT })).toBe(
      "request source service=plain.local source=front_ns node=blue_ns",
    )
  })

  it("that found no route are (unmatched), of their service or of none", () => {
    const flags = { flags: NR, code: 404 }
    const line = { method: "GET", path: "/", downstreamLocal: "10.9.9.9:8080" }
    expect(ask(front, { ...line, authority: "empty.local" }, flags)).toBe(
      "request source service=empty.local route=(unmatched) source=front_ns",
    )
    expect(ask(front, { ...line, authority: "color.local" }, flags)).toBe(
      "request source service=color.local route=(unmatched) source=front_ns",
    )
    expect(ask(front, { ...line, authority: "strange.example" }, flags)).toBe(
      "request source service=(undeclared) route=(unmatched) source=front_ns",
    )
  })

  it("tell gRPC by route, by answer and by content type", () => {
    const grpc = {
      method: "POST",
      protocol: "HTTP/2",
      authority: "calls.local:9090",
      upstreamCluster: "cds_egress_shop_red_ns_grpc_9090",
    }
    expect(ask(front, { ...grpc, path: "/a.B/Get" })).toContain(
      "route=get source=front_ns node=red_ns protocol=grpc",
    )
    expect(ask(front, { ...grpc, path: "/a.B/Put" })).toContain("route=any")
    const http = { path: "/api", authority: "color.local", upstreamCluster: OUT, protocol: "HTTP/2" }
    expect(ask(front, http)).toContain("protocol=http2")
    expect(ask(front, http, { grpcStatus: 0 })).toContain("protocol=grpc")
    expect(ask(front, { ...http, contentType: "application/grpc+proto" })).toContain("protocol=grpc")
  })

  it("by a cluster that the configuration no longer has keep the node that is still known", () => {
    const line = { path: "/api", authority: "color.local" }
    expect(ask(front, { ...line, upstreamCluster: "cds_egress_shop_red_ns_http_9999" })).toContain(
      "node=red_ns",
    )
    const made = ask(front, { ...line, upstreamCluster: "cds_egress_shop_invented_http_80" })
    expect(made).toContain("node=(unknown)")
    expect(made).toContain("doubt=")
  })
})

/** A line without upstream host that ended with these flags. */
function end(resolving: Resolving, fields: Partial<Record<FieldName, string>>, flags: string): string {
  return ask(resolving, fields, { flags: flagBits(flags), code: 503 })
}

describe("the side of a line", () => {
  const front = resolvingFor(SHOP, "front_ns", {
    hosts: [
      { cluster: OUT, address: { host: "10.0.1.5", port: 8080 }, state: "healthy", counters: {} },
      { cluster: RED, address: { host: "10.0.1.6", port: 8080 }, state: "healthy", counters: {} },
    ],
  })
  const line = { method: "GET", path: "/api", authority: "color.local" }
  const side = (fields: Partial<Record<FieldName, string>>): string =>
    ask(front, { ...line, ...fields })
      .split(" ")
      .slice(0, 2)
      .join(" ")

  it.each<[string, Partial<Record<FieldName, string>>, string]>([
    ["an inbound cluster", { upstreamCluster: "cds_ingress_shop_front_ns_http_8080" }, "request destination"],
    ["an outbound cluster", { upstreamCluster: OUT }, "request source"],
    ["the pod's own address", { downstreamLocal: "10.0.0.67:8080" }, "request destination"],
    ["a stranger's address", { downstreamLocal: "10.100.1.1:8080" }, "request source"],
    ["a known local host", { upstreamHost: "127.0.0.1:8080" }, "request destination"],
    ["a known host", { upstreamHost: "10.0.1.5:8080" }, "request source"],
    ["a host that no inbound cluster can have", { upstreamHost: "10.7.7.7:8080" }, "request source"],
    ["a call from the pod itself", { downstreamRemote: "10.0.0.67:43210" }, "request source"],
    ["a call from elsewhere", { downstreamRemote: "10.0.3.9:43210" }, "request destination"],
    ["a backend's name", {}, "request source"],
    ["nothing", { authority: "who.knows" }, "undecided destination"],
  ])("is told by %s", (_, fields, expected) => {
    expect(side(fields)).toBe(expected)
  })

  it("is doubted where nothing tells", () => {
    expect(ask(front, { ...line, authority: "who.knows" })).toBe("undecided destination doubt=direction")
  })

  describe("where nothing but its end tells", () => {
    const stranger = { ...line, authority: "who.knows" }
    const { mesh } = declaredFixture("yelb.yaml")
    const gateway = resolvingFor(mesh, "yelb-gateway_yelb")

    it.each<[string, Partial<Record<FieldName, string>>, string, string]>([
      ["no route, where all that comes in has one", stranger, "NR", "service=(undeclared) route=(unmatched)"],
      ["the same for a backend's name", { ...line, path: "/none" }, "NR", "service=color.local"],
    ])("went out: %s", (_, fields, flags, expected) => {
      const answer = end(front, fields, flags)
      expect(answer).toContain("request source")
      expect(answer).toContain(expected)
      expect(answer).not.toContain("doubt")
    })

    it.each(["UH", "UF,URX", "UO", "NC", "UT", "UC", "LR", "UPE", "UMSDR", "UO,DC"])(
      "came in: %s for an authority that no backend has",
      (flags) => {
        expect(end(front, stranger, flags)).toBe("request destination node=front_ns")
        expect(end(front, line, flags)).toContain("request source")
      },
    )

    it.each<[string, Partial<Record<FieldName, string>>, string]>([
      ["CONNECT has no path", { ...stranger, method: "CONNECT" }, "NR"],
      ["no method", { authority: "who.knows", path: "/" }, "NR"],
      ["no authority", { method: "GET", path: "/" }, "NR"],
      ["no authority to look up", { method: "GET", path: "/" }, "UO"],
      ["refused before routing", stranger, "DPE"],
      ["the caller left", stranger, "DC"],
      ["a flag of no kind", stranger, "XX"],
    ])("stays in doubt: %s", (_, fields, flags) => {
      expect(end(front, fields, flags)).toBe("undecided destination doubt=direction")
    })

    it("a proxy with requests on one side only", () => {
      const app = resolvingFor(mesh, "yelb-appserver-virtual-node")
      expect(end(app, stranger, "DPE")).toBe("request destination node=yelb-appserver-virtual-node")
    })

    it("a gateway that has a route for everything found none at its second pass", () => {
      expect(end(gateway, stranger, "NR")).toContain("request source")
      expect(end(gateway, stranger, "UO")).toContain("request gateway")
    })
  })

  it("names the node by host, and says when no cluster has it", () => {
    expect(ask(front, { ...line, upstreamHost: "10.0.1.6:8080" })).toContain("node=red_ns")
    expect(ask(front, { ...line, authority: "plain.local", upstreamHost: "10.7.7.7:8080" })).toContain(
      "node=blue_ns",
    )
    const many = ask(front, { ...line, upstreamHost: "10.7.7.7:8080" })
    expect(many).toContain("node=(unknown)")
    front.setHosts([
      { cluster: RED, address: { host: "10.7.7.7", port: 8080 }, state: "healthy", counters: {} },
    ])
    expect(ask(front, { ...line, upstreamHost: "10.7.7.7:8080" })).toContain("node=red_ns")
  })
})

describe("health checks", () => {
  const inbound = { method: "GET", upstreamCluster: "cds_ingress_shop_front_ns_http_8080" }
  const front = resolvingFor(SHOP, "front_ns")
  const kindOf = (resolving: Resolving, path: string, userAgent?: string): string =>
    ask(resolving, { ...inbound, path, ...(userAgent === undefined ? {} : { userAgent }) }).split(" ")[0] ??
    ""

  it.each([
    ["/ping", "Envoy/HC", "health_check"],
    ["/ping?x", "ELB-HealthChecker/2.0", "health_check"],
    ["/ping", "kube-probe/1.32", "health_check"],
    ["/ping", "GoogleHC/1.0", "health_check"],
    ["/ping", "Amazon-Route53-Health-Check-Service (ref 1)", "health_check"],
    ["/pingpong", "kube-probe/1.32", "request"],
    ["/api", "Envoy/HC", "request"],
    ["/ping", "curl/8", "request"],
    ["/ping", undefined, "request"],
  ])("declared path /ping: %s by %s is a %s", (path, agent, kind) => {
    expect(kindOf(front, path, agent)).toBe(kind)
  })

  it("without a declared path go by the agent alone", () => {
    const blue = resolvingFor(SHOP, "blue_ns")
    expect(
      ask(blue, {
        path: "/any",
        userAgent: "kube-probe/1.30",
        upstreamCluster: "cds_ingress_shop_blue_ns_http_8080",
      }),
    ).toBe("health_check destination node=blue_ns")
  })

  it("may be configured by agent and by path", () => {
    const more = resolvingFor(SHOP, "front_ns", {
      healthChecks: { agents: ["my-checker/"], paths: ["/healthz"] },
    })
    expect(kindOf(more, "/ping", "my-checker/3")).toBe("health_check")
    expect(kindOf(more, "/healthz", "curl/8")).toBe("health_check")
    expect(kindOf(more, "/healthzz", "curl/8")).toBe("request")
  })

  it("count once at a gateway, which sees them twice", () => {
    const gateway = resolvingFor(SHOP, "gw_ns")
    const check = {
      method: "GET",
      userAgent: "ELB-HealthChecker/2.0",
      path: "/",
      originalPath: "/plain",
      authority: "plain.local",
    }
    expect(ask(gateway, { ...check, upstreamCluster: SELF })).toContain("health_check gateway")
    expect(ask(gateway, { ...check, upstreamCluster: OUT })).toBe("undecided destination")
  })
})

describe("a gateway", () => {
  const gateway = resolvingFor(SHOP, "gw_ns")

  it("names its gateway route by the path that the caller sent", () => {
    const line = { method: "GET", authority: "color.local", upstreamCluster: SELF }
    const expected = "request gateway gateway=gw_ns gatewayRoute=g-color_ns service=color.local"
    expect(ask(gateway, { ...line, path: "/api", originalPath: "/color/api" })).toBe(expected)
    expect(ask(gateway, { ...line, path: "/", originalPath: "/color" })).toBe(expected)
    expect(ask(gateway, { ...line, eitherPath: "/color/api" })).toBe(expected)
  })

  it("cannot be told another gateway route by a forged header", () => {
    // The caller sent x-envoy-original-path: /plain/x; the row that was taken rewrites, so Envoy wrote the header anew.
    expect(
      ask(gateway, {
        method: "GET",
        path: "/api",
        originalPath: "/color/api",
        authority: "color.local",
        upstreamCluster: SELF,
      }),
    ).not.toContain("doubt")
    // No rewrite of /plain/x gives /api: what the caller says explains nothing.
    const lie = ask(gateway, {
      method: "GET",
      path: "/api",
      originalPath: "/plain/x",
      authority: "color.local",
      upstreamCluster: SELF,
    })
    expect(lie).toBe("request gateway gateway=gw_ns gatewayRoute=(unmatched) doubt=route_unmatched")
  })

  it("counts its second pass as a call of the gateway", () => {
    const line = { method: "GET", authority: "color.local", upstreamCluster: OUT }
    const expected = "request source gateway=gw_ns service=color.local router=color_ns route=api node=blue_ns"
    expect(ask(gateway, { ...line, path: "/api/x", originalPath: "/color/api/x" })).toBe(expected)
    expect(ask(gateway, { ...line, eitherPath: "/color/api/x" })).toBe(expected)
  })

  it("knows the service of its second pass where the caller's host is kept", () => {
    const line = { method: "GET", authority: "www.shop.example", upstreamCluster: OUT }
    expect(ask(gateway, { ...line, path: "/kept/x", originalPath: "/kept/x" })).toBe(
      "request source gateway=gw_ns service=plain.local node=blue_ns",
    )
    expect(ask(gateway, { ...line, upstreamCluster: SELF, path: "/kept/x", originalPath: "/kept/x" })).toBe(
      "request gateway gateway=gw_ns gatewayRoute=g-kept_ns service=plain.local",
    )
  })

  it("reports what found no gateway route at its ingress", () => {
    const line = { method: "GET", path: "/nowhere", authority: "www.shop.example" }
    const expected = "request gateway gateway=gw_ns gatewayRoute=(unmatched)"
    expect(ask(gateway, { ...line, downstreamLocal: "10.0.0.67:8088" }, { flags: NR, code: 404 })).toBe(
      expected,
    )
    expect(ask(gateway, line, { flags: NR, code: 404 })).toBe(expected)
    expect(ask(gateway, { ...line, downstreamLocal: "127.0.0.1:15001" }, { flags: NR, code: 404 })).toContain(
      "request source",
    )
  })
})

describe("default text at a sidecar", () => {
  const front = resolvingFor(SHOP, "front_ns")

  it("is forgeable where the path decides", () => {
    const line = { method: "GET", authority: "color.local", upstreamCluster: OUT }
    expect(ask(front, { ...line, eitherPath: "/api/x" })).toContain(
      "route=api source=front_ns node=blue_ns doubt=",
    )
    expect(ask(front, { ...line, authority: "plain.local", eitherPath: "/api/x" })).not.toContain("doubt")
  })

  it("carries the decoder's own doubt", () => {
    expect(
      ask(front, { path: "/", authority: "plain.local", upstreamCluster: OUT }, { doubtful: true }),
    ).toContain("doubt=forgeable")
  })
})

describe("TCP", () => {
  const { mesh } = declaredFixture("yelb.yaml")
  const app = resolvingFor(mesh, "yelb-appserver-virtual-node")
  const tcp = { kind: "tcp" } as const

  it("names service and node by cluster", () => {
    expect(ask(app, { upstreamCluster: "cds_egress_yelb_redis-server-virtual-node_tcp_6379" }, tcp)).toBe(
      "tcp source service=redis-server source=yelb-appserver-virtual-node node=redis-server-virtual-node",
    )
    expect(ask(app, { upstreamCluster: "cds_egress_yelb_amazonaws" }, tcp)).toContain(
      "service=(aws) source=yelb-appserver-virtual-node node=(aws)",
    )
  })

  it("to undeclared hosts is said so", () => {
    const allowAll = declaredFixture("mesh-1.yaml").mesh
    const node = resolvingFor(allowAll, "vnode-1_mesh-test")
    expect(ask(node, { upstreamCluster: "cds_egress_mesh-1_mesh-allow-all" }, tcp)).toBe(
      "tcp source service=(undeclared) source=vnode-1_mesh-test node=(undeclared)",
    )
  })

  it("that comes in is the node's own", () => {
    const redis = resolvingFor(mesh, "redis-server-virtual-node")
    expect(ask(redis, { upstreamHost: "127.0.0.1:6379" }, tcp)).toBe(
      "tcp destination node=redis-server-virtual-node",
    )
    expect(ask(redis, {}, tcp)).toContain("doubt=direction")
  })
})

describe("without a declared model", () => {
  it("routes are named by their match, and that is said", () => {
    const front = resolvingFor(SHOP, "front_ns", { declared: null })
    expect(front.missing).toContain("declared_model")
    const line = { method: "POST", authority: "color.local", upstreamCluster: OUT }
    expect(ask(front, { ...line, path: "/votes" })).toContain("service=color.local route=path /votes POST")
    expect(ask(front, { ...line, path: "/api/x" })).toContain("route=prefix /api source")
    const gateway = resolvingFor(SHOP, "gw_ns", { declared: null })
    expect(
      ask(gateway, { path: "/x", originalPath: "/color/x", authority: "color.local", upstreamCluster: SELF }),
    ).toContain("gatewayRoute=prefix /color service=color.local")
  })
})

describe("names against an older or newer model", () => {
  it("follow the order where a match changed, and say so", () => {
    const changed: DeclaredMesh = {
      ...SHOP,
      virtualRouters: SHOP.virtualRouters.map((router) => ({
        ...router,
        routes: router.routes.map((route) =>
          route.name === "api" ? { ...route, match: { path: { prefix: "/rest" } } } : route,
        ),
      })),
    }
    const front = resolvingFor(SHOP, "front_ns", { declared: { meshes: [changed] } })
    expect(
      ask(front, { method: "GET", path: "/api/x", authority: "color.local", upstreamCluster: OUT }),
    ).toContain("route=api")
    expect(front.notes).toEqual([
      "router color_ns: route api is named by its place in the order (prefix /api)",
    ])
  })

  it("fall back to the match where the counts differ", () => {
    const fewer: DeclaredMesh = {
      ...SHOP,
      virtualRouters: SHOP.virtualRouters.map((router) => ({
        ...router,
        routes: router.routes.filter(({ name }) => name !== "api"),
      })),
    }
    const front = resolvingFor(SHOP, "front_ns", { declared: { meshes: [fewer] } })
    expect(
      ask(front, { method: "GET", path: "/api/x", authority: "color.local", upstreamCluster: OUT }),
    ).toContain("router=color_ns route=prefix /api")
    expect(front.notes).toEqual(["router color_ns: no declared route has the match prefix /api"])
  })
})

describe("the plan for stats", () => {
  it("gives a gateway route the numbers of clusters that only it can lead to", () => {
    const { mesh } = declaredFixture("yelb.yaml")
    const { plan } = resolvingFor(mesh, "yelb-gateway_yelb")
    const ingress = plan.http.find(({ reporter }) => reporter === "gateway")
    expect(
      ingress?.clusters.map(({ statName, row, target }) => [
        statName,
        row.gatewayRoute,
        row.virtualService,
        target.name,
      ]),
    ).toEqual([
      [
        "cds_egress_yelb_yelb-appserver-virtual-node_http_4567",
        "yelbapp-gatewayroute_yelb",
        "yelb-appserver",
        "",
      ],
      [
        "cds_egress_yelb_yelb-appserver-virtual-node-v2_http_4567",
        "yelbapp-gatewayroute_yelb",
        "yelb-appserver",
        "",
      ],
      ["cds_egress_yelb_yelb-ui-virtual-node_http_80", "yelbui-gatewayroute_yelb", "yelb-ui", ""],
    ])
    expect(ingress?.unmatched.gatewayRoute).toBe("(unmatched)")
    expect(ingress?.provenance).toBe("stats")
  })

  it("shares what several routes lead to, and leaves weight 0 out of it", () => {
    const { plan } = resolvingFor(SHOP, "front_ns")
    const egress = plan.http.find(({ statPrefix }) => statPrefix === "egress")
    const rows = egress?.clusters.map(({ statName, row, protocol }) => [
      statName,
      row.virtualService,
      row.route,
      protocol,
    ])
    expect(rows).toEqual([
      [RED, "color.local", "canary", 0],
      // Four routes of color.local and all of plain.local.
      [OUT, "(shared)", "(shared)", 0],
      ["cds_egress_shop_red_ns_grpc_9090", "calls.local", "(shared)", 2],
    ])
    expect(egress?.unmatched).toMatchObject({
      virtualService: "(unknown)",
      route: "(unmatched)",
      source: "front_ns",
    })
  })

  it("shares gateway routes of one service", () => {
    const { plan } = resolvingFor(SHOP, "gw_ns")
    const ingress = plan.http.find(({ reporter }) => reporter === "gateway")
    expect(
      ingress?.clusters.map(({ statName, row }) => [statName, row.gatewayRoute, row.virtualService]),
    ).toEqual([
      [RED, "g-color_ns", "color.local"],
      [OUT, "(shared)", "(shared)"],
    ])
  })

  it("has one scope per listener of a node with several, and own clusters inbound", () => {
    const { plan } = resolvingFor(SHOP, "front_ns")
    expect(
      plan.http
        .filter(({ reporter }) => reporter === "destination")
        .map(({ statPrefix, clusters, unmatchedTarget }) => [
          statPrefix,
          clusters.map((one) => [one.statName, one.target.name, one.protocol]),
          unmatchedTarget?.name,
        ]),
    ).toEqual([
      ["ingress.http.8080", [["cds_ingress_shop_front_ns_http_8080", "front_ns", 0]], "front_ns"],
      ["ingress.grpc.9090", [["cds_ingress_shop_front_ns_grpc_9090", "front_ns", 2]], "front_ns"],
    ])
    expect(plan.clusters.map(({ name, target, direction }) => [name, target.name, direction])).toContainEqual(
      [OUT, "blue_ns", "outbound"],
    )
  })

  it("takes numbers from the log only where every way of a side writes one that can be read", () => {
    const front = resolvingFor(SHOP, "front_ns")
    expect(front.provenances.http).toEqual({ inbound: "log", outbound: "log" })
    const unread = resolvingFor(SHOP, "front_ns", { readableLogs: new Set(["/var/log/other"]) })
    expect(unread.provenances.http).toEqual({ inbound: "stats", outbound: "stats" })
    expect(unread.missing).toEqual(["inbound_log", "outbound_log"])
    expect(resolvingFor(SHOP, "blue_ns").provenances.http.inbound).toBe("stats")
  })
})

function plainRoute(name: string, prefix: string, cluster: string): EnvoyRoute {
  return {
    name,
    match: {
      kind: "prefix",
      value: prefix,
      caseSensitive: true,
      headers: [],
      query: [],
      grpc: false,
      fractional: false,
    },
    action: { kind: "route", clusters: [{ name: cluster, weight: 1 }], retries: 0 },
    requestHeadersToAdd: [],
    tags: {},
  }
}

describe("a plain Envoy", () => {
  const filter = {
    kind: "http",
    statPrefix: "edge",
    routeConfig: "r",
    accessLogs: [],
    normalizePath: false,
    mergeSlashes: false,
  } as const
  const edge = makeResolver({
    config: {
      node: { id: "edge-1", cluster: "edge", metadata: {}, version: "1.40.0" },
      listeners: [
        {
          name: "l",
          statPrefix: "l",
          direction: "unspecified",
          addresses: [{ host: "0.0.0.0", port: 80 }],
          chains: [{ name: "", serverNames: [], filter }],
          accessLogs: [],
        },
      ],
      routeConfigs: [
        {
          name: "r",
          virtualHosts: [
            {
              name: "shop",
              domains: ["*"],
              routes: [plainRoute("cart", "/cart", "carts"), plainRoute("", "/", "web")],
            },
          ],
        },
      ],
      clusters: [clusterNamed("carts"), clusterNamed("web")],
      versions: {},
      updatedMs: undefined,
    },
    identity: { proxy: "edge-1" },
    interner: makeInterner(),
    readableLogs: new Set(),
  })

  it("calls clusters nodes, virtual hosts services, and routes by their own names", () => {
    expect(ask(edge, { path: "/cart/1", authority: "x", upstreamCluster: "carts" })).toBe(
      "request source service=shop route=cart source=edge node=carts",
    )
    expect(ask(edge, { path: "/", authority: "x", upstreamCluster: "web" })).toBe(
      "request source service=shop route=prefix / source=edge node=web",
    )
  })
})

describe("what the log and the configuration do not agree on", () => {
  it("keeps the node that the cluster tells, and the service that the cluster is for", () => {
    const front = resolvingFor(SHOP, "front_ns")
    expect(ask(front, { path: "/", authority: "gone.local", upstreamCluster: RED })).toBe(
      "request source service=color.local route=(unmatched) source=front_ns node=red_ns doubt=route_unmatched",
    )
    expect(ask(front, { path: "/", authority: "gone.local", upstreamCluster: OUT })).toBe(
      "request source service=(unknown) route=(unmatched) source=front_ns node=blue_ns doubt=route_unmatched",
    )
  })
})

describe("a result", () => {
  it("is one object, written anew by each call", () => {
    const front = resolvingFor(SHOP, "front_ns")
    const fact: AccessFact = factOf({ path: "/", authority: "plain.local", upstreamCluster: OUT })
    expect(front.resolver.resolve(fact)).toBe(front.resolver.resolve(fact))
  })
})
