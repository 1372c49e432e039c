import { describe, expect, it } from "vitest"
import type { AccessFact, FormatAbilities } from "#mesh/access.ts"
import { flagBit } from "#mesh/flags.ts"
import { factOf } from "../fixtures/config-dump/fact.ts"
import {
  ask,
  declaredFixture,
  resolvingFor,
  SHOP,
  TO_BLUE,
  TO_RED,
  told,
} from "../fixtures/config-dump/resolving.ts"

const NR = flagBit("NR")
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
    ["POST", "/votes", TO_BLUE, "route=votes", ""],
    ["GET", "/v12/items", TO_BLUE, "route=pattern", ""],
    ["GET", "/q?k=1", TO_BLUE, "route=query", ""],
    ["GET", "/api/x?y", TO_BLUE, "route=api", ""],
    ["GET", "/api", TO_RED, "route=(ambiguous)", " doubt=route_ambiguous"],
    ["GET", "/elsewhere", TO_RED, "route=canary", ""],
  ])("%s %s by %s is %s", (method, path, upstreamCluster, route, doubt) => {
    const node = upstreamCluster === TO_BLUE ? "blue_ns" : "red_ns"
    expect(ask(front, { method, path, authority: "color.local:8080", upstreamCluster })).toBe(
      `request source service=color.local router=color_ns ${route} source=front_ns node=${node}${doubt}`,
    )
  })

  it("are certain where the format logs the header that routes differ by", () => {
    const fields = { method: "GET", path: "/api", authority: "color.local", upstreamCluster: TO_RED }
    expect(told(exact.resolver.resolve(factOf(fields, { headers: ["1"] })))).toContain("route=canary")
    expect(told(exact.resolver.resolve(factOf(fields, { headers: [undefined] })))).toContain("route=api")
    const unsure = { ...fields, upstreamCluster: TO_BLUE }
    expect(told(exact.resolver.resolve(factOf(unsure, { headers: [undefined] })))).not.toContain("doubt")
  })

  it("to a service on a node have neither router nor route", () => {
    expect(ask(front, { path: "/x", authority: "plain.local", upstreamCluster: TO_BLUE })).toBe(
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
    const http = { path: "/api", authority: "color.local", upstreamCluster: TO_BLUE, protocol: "HTTP/2" }
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

describe("default text at a sidecar", () => {
  const front = resolvingFor(SHOP, "front_ns")

  it("is forgeable where the path decides", () => {
    const line = { method: "GET", authority: "color.local", upstreamCluster: TO_BLUE }
    expect(ask(front, { ...line, eitherPath: "/api/x" })).toContain(
      "route=api source=front_ns node=blue_ns doubt=",
    )
    expect(ask(front, { ...line, authority: "plain.local", eitherPath: "/api/x" })).not.toContain("doubt")
  })

  it("carries the decoder's own doubt", () => {
    expect(
      ask(front, { path: "/", authority: "plain.local", upstreamCluster: TO_BLUE }, { doubtful: true }),
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

describe("what the log and the configuration do not agree on", () => {
  it("keeps the node that the cluster tells, and the service that the cluster is for", () => {
    const front = resolvingFor(SHOP, "front_ns")
    expect(ask(front, { path: "/", authority: "gone.local", upstreamCluster: TO_RED })).toBe(
      "request source service=color.local route=(unmatched) source=front_ns node=red_ns doubt=route_unmatched",
    )
    expect(ask(front, { path: "/", authority: "gone.local", upstreamCluster: TO_BLUE })).toBe(
      "request source service=(unknown) route=(unmatched) source=front_ns node=blue_ns doubt=route_unmatched",
    )
  })
})

describe("a result", () => {
  it("is one object, written anew by each call", () => {
    const front = resolvingFor(SHOP, "front_ns")
    const fact: AccessFact = factOf({ path: "/", authority: "plain.local", upstreamCluster: TO_BLUE })
    expect(front.resolver.resolve(fact)).toBe(front.resolver.resolve(fact))
  })
})
