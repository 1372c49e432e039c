import { describe, expect, test } from "vitest"
import type { DeclaredModel } from "#mesh/declared.ts"
import type { ProxyConfig } from "#mesh/proxy.ts"
import { istio } from "../../agent/resolve/dialects/istio.ts"
import { istioIdentity } from "../../agent/resolve/dialects/istio-node.ts"
import { clusterNamed, configOf } from "./dialect-suite.ts"

type Gateway = DeclaredModel["meshes"][number]["virtualGateways"][number]

function modelOf(...virtualGateways: readonly Gateway[]): DeclaredModel {
  const mesh = { name: "cluster.local", flavor: "istio", egress: "ALLOW_ALL" } as const
  return { meshes: [{ ...mesh, virtualNodes: [], virtualServices: [], virtualRouters: [], virtualGateways }] }
}

const gateway = (name: string, labels?: Readonly<Record<string, string>>): Gateway => ({
  name,
  listeners: [],
  routes: [],
  ...(labels === undefined ? {} : { podSelector: { matchLabels: labels } }),
})

function proxyOf(id: string, metadata: object, clusters: readonly string[] = []): ProxyConfig {
  const config = configOf(
    id,
    clusters.map((name) => clusterNamed(name)),
  )
  return { ...config, node: { ...config.node, metadata: { ...metadata } } }
}

const ROUTER = "router~10.0.0.7~in-5d9-x2x.edge~edge.svc.cluster.local"
const SIDECAR = "sidecar~10.0.0.7~web-5d9-x2x.shop~shop.svc.cluster.local"
const LABELS = { LABELS: { istio: "in" }, WORKLOAD_NAME: "workload" }

const named = (metadata: object, ...gateways: readonly Gateway[]): string =>
  istioIdentity(proxyOf(ROUTER, metadata), { proxy: "p" }, modelOf(...gateways)).resource

describe("a gateway of Istio", () => {
  test("is the declared one whose selector takes it, and none whose selector asks for nothing", () => {
    expect(named(LABELS, gateway("site.edge", { istio: "in" }))).toBe("site.edge")
    expect(named(LABELS, gateway("site.edge", { istio: "out" }))).toBe("workload.edge")
    expect(named(LABELS, gateway("site.edge"))).toBe("workload.edge")
    expect(named(LABELS, gateway("site.edge", {}))).toBe("workload.edge")
    expect(named(LABELS, gateway("site.edge", { istio: "in" }), gateway("any.edge", {}))).toBe("site.edge")
  })

  test("is none of two that take it", () => {
    expect(named(LABELS, gateway("a.edge", { istio: "in" }), gateway("b.edge", { istio: "in" }))).toBe(
      "workload.edge",
    )
  })

  test("of the Gateway API is named with its namespace, or not so at all", () => {
    const labels = { LABELS: { "gateway.networking.k8s.io/gateway-name": "site" } }
    expect(istioIdentity(proxyOf(ROUTER, labels), { proxy: "p" }).resource).toBe("site.edge")
    const nowhere = proxyOf("router~10.0.0.7~vm~", { ...labels, WORKLOAD_NAME: "workload" })
    expect(istioIdentity(nowhere, { proxy: "p" }).resource).toBe("workload")
  })
})

const inbound = (...hosts: readonly string[]): readonly string[] => hosts.map((host) => `inbound|80||${host}`)

test("of two services that begin with the canonical name, nobody can tell which", () => {
  const metadata = { LABELS: { app: "web" }, WORKLOAD_NAME: "workload" }
  const own = (...hosts: readonly string[]): string =>
    istioIdentity(proxyOf(SIDECAR, metadata, inbound(...hosts)), { proxy: "p" }).resource
  expect(own("web.shop.svc.cluster.local", "other.shop.svc.cluster.local")).toBe("web.shop.svc.cluster.local")
  expect(own("web.shop.svc.cluster.local", "web.shop.svc.other.local")).toBe("workload.shop")
})

test("a route's name with many dots has few names", () => {
  const name = Array.from({ length: 1000 }, (_, at) => `n${at}`).join(".")
  const names =
    istio.wireNames?.({ name, tags: {} } as Parameters<NonNullable<typeof istio.wireNames>>[0]) ?? []
  expect(names).toHaveLength(8)
  expect(names[0]).toBe(name)
})
