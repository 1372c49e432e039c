import { describe, expect, it } from "vitest"
import type { DeclaredMesh } from "#mesh/declared.ts"
import { makeInterner } from "#mesh/request.ts"
import { makeResolver } from "../../agent/resolve/resolver.ts"
import { ask, plainRoute, resolvingFor, SHOP, TO_BLUE } from "../fixtures/config-dump/resolving.ts"
import { clusterNamed } from "./dialect-suite.ts"

const SELF = "cds_ingress_shop_gw_ns_self_redirect_http_15001"

describe("without a declared model", () => {
  it("routes are named by their match, and that is said", () => {
    const front = resolvingFor(SHOP, "front_ns", { declared: null })
    expect(front.missing).toContain("declared_model")
    const line = { method: "POST", authority: "color.local", upstreamCluster: TO_BLUE }
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
      ask(front, { method: "GET", path: "/api/x", authority: "color.local", upstreamCluster: TO_BLUE }),
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
      ask(front, { method: "GET", path: "/api/x", authority: "color.local", upstreamCluster: TO_BLUE }),
    ).toContain("router=color_ns route=prefix /api")
    expect(front.notes).toEqual(["router color_ns: no declared route has the match prefix /api"])
  })
})

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
