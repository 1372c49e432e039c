import { describe, expect, it } from "vitest"
import type { EnvoyRoute, Listener, ProxyIdentity, VirtualHost } from "#mesh/proxy.ts"
import { appMesh } from "../../agent/resolve/dialects/app-mesh.ts"
import { DIALECTS, dialectOf } from "../../agent/resolve/dialects/dialects.ts"
import { envoyGateway } from "../../agent/resolve/dialects/envoy-gateway.ts"
import { plain } from "../../agent/resolve/dialects/plain.ts"
import { clusterNamed, configOf, dialectSuite } from "./dialect-suite.ts"

describe.each(DIALECTS.map((dialect, place) => [dialect.flavor, place, dialect] as const))(
  "any dialect: %s, %i",
  (_, __, dialect) => {
    dialectSuite(dialect, dialect === envoyGateway ? "gateway" : "sidecar")
  },
)

const node: ProxyIdentity = {
  proxy: "p",
  nodeId: "",
  flavor: "app-mesh",
  mesh: "howto_k8s",
  role: "sidecar",
  resource: "n",
}
const gateway: ProxyIdentity = { ...node, role: "gateway", resource: "gw_ns" }

function meaning(name: string, identity = node, tags: Record<string, string> = {}) {
  return appMesh.cluster(clusterNamed(name, tags), identity)
}

describe("App Mesh", () => {
  it.each([
    ["mesh/m/virtualNode/n_ns", "m", "sidecar", "n_ns"],
    ["mesh/m@123456789012/virtualGateway/g", "m", "gateway", "g"],
    ["arn:aws:appmesh:us-west-2:123456789012:mesh/m/virtualNode/my.node", "m", "sidecar", "my.node"],
    [
      "arn:aws:appmesh:us-west-2:123456789012:mesh/m@2/virtualGateway/New-Gateway",
      "m",
      "gateway",
      "New-Gateway",
    ],
  ])("reads the node id %s", (id, mesh, role, resource) => {
    expect(appMesh.identify(configOf(id), { proxy: "p", mesh: "other" })).toMatchObject({
      nodeId: id,
      mesh,
      role,
      resource,
    })
    expect(dialectOf(configOf(id), { proxy: "p" })).toBe(appMesh)
  })

  it("reads the names of all four protocols, with underscores in mesh and node", () => {
    for (const protocol of ["http", "http2", "grpc", "tcp"] as const) {
      expect(meaning(`cds_egress_howto_k8s_color_server-red_${protocol}_8080`)).toEqual({
        kind: "node",
        direction: "outbound",
        node: "color_server-red",
        protocol,
      })
    }
    expect(meaning("cds_ingress_howto_k8s_front_ns_http_8080")).toMatchObject({
      direction: "inbound",
      node: "front_ns",
    })
    expect(meaning("cds_egress_howto_k8s_x_http_80_y_tcp_6379")).toMatchObject({
      node: "x_http_80_y",
      protocol: "tcp",
    })
  })

  it("believes the tag before the name", () => {
    expect(meaning("cds_egress_howto_k8s_a_http_80", node, { TargetVirtualNode: "metal.v1" })).toEqual({
      kind: "node",
      direction: "outbound",
      node: "metal.v1",
      protocol: "http",
    })
    expect(meaning("my-own-name", node, { TargetVirtualNode: "a" })).toEqual({
      kind: "node",
      direction: "outbound",
      node: "a",
    })
  })

  it.each([
    ["cds_egress_howto_k8s_amazonaws", node, "aws"],
    ["cds_egress_howto_k8s_some-node_amazonaws", node, "aws"],
    ["cds_egress_howto_k8s_mesh-allow-all", node, "undeclared"],
    ["cds_ingress_howto_k8s_gw_ns_self_redirect_http_15001", gateway, "self_redirect"],
    ["cds_ingress_howto_k8s_gw_ns_self_redirect_8088_grpc_15001", gateway, "self_redirect"],
    ["cds_ingress_howto_k8s_x_self_redirect_http_15001", node, "node"],
    ["static_cluster_sds_unix_socket", node, "infrastructure"],
    ["datadog_agent", node, "infrastructure"],
    ["cds_egress_other-mesh_a_http_80", node, "unknown"],
    ["cds_egress_howto_k8s_a_http", node, "unknown"],
  ])("takes %s for what it is", (name, identity, kind) => {
    expect(meaning(name, identity).kind).toBe(kind)
  })

  it("does not guess a node where the mesh is not known", () => {
    expect(meaning("cds_egress_a_b_http_80", { ...node, mesh: "" })).toEqual({
      kind: "unknown",
      why: "cluster cds_egress_a_b_http_80 cannot be read: the mesh is not known",
    })
  })

  it.each([
    ["lds_ingress_0.0.0.0_15000", "unspecified", "inbound"],
    ["lds_egress_mesh_node-vn_0.0.0.0_15001", "unspecified", "outbound"],
    ["anything", "outbound", "outbound"],
    ["anything", "unspecified", "unspecified"],
  ] as const)("listener %s with direction %s is %s", (name, told, side) => {
    const listener: Listener = {
      name,
      statPrefix: "",
      direction: told,
      addresses: [],
      chains: [],
      accessLogs: [],
    }
    expect(appMesh.direction(listener)).toBe(side)
  })

  it("claims a proxy without node id by its clusters", () => {
    const config = configOf("", [clusterNamed("cds_ingress_m_g_self_redirect_http_15001")])
    expect(dialectOf(config, { proxy: "p" })).toBe(appMesh)
    expect(appMesh.identify(config, { proxy: "p", mesh: "m@1", resource: "g" })).toMatchObject({
      mesh: "m",
      role: "gateway",
      resource: "g",
    })
  })
})

function route(more: Partial<EnvoyRoute>): EnvoyRoute {
  return {
    name: "",
    match: {
      kind: "prefix",
      value: "/",
      caseSensitive: true,
      headers: [],
      query: [],
      grpc: false,
      fractional: false,
    },
    action: { kind: "route", clusters: [], retries: 0 },
    requestHeadersToAdd: [],
    tags: {},
    ...more,
  }
}

function host(name: string): VirtualHost {
  return { name, domains: ["*"], routes: [] }
}

describe("services of App Mesh", () => {
  it("come from the tag, the header, the virtual host", () => {
    const header = {
      name: "x-app-mesh-virtual-service",
      match: { exact: "b" },
      invert: false,
      treatMissingAsEmpty: false,
    }
    const matched = route({ match: { ...route({}).match, headers: [header] } })
    expect(appMesh.service(host("default_backend"), route({ tags: { TargetVirtualService: "a" } }))).toBe("a")
    expect(appMesh.service(host("default_backend"), matched)).toBe("b")
    expect(appMesh.service(host("c.local"), route({}))).toBe("c.local")
    expect(appMesh.service(host("default_backend"), undefined)).toBe("")
  })

  it("of a gateway's ingress come from the rewritten host or the header", () => {
    const rewritten = route({ action: { kind: "route", clusters: [], retries: 0, hostRewrite: "a.local" } })
    const sent = route({ requestHeadersToAdd: [{ name: "x-app-mesh-virtual-service", value: "b.local" }] })
    expect([rewritten, sent, route({})].map((one) => appMesh.gatewayService(one, host("any")))).toEqual([
      "a.local",
      "b.local",
      "",
    ])
  })
})

describe("plain Envoy", () => {
  it("takes clusters for nodes and virtual hosts for services", () => {
    const config = configOf("front-1")
    expect(dialectOf(config, { proxy: "p" })).toBe(plain)
    expect(plain.identify(config, { proxy: "p" })).toMatchObject({
      mesh: "default",
      flavor: "plain",
      resource: "front-1",
    })
    expect(plain.cluster(clusterNamed("backend"), plain.identify(config, { proxy: "p" }))).toEqual({
      kind: "node",
      node: "backend",
    })
    expect(plain.service({ name: "shop", domains: [], routes: [] }, undefined)).toBe("shop")
  })
})
