import { describe, expect, it } from "vitest"
import type { DeclaredMesh } from "#mesh/declared.ts"
import { ask, resolvingFor, SHOP } from "../fixtures/config-dump/resolving.ts"

/** A route that leaves the path alone, beside `g-color_ns`, which makes the same paths for the same service. */
const PLAIN = {
  name: "g-alone_ns",
  protocol: "http",
  match: { path: { regex: "/api/.*" } },
  virtualService: "color.local",
  rewrite: { hostname: true },
} as const
const [GATEWAY] = SHOP.virtualGateways
if (GATEWAY === undefined) throw new Error("the shop has no gateway")
const MESH: DeclaredMesh = {
  ...SHOP,
  virtualGateways: [{ ...GATEWAY, routes: [PLAIN, ...GATEWAY.routes] }],
}
const LINE = {
  method: "GET",
  authority: "color.local",
  upstreamCluster: "cds_ingress_shop_gw_ns_self_redirect_http_15001",
}
const took = (route: string): string =>
  `request gateway gateway=gw_ns gatewayRoute=${route} service=color.local`
const REWRITTEN = took("g-color_ns")
const KEPT = took("g-alone_ns")
const DOUBT = " doubt=forgeable"

describe("an original path that Envoy or the caller may have written", () => {
  const gateway = resolvingFor(MESH, "gw_ns")

  it.each([
    ["both explain it", { path: "/api/x", originalPath: "/color/api/x" }, REWRITTEN + DOUBT],
    ["no route makes the path of the claimed one", { path: "/api/x", originalPath: "/plain/x" }, KEPT],
    ["nothing is claimed", { path: "/api/x" }, KEPT],
    ["no plain route takes the path", { path: "/x", originalPath: "/color/x" }, REWRITTEN],
    // One path for both: who took the plain route may have claimed any.
    ["the line shows what the caller may claim", { eitherPath: "/color/api/x" }, REWRITTEN + DOUBT],
    ["the line shows what only the plain route takes", { eitherPath: "/api/x" }, KEPT],
  ])("%s", (_, paths, expected) => {
    expect(ask(gateway, { ...LINE, ...paths })).toBe(expected)
  })

  it("does not matter where no plain route leads to the service", () => {
    const line = { ...LINE, authority: "plain.local", eitherPath: "/plain/x" }
    expect(ask(gateway, line)).toBe(
      "request gateway gateway=gw_ns gatewayRoute=g-plain_ns service=plain.local",
    )
  })

  it("explains nothing, and is doubted still where it is all that a line shows", () => {
    expect(ask(gateway, { ...LINE, eitherPath: "/plain/x" })).toContain("doubt=forgeable")
  })
})
