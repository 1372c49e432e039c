import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { MeshscopeError } from "#mesh/errors.ts"
import { parseApiAnswers } from "../../mesh/declare/api-answers.ts"
import { parseKubernetesObjects } from "../../mesh/declare/kubernetes.ts"
import { loadModel } from "../../mesh/declare/load.ts"
import { mergeModels } from "../../mesh/declare/merge.ts"
import { readArn } from "../../mesh/declare/names.ts"

function fixture(name: string): { file: string; text: string } {
  return { file: name, text: readFileSync(new URL(`../fixtures/declare/${name}`, import.meta.url), "utf8") }
}

/** An object of App Mesh in one line of YAML (which JSON is). */
function object(kind: string, name: string, spec: object, more: object = {}): string {
  const metadata = { name, ...(kind === "Mesh" ? {} : { namespace: "shop" }), ...more }
  return `${JSON.stringify({ apiVersion: "appmesh.k8s.aws/v1beta2", kind, metadata, spec })}\n---\n`
}

const MESH = object("Mesh", "m", {})
const NODE = { listeners: [{ portMapping: { port: 80, protocol: "http" } }] }

function route(name: string, match: object, more: object = {}): object {
  const action = { weightedTargets: [{ virtualNodeRef: { name: "n" }, weight: 1 }] }
  return { name, httpRoute: { match, action }, ...more }
}

function gateway(name: string, more: object): string {
  return object("VirtualGateway", name, { ...NODE, ...more })
}

function logged(format: object): object {
  return { ...NODE, logging: { accessLog: { file: { path: "/dev/stdout", format } } } }
}

function modelOf(...objects: string[]) {
  return parseKubernetesObjects(MESH + objects.join(""), "mesh.yaml")
}

function meshOf(...objects: string[]) {
  const mesh = modelOf(...objects).model.meshes[0]
  if (mesh === undefined) throw new Error("no mesh")
  return mesh
}

function failure(work: () => unknown): MeshscopeError {
  try {
    work()
  } catch (error) {
    if (error instanceof MeshscopeError) return error
    throw error
  }
  throw new Error("nothing was thrown")
}

describe("the four meshes that people built", () => {
  it("yelb: names of AWS, a weighted route, TCP nodes, no access log", () => {
    const { model, notes } = loadModel([fixture("yelb.yaml")])
    const mesh = model.meshes[0]
    expect(notes).toEqual([])
    expect(mesh?.egress).toBe("DROP_ALL")
    expect(mesh?.virtualNodes.map((node) => node.name).toSorted()).toEqual([
      "redis-server-virtual-node",
      "yelb-appserver-virtual-node",
      "yelb-appserver-virtual-node-v2",
      "yelb-db-virtual-node",
      "yelb-ui-virtual-node",
    ])
    expect(mesh?.virtualNodes.every((node) => node.accessLog === undefined)).toBe(true)
    expect(mesh?.virtualRouters[0]).toMatchObject({
      name: "yelb-appserver-virtual-router",
      native: { kind: "VirtualRouter", name: "yelb-appserver", namespace: "yelb" },
      routes: [
        {
          name: "route-to-yelb-appserver",
          protocol: "http",
          match: { path: { prefix: "/" } },
          targets: [
            { virtualNode: "yelb-appserver-virtual-node", weight: 1 },
            { virtualNode: "yelb-appserver-virtual-node-v2", weight: 1 },
          ],
          retry: { maxRetries: 2, perRetryTimeoutMs: 2000 },
          objective: 0.995,
        },
      ],
    })
    expect(mesh?.virtualGateways[0]?.routes).toMatchObject([
      {
        name: "yelbapp-gatewayroute_yelb",
        virtualService: "yelb-appserver",
        rewrite: { hostname: true, prefix: "/" },
      },
      { name: "yelbui-gatewayroute_yelb", virtualService: "yelb-ui" },
    ])
  })

  it("mesh-1: default names, ALLOW_ALL, a list with foreign objects", () => {
    const { model, notes } = loadModel([fixture("mesh-1.yaml")])
    expect(notes).toEqual(["1 of kind Deployment passed over"])
    expect(model.meshes[0]).toMatchObject({
      egress: "ALLOW_ALL",
      virtualServices: [
        { name: "svc-v.mesh-test", provider: { kind: "virtual_router", name: "vrouter-1_mesh-test" } },
      ],
      virtualGateways: [{ name: "gateway-v_mesh-test", accessLog: { path: "/dev/stdout" } }],
    })
  })

  it("bys-dev: a virtual service with a domain name as backend", () => {
    const mesh = loadModel([fixture("bys-dev.yaml")]).model.meshes[0]
    expect(mesh?.virtualNodes[0]).toMatchObject({
      name: "appmesh-vn-awssdk-iam-dev_aws",
      backends: ["awssdk-storage-dev-svc.aws.svc.cluster.local"],
    })
  })

  it("appmesh-workshop: saved answers, a service on a node, a health check", () => {
    const mesh = loadModel([fixture("appmesh-workshop.json")]).model.meshes[0]
    expect(mesh).toMatchObject({ name: "appmesh-workshop", egress: "DROP_ALL" })
    expect(mesh).not.toHaveProperty("owner")
    expect(mesh?.virtualNodes[0]?.listeners).toEqual([
      { port: 3000, protocol: "http", healthCheck: { protocol: "http", path: "/health", port: 3000 } },
    ])
    expect(mesh?.virtualServices[0]?.provider).toEqual({ kind: "virtual_node", name: "crystal-lb-vanilla" })
  })
})

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
    const service = (name: string): string => object("VirtualService", name, {})
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

describe("saved API answers", () => {
  const node = {
    meshName: "m",
    virtualNodeName: "n",
    spec: { listeners: [{ portMapping: { port: 80, protocol: "http" } }] },
  }
  const answers = {
    meshes: [{ mesh: { meshName: "m", spec: { egressFilter: { type: "ALLOW_ALL" } } } }],
    virtualNodes: [{ virtualNode: node }],
    virtualRouters: [
      {
        meshName: "m",
        virtualRouterName: "r",
        spec: { listeners: [{ portMapping: { port: 80, protocol: "http" } }] },
      },
    ],
    routes: [
      {
        route: {
          meshName: "m",
          virtualRouterName: "r",
          routeName: "x",
          spec: {
            priority: 1,
            httpRoute: {
              match: { prefix: "/" },
              action: {
                weightedTargets: [
                  { virtualNode: "arn:aws:appmesh:eu-west-1:1:mesh/m/virtualNode/n", weight: 1 },
                ],
              },
            },
          },
          tags: [{ key: "meshscope.dev/objective", value: "0.9" }],
        },
      },
    ],
    virtualGateways: [
      {
        meshName: "m",
        virtualGatewayName: "g",
        spec: { listeners: [{ portMapping: { port: 80, protocol: "http" } }] },
      },
    ],
    gatewayRoutes: [
      {
        gatewayRoute: {
          metadata: { arn: "arn:aws:appmesh:eu-west-1:1:mesh/m/virtualGateway/g/gatewayRoute/gr" },
          spec: {
            httpRoute: {
              match: { prefix: "/" },
              action: { target: { virtualService: { virtualServiceName: "s" } } },
            },
          },
        },
      },
    ],
    virtualServices: [
      {
        meshName: "m",
        virtualServiceName: "s",
        spec: { provider: { virtualRouter: { virtualRouterName: "r" } } },
      },
    ],
  }

  it("are read with and without the outer key, and by ARN", () => {
    const { model, notes } = parseApiAnswers(JSON.stringify(answers), "snapshot.json")
    expect(notes).toEqual([])
    expect(model.meshes).toMatchObject([
      {
        name: "m",
        egress: "ALLOW_ALL",
        virtualNodes: [{ name: "n" }],
        virtualRouters: [
          { name: "r", routes: [{ name: "x", targets: [{ virtualNode: "n" }], objective: 0.9 }] },
        ],
        virtualGateways: [{ name: "g", routes: [{ name: "gr", virtualService: "s" }] }],
      },
    ])
  })

  it("are read as a list of answers, and as answers behind one another", () => {
    const single = Object.values(answers).flat()
    const wanted = parseApiAnswers(JSON.stringify(answers), "a").model
    expect(parseApiAnswers(JSON.stringify(single), "b").model).toEqual(wanted)
    expect(
      loadModel([{ file: "c", text: single.map((one) => JSON.stringify(one, null, 2)).join("\n") }]).model,
    ).toEqual(wanted)
  })

  it("say what they pass over, and refuse what contradicts", () => {
    const { notes } = parseApiAnswers(JSON.stringify({ ecs: {}, routes: answers.routes }), "s")
    expect(notes).toEqual(["s: key ecs passed over", "route x is left out: no answer describes its parent r"])
    const other = { ...node, spec: { listeners: [] } }
    expect(failure(() => parseApiAnswers(JSON.stringify([node, other]), "s")).message).toContain(
      "virtualNode n was described before, with other content",
    )
    expect(
      failure(() => parseApiAnswers(`{"virtualNodes": [{"virtualNodeName": "n", "spec": {}}]}`, "s")).message,
    ).toContain("virtualNodes[0].meshName: is missing")
  })

  it("tell the owner of a shared mesh alone", () => {
    const shared = { ...node, metadata: { meshOwner: "111", resourceOwner: "222" } }
    expect(parseApiAnswers(JSON.stringify(shared), "s").model.meshes[0]?.owner).toBe("111")
  })
})

describe("several files", () => {
  it("may refer to each other", () => {
    const [mesh = "", ...rest] = fixture("yelb.yaml").text.split("\n---\n")
    const { model, notes } = loadModel([
      { file: "routes.yaml", text: rest.join("\n---\n") },
      { file: "mesh.yaml", text: mesh },
    ])
    expect(notes).toEqual([])
    expect(model).toEqual(loadModel([fixture("yelb.yaml")]).model)
  })

  it("join meshes of one name", () => {
    const a = loadModel([fixture("yelb.yaml")]).model
    const b = loadModel([fixture("mesh-1.yaml")]).model
    expect(mergeModels([a, b, a]).meshes.map(({ name }) => name)).toEqual(["yelb", "mesh-1"])
    expect(mergeModels([a, a])).toEqual(a)
  })

  it("must not contradict each other", () => {
    const a = modelOf(object("VirtualNode", "n", NODE)).model
    const b = modelOf(object("VirtualNode", "n", { listeners: [] })).model
    expect(failure(() => mergeModels([a, b])).message).toContain("mesh m: virtual node n_shop")
  })
})

describe("ARNs", () => {
  it.each([
    ["mesh/m/virtualNode/n", "virtualNode", "m", "n"],
    ["mesh/m@123/virtualGateway/g.x_y", "virtualGateway", "m", "g.x_y"],
    ["arn:aws:appmesh:us-west-2:1:mesh/m/virtualRouter/v/route/r", "route", "m", "r"],
    ["arn:aws-cn:appmesh:cn-north-1:1:mesh/m", "mesh", "m", "m"],
  ])("%s", (text, kind, mesh, name) => {
    expect(readArn(text)).toMatchObject({ kind, mesh, name })
  })

  it.each([
    "",
    "mesh",
    "mesh/m/virtualNode",
    "arn:aws:ecs:x:1:task-set/c/s/e",
    "mesh//virtualNode/n",
    "sidecar~1.2.3.4",
  ])("%j is none", (text) => {
    expect(readArn(text)).toBeUndefined()
  })
})
