import { describe, expect, it } from "vitest"
import { parseKubernetesObjects } from "../../mesh/declare/kubernetes.ts"
import {
  failure,
  gateway,
  logged,
  MESH,
  meshOf,
  modelOf,
  NODE,
  object,
  route,
} from "../fixtures/declare/objects.ts"

function service(name: string): string {
  return object("VirtualService", name, {})
}

describe("Kubernetes objects", () => {
  it("join by name in the own namespace, by name elsewhere, and by ARN", () => {
    const backends = [
      { virtualService: { virtualServiceRef: { name: "one" } } },
      { virtualService: { virtualServiceRef: { name: "two", namespace: "other" } } },
      {
        virtualService: {
          virtualServiceARN: "arn:aws:appmesh:us-west-2:1234:mesh/m/virtualService/three.local",
        },
      },
    ]
    const { model, notes } = modelOf(
      object("VirtualService", "one", { awsName: "one.local" }),
      object("VirtualNode", "n", { ...NODE, backends }),
    )
    expect(model.meshes[0]?.virtualNodes[0]?.backends).toEqual(["one.local", "two.other", "three.local"])
    expect(notes).toEqual(["VirtualService other/two is referred to but not declared; taken as two.other"])
  })

  it("open backend groups, by name and by *", () => {
    const group = object("BackendGroup", "g", {
      virtualservices: [{ name: "a" }, { name: "b", namespace: "shop" }],
    })
    const mesh = meshOf(
      service("a"),
      service("b"),
      service("c"),
      group,
      object("VirtualNode", "some", { ...NODE, backendGroups: [{ name: "g" }] }),
      object("VirtualNode", "all", { ...NODE, backendGroups: [{ name: "*", namespace: "shop" }] }),
    )
    expect(mesh.virtualNodes.map((node) => node.backends)).toEqual([
      ["a.shop", "b.shop"],
      ["a.shop", "b.shop", "c.shop"],
    ])
  })

  it("put routes into match order: priority, then the more specific match, then as declared", () => {
    const routes = [
      route("rest", { prefix: "/" }),
      route("header", { prefix: "/", headers: [{ name: "x", match: { exact: "1" } }] }),
      route("late", { prefix: "/very/long" }, { priority: 900 }),
      route("exact", { path: { exact: "/a" } }),
      route("api", { prefix: "/api" }),
      route("first", { prefix: "/" }, { priority: 0 }),
    ]
    const mesh = meshOf(
      object("VirtualRouter", "r", { listeners: NODE.listeners, routes }),
      object("VirtualNode", "n", NODE),
    )
    expect(mesh.virtualRouters[0]?.routes.map(({ name }) => name)).toEqual([
      "first",
      "late",
      "exact",
      "api",
      "header",
      "rest",
    ])
  })

  it("read every kind of match", () => {
    const match = {
      prefix: "/a",
      method: "GET",
      scheme: "https",
      port: 8080,
      headers: [
        { name: "present" },
        { name: "absent", invert: true },
        { name: "range", match: { range: { start: 1, end: 5 } } },
        { name: "suffix", match: { suffix: "z" }, invert: true },
      ],
      queryParameters: [{ name: "q", match: { exact: "1" } }],
    }
    const routes = [
      route("http", match, { priority: 1 }),
      {
        name: "grpc",
        priority: 2,
        grpcRoute: {
          match: { serviceName: "a.B", methodName: "C", metadata: [{ name: "k" }] },
          action: { weightedTargets: [{ virtualNodeRef: { name: "n" }, weight: 1, port: 9 }] },
          timeout: { perRequest: { unit: "s", value: 3 }, idle: { unit: "ms", value: 40 } },
        },
      },
    ]
    const mesh = meshOf(
      object("VirtualRouter", "r", { listeners: NODE.listeners, routes }),
      object("VirtualNode", "n", NODE),
    )
    expect(mesh.virtualRouters[0]?.routes).toEqual([
      {
        name: "http",
        protocol: "http",
        priority: 1,
        match: {
          path: { prefix: "/a" },
          method: "GET",
          scheme: "https",
          port: 8080,
          headers: [
            { name: "present" },
            { name: "absent", match: { invert: true } },
            { name: "range", match: { range: { start: 1, end: 5 } } },
            { name: "suffix", match: { suffix: "z", invert: true } },
          ],
          query: [{ name: "q", match: { exact: "1" } }],
        },
        targets: [{ virtualNode: "n_shop", weight: 1 }],
      },
      {
        name: "grpc",
        protocol: "grpc",
        priority: 2,
        match: { grpc: { service: "a.B", method: "C" }, headers: [{ name: "k" }] },
        targets: [{ virtualNode: "n_shop", weight: 1, port: 9 }],
        timeoutMs: 3000,
        idleTimeoutMs: 40,
      },
    ])
  })

  it("read rewrites with App Mesh's defaults", () => {
    const target = { virtualService: { virtualServiceRef: { name: "s" } } }
    const gatewayRoute = (name: string, match: object, rewrite?: object): string =>
      object("GatewayRoute", name, {
        httpRoute: { match, action: { target, ...(rewrite === undefined ? {} : { rewrite }) } },
      })
    const mesh = meshOf(
      object("VirtualGateway", "g", NODE),
      gatewayRoute("a", { prefix: "/a" }),
      gatewayRoute(
        "b",
        { prefix: "/b" },
        { prefix: { value: "/v2" }, hostname: { defaultTargetHostname: "DISABLED" } },
      ),
      gatewayRoute("c", { prefix: "/c" }, { prefix: { defaultPrefix: "DISABLED" } }),
      gatewayRoute("d", { path: { exact: "/d" } }, { path: { exact: "/e" } }),
      gatewayRoute("f", { path: { regex: "/f.*" }, hostname: { suffix: ".net" } }),
    )
    expect(
      Object.fromEntries(mesh.virtualGateways[0]?.routes.map(({ name, rewrite }) => [name, rewrite]) ?? []),
    ).toEqual({
      a_shop: { hostname: true, prefix: "/" },
      b_shop: { hostname: false, prefix: "/v2" },
      c_shop: { hostname: true },
      d_shop: { hostname: true, path: "/e" },
      f_shop: { hostname: true },
    })
  })

  it("give a gateway route to its gateway by reference, by selector, or to the only one", () => {
    const target = { virtualService: { virtualServiceRef: { name: "s" } } }
    const gatewayRoute = (name: string, more: object, labels: object = {}): string =>
      object(
        "GatewayRoute",
        name,
        { httpRoute: { match: { prefix: "/" }, action: { target } }, ...more },
        { labels },
      )
    const namespace = `{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": {"gateway": "two"}}}\n---\n`
    const mesh = meshOf(
      namespace,
      gateway("one", { namespaceSelector: { matchLabels: { gateway: "one" } } }),
      gateway("two", {
        namespaceSelector: { matchExpressions: [{ key: "gateway", operator: "In", values: ["two"] }] },
        gatewayRouteSelector: { matchLabels: { tier: "x" } },
      }),
      gatewayRoute("by-reference", { virtualGatewayRef: { name: "one" } }),
      gatewayRoute("by-selector", {}, { tier: "x" }),
    )
    expect(mesh.virtualGateways.map(({ routes }) => routes.map(({ name }) => name))).toEqual([
      ["by-reference_shop"],
      ["by-selector_shop"],
    ])
    const lost = failure(() =>
      modelOf(namespace, gateway("one", {}), gateway("two", {}), gatewayRoute("r", {})),
    )
    expect(lost.message).toContain("belongs to no certain gateway: 0 of 2 select it")
  })

  it("find the mesh by reference and by selector", () => {
    const second = object("Mesh", "n", { awsName: "second", namespaceSelector: {} })
    const mesh = modelOf(
      second,
      object("VirtualNode", "x", NODE),
      object("VirtualNode", "y", { ...NODE, meshRef: { name: "m" } }),
    )
    expect(
      mesh.model.meshes.map(({ name, virtualNodes }) => [name, virtualNodes.map((node) => node.name)]),
    ).toEqual([
      ["m", ["y_shop"]],
      ["second", ["x_shop"]],
    ])
  })

  it("read access-log formats", () => {
    const mesh = meshOf(
      object("VirtualNode", "text", logged({ text: "%PROTOCOL%\n" })),
      object(
        "VirtualNode",
        "json",
        logged({
          json: [
            { key: "p", value: "%PROTOCOL%" },
            { key: "__proto__", value: "x" },
          ],
        }),
      ),
    )
    expect(mesh.virtualNodes[0]?.accessLog).toEqual({ path: "/dev/stdout", text: "%PROTOCOL%\n" })
    expect(Object.entries(mesh.virtualNodes[1]?.accessLog?.json ?? {})).toEqual([
      ["p", "%PROTOCOL%"],
      ["__proto__", "x"],
    ])
  })

  it.each([
    ["kind: [", "mesh.yaml:1:"],
    ["- 1\n", "mesh.yaml:1:1: document 1: is not a Kubernetes object"],
    ["apiVersion: v1\n", "mesh.yaml:1:1: document 1: kind: is missing"],
    [
      `${MESH}kind: VirtualNode\napiVersion: appmesh.k8s.aws/v1beta2\nmetadata: {name: n}\nspec:\n  listeners:\n    - portMapping:\n        port: "80"\n        protocol: http\n`,
      "mesh.yaml:9:15: document 2: spec.listeners[0].portMapping.port: must be a whole number of at least 1",
    ],
    [
      `${MESH}kind: VirtualRouter\napiVersion: appmesh.k8s.aws/v1beta2\nmetadata: {name: r}\nspec:\n  routes:\n    - name: a\n`,
      "mesh.yaml:8:7: document 2: spec.routes[0]: has neither httpRoute",
    ],
    [object("VirtualNode", "n", NODE), "belongs to no certain mesh: it has no spec.meshRef, 0 meshes"],
    [`a: &a [1]\nkind: X\nb: *c\n`, "mesh.yaml:1:1: document 1: cannot be read: Unresolved alias"],
  ])("say file, line, document and field: %j", (text, expected) => {
    const error = failure(() => parseKubernetesObjects(text, "mesh.yaml"))
    expect(error.code).toBe("MODEL_INVALID")
    expect(error.message).toContain(expected)
  })

  it("refuse a name that is taken and content that differs", () => {
    const other = { listeners: [{ portMapping: { port: 81, protocol: "http" } }] }
    expect(
      failure(() => modelOf(object("VirtualNode", "n", NODE), object("VirtualNode", "n", other))).message,
    ).toContain("VirtualNode shop/n was declared before, with other content")
    expect(
      failure(() =>
        modelOf(object("VirtualNode", "n", NODE), object("VirtualNode", "k", { ...NODE, awsName: "n_shop" })),
      ).message,
    ).toContain("spec.awsName: another VirtualNode of this mesh has the name n_shop")
  })

  it.each(["1", "0", "yes", "99.9", "0x1"])("refuse the objective %s", (objective) => {
    const annotations = { "meshscope.dev/objective": objective }
    const router = object("VirtualRouter", "r", { routes: [route("a", { prefix: "/" })] }, { annotations })
    expect(failure(() => modelOf(router)).message).toContain("must be a share between 0 and 1")
  })

  it("take an objective for one route before that for all", () => {
    const annotations = { "meshscope.dev/objective": "0.99", "meshscope.dev/objective.b": "0.5" }
    const routes = [route("a", { prefix: "/a" }), route("b", { prefix: "/b" })]
    const mesh = meshOf(object("VirtualRouter", "r", { routes }, { annotations }))
    expect(mesh.virtualRouters[0]?.routes.map(({ objective }) => objective)).toEqual([0.99, 0.5])
  })
})
