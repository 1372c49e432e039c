import { describe, expect, it } from "vitest"
import { flagBit } from "#mesh/flags.ts"
import { ask, resolvingFor, SHOP, TO_BLUE } from "../fixtures/config-dump/resolving.ts"

const NR = flagBit("NR")
const SELF = "cds_ingress_shop_gw_ns_self_redirect_http_15001"

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
    const line = { method: "GET", authority: "color.local", upstreamCluster: TO_BLUE }
    const expected = "request source gateway=gw_ns service=color.local router=color_ns route=api node=blue_ns"
    expect(ask(gateway, { ...line, path: "/api/x", originalPath: "/color/api/x" })).toBe(expected)
    expect(ask(gateway, { ...line, eitherPath: "/color/api/x" })).toBe(expected)
  })

  it("knows the service of its second pass where the caller's host is kept", () => {
    const line = { method: "GET", authority: "www.shop.example", upstreamCluster: TO_BLUE }
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
