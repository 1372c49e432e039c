import { describe, expect, it } from "vitest"
import type { Resolving } from "../../agent/resolve/resolver.ts"
import { ask, resolvingFor, SHOP, TO_BLUE } from "../fixtures/config-dump/resolving.ts"

const SELF = "cds_ingress_shop_gw_ns_self_redirect_http_15001"

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
    expect(ask(gateway, { ...check, upstreamCluster: TO_BLUE })).toContain("health_check source")
  })
})
