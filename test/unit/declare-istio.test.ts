import { describe, expect, it } from "vitest"
import type { DeclaredMesh } from "#mesh/declared.ts"
import { modelOfLiveObjects } from "../../mesh/declare/live.ts"
import type { LiveObject } from "../../mesh/declare/live-object.ts"
import { istioObject, liveObject } from "../fixtures/declare/live.ts"

const TO_A = [{ destination: { host: "a" } }]
const A = "a.shop.svc.cluster.local"

function declared(...objects: LiveObject[]): { mesh: DeclaredMesh; notes: string[] } {
  const { model, notes } = modelOfLiveObjects(objects)
  const [mesh] = model.meshes
  if (mesh === undefined) throw new Error(`no mesh: ${notes.join("\n")}`)
  return { mesh, notes }
}

function service(spec: object, more: object = {}): LiveObject {
  return istioObject("VirtualService", "v", { hosts: ["a"], ...spec }, more)
}

function apiObject(kind: string, name: string, spec: object): LiveObject {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind,
    metadata: { name, namespace: "shop" },
    spec,
  }
}

function core(name: string, spec: object, namespace = "shop"): LiveObject {
  return { apiVersion: "v1", kind: "Service", metadata: { name, namespace }, spec }
}

const routesOf = (...objects: LiveObject[]) => declared(...objects).mesh.virtualRouters[0]?.routes

const resolvedEntry = (name: string, resolution: string, port: number) =>
  istioObject("ServiceEntry", name, {
    hosts: [`${resolution.toLowerCase()}.example`],
    ports: [{ number: port, name: "http", protocol: "HTTP" }],
    resolution,
  })

describe("hosts", () => {
  it.each([
    ["a", "a.shop.svc.cluster.local"],
    ["a.other", "a.other"],
    ["a.other.svc.cluster.local", "a.other.svc.cluster.local"],
    ["*.example", "*.example"],
    ["*", "*"],
  ])("%s in the namespace shop is %s", (written, host) => {
    const { mesh } = declared(
      istioObject("VirtualService", "v", { hosts: [written], http: [{ route: TO_A }] }),
    )
    expect(mesh.virtualServices[0]).toMatchObject({
      name: host,
      provider: { kind: "virtual_router", name: "v.shop" },
    })
  })

  it("have the domain and the mesh the name that they are given", () => {
    const { model } = modelOfLiveObjects([service({ http: [{ route: TO_A }] })], {
      istioMesh: "prod",
      clusterDomain: "corp",
    })
    expect(model.meshes[0]).toMatchObject({
      name: "prod",
      flavor: "istio",
      virtualServices: [{ name: "a.shop.svc.corp" }],
    })
  })

  it("of ServiceEntries and of Services with proxies can be called without routes; other Services are not of the mesh", () => {
    const injected: LiveObject = {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "in", labels: { "istio.io/rev": "x" } } as LiveObject["metadata"],
    }
    const { mesh, notes } = declared(
      injected,
      core("a", { ports: [{ port: 80 }] }, "in"),
      core("b", { ports: [{ port: 80 }] }, "out"),
      istioObject("ServiceEntry", "e", {
        hosts: ["mail.example"],
        ports: [{ number: 25, name: "smtp", protocol: "TCP" }],
      }),
    )
    expect(notes).toEqual([])
    expect(mesh.virtualServices.map(({ name, provider }) => [name, provider])).toEqual([
      ["a.in.svc.cluster.local", { kind: "virtual_node", name: "a.in.svc.cluster.local" }],
      ["mail.example", { kind: "virtual_node", name: "mail.example" }],
    ])
  })

  it("are those of the first object that tells of them, and names to be resolved where a ServiceEntry says so", () => {
    const { mesh } = declared(
      resolvedEntry("a", "DNS", 80),
      resolvedEntry("b", "DNS", 81),
      resolvedEntry("c", "STATIC", 80),
      resolvedEntry("d", "NONE", 80),
    )
    expect(
      mesh.virtualNodes.map(({ name, listeners, discovery }) => [name, listeners[0]?.port, discovery?.type]),
    ).toEqual([
      ["dns.example", 80, "dns"],
      ["static.example", 80, undefined],
      ["none.example", 80, undefined],
    ])
  })

  it("declare no mesh by themselves", () => {
    expect(modelOfLiveObjects([core("a", { ports: [{ port: 80 }] })]).model.meshes).toEqual([])
  })
})

describe("a match block", () => {
  it.each([
    [{}, {}],
    [{ uri: { exact: "/a" } }, { path: { exact: "/a" } }],
    [{ uri: { prefix: "/a" } }, { path: { prefix: "/a" } }],
    [{ uri: { regex: "/a.*" } }, { path: { regex: "/a.*" } }],
    [{ method: { exact: "GET" } }, { method: "GET" }],
    [{ method: { prefix: "P" } }, { headers: [{ name: ":method", match: { prefix: "P" } }] }],
    [{ scheme: { exact: "https" } }, { scheme: "https" }],
    [{ authority: { exact: "h" } }, { hostname: { exact: "h" } }],
    [
      { headers: { x: { exact: "1" }, y: {} } },
      { headers: [{ name: "x", match: { exact: "1" } }, { name: "y" }] },
    ],
    [
      { withoutHeaders: { x: { regex: "a" } } },
      { headers: [{ name: "x", match: { regex: "a", invert: true } }] },
    ],
    [{ queryParams: { q: { exact: "1" } } }, { query: [{ name: "q", match: { exact: "1" } }] }],
    [{ port: 8080 }, { port: 8080 }],
    [
      { headers: JSON.parse('{"__proto__": {"exact": "1"}}') },
      { headers: [{ name: "__proto__", match: { exact: "1" } }] },
    ],
  ])("%j", (written, match) => {
    expect(routesOf(service({ http: [{ match: [written], route: TO_A }] }))?.[0]?.match).toEqual(match)
  })

  it("of an HTTPRoute", () => {
    const matches = [
      { path: { value: "/a" } },
      { path: { type: "Exact", value: "/a" }, method: "GET" },
      {
        path: { type: "RegularExpression", value: "/a+" },
        headers: [{ name: "x", type: "RegularExpression", value: "b" }],
      },
      { queryParams: [{ name: "q", value: "1" }] },
    ]
    const route = apiObject("HTTPRoute", "r", {
      parentRefs: [{ kind: "Service", name: "a" }],
      rules: [{ matches, backendRefs: [{ name: "a" }] }],
    })
    const [first] = routesOf(route) ?? []
    expect([first?.match, ...(first?.otherMatches ?? [])]).toEqual([
      { path: { prefix: "/a" } },
      { path: { exact: "/a" }, method: "GET" },
      { path: { regex: "/a+" }, headers: [{ name: "x", match: { regex: "b" } }] },
      { query: [{ name: "q", match: { exact: "1" } }] },
    ])
  })
})

it("backends of an HTTPRoute without weights share alike, one of weight 0 has none", () => {
  const backendRefs = [{ name: "a" }, { name: "b" }, { name: "c", weight: 0 }]
  const route = apiObject("HTTPRoute", "r", {
    parentRefs: [{ kind: "Service", name: "a" }],
    rules: [{ backendRefs }],
  })
  expect(routesOf(route)?.[0]?.targets.map(({ weight }) => weight)).toEqual([1, 1, 0])
})

describe("names on the wire", () => {
  it.each([
    ["a name", [{ name: "n", route: TO_A }], "n", ["n"]],
    ["no name", [{ route: TO_A }], "http[0]", undefined],
    [
      "named matches",
      [{ name: "n", match: [{ name: "x" }, { name: "y" }, {}], route: TO_A }],
      "n",
      ["n.x", "n.y", "n"],
    ],
    ["only the match is named", [{ match: [{ name: "x" }], route: TO_A }], "http[0]", [".x"]],
  ])("%s", (_, http, name, wireNames) => {
    const [route] = routesOf(service({ http })) ?? []
    expect([route?.name, route?.wireNames]).toEqual([name, wireNames])
  })

  it("of two routes of one name the second has its place", () => {
    const http = [
      { name: "n", route: TO_A },
      { name: "n", route: TO_A },
    ]
    expect(routesOf(service({ http }))?.map(({ name }) => name)).toEqual(["n", "http[1]"])
  })

  it("of a rule are made of the HTTPRoute's name", () => {
    const rules = [{ backendRefs: [{ name: "a" }] }, { name: "own", backendRefs: [{ name: "a" }] }]
    const route = apiObject("HTTPRoute", "r", { parentRefs: [{ kind: "Service", name: "a" }], rules })
    expect(routesOf(route)?.map(({ name, wireNames }) => [name, wireNames])).toEqual([
      ["http[0]", ["shop.r.0"]],
      ["own", ["own"]],
    ])
  })
})

describe("targets", () => {
  it.each([
    ["a lone one takes all", TO_A, [{ virtualNode: A, weight: 100 }]],
    [
      "weights, subsets and ports",
      [
        { destination: { host: "a", subset: "s", port: { number: 80 } }, weight: 9 },
        { destination: { host: "b.example" }, weight: 1 },
      ],
      [
        { virtualNode: `${A}/s`, weight: 9, port: 80 },
        { virtualNode: "b.example", weight: 1 },
      ],
    ],
    [
      "without a weight none beside others",
      [{ destination: { host: "a" } }, { destination: { host: "b" }, weight: 100 }],
      [
        { virtualNode: A, weight: 0 },
        { virtualNode: "b.shop.svc.cluster.local", weight: 100 },
      ],
    ],
  ])("%s", (_, route, targets) => {
    const subsets = istioObject("DestinationRule", "d", {
      host: "a",
      subsets: [{ name: "s", labels: { version: "s" } }],
    })
    const { mesh, notes } = declared(subsets, service({ http: [{ route }] }))
    expect(notes).toEqual([])
    expect(mesh.virtualRouters[0]?.routes[0]?.targets).toEqual(targets)
    expect(mesh.virtualNodes.map(({ name }) => name)).toEqual(
      expect.arrayContaining(targets.map((one) => one.virtualNode)),
    )
    expect(mesh.virtualNodes[0]).toMatchObject({
      name: `${A}/s`,
      podSelector: { matchLabels: { version: "s" } },
    })
  })

  it.each([
    [{ name: "grpc-x" }, "grpc"],
    [{ name: "http2" }, "http2"],
    [{ name: "http-web" }, "http"],
    [{ name: "x" }, "http"],
    [{ name: "grpc-x", appProtocol: "http" }, "http"],
    [{ appProtocol: "kubernetes.io/h2c" }, "http2"],
    [{ name: "tcp-x" }, "tcp"],
  ])("a port %j speaks %s", (port, protocol) => {
    const { mesh } = declared(
      core("a", { ports: [{ port: 80, ...port }] }),
      service({ http: [{ route: TO_A }] }),
    )
    expect(mesh.virtualNodes[0]?.listeners).toEqual([{ port: 80, protocol }])
    expect(mesh.virtualRouters[0]?.routes[0]?.protocol).toBe(protocol === "tcp" ? "http" : protocol)
  })

  it("of a service that is not there are noted, where the Services of its namespace are known", () => {
    expect(declared(core("b", {}), service({ http: [{ route: TO_A }] })).notes).toEqual([
      `VirtualService shop/v: spec.http[0].route[0].destination: no Service or ServiceEntry of ${A} is declared`,
    ])
    expect(declared(core("b", {}, "other"), service({ http: [{ route: TO_A }] })).notes).toEqual([])
  })
})

describe("times", () => {
  it.each([
    ["10s", 10_000],
    ["1m30s", 90_000],
    ["0.5s", 500],
    ["250ms", 250],
    ["1h", 3_600_000],
  ])("%s", (timeout, timeoutMs) => {
    expect(routesOf(service({ http: [{ route: TO_A, timeout }] }))?.[0]?.timeoutMs).toBe(timeoutMs)
  })
  it.each(["", "10", "s", "10s!", "-1s", "1d"])("%j is refused", (timeout) => {
    const { notes } = declared(service({ http: [{ route: TO_A, timeout }, { route: TO_A }] }))
    expect(notes).toEqual(["VirtualService shop/v: spec.http[0].timeout: must be a duration such as 10s"])
  })
})

function at(gateways: readonly string[], http: readonly object[] = [{ route: TO_A }]): LiveObject {
  return service({ hosts: ["x.example"], gateways, http })
}

function made(gatewayClassName: string) {
  return modelOfLiveObjects([
    apiObject("Gateway", "g", { gatewayClassName, listeners: [{ port: 80, protocol: "HTTP" }] }),
    apiObject("HTTPRoute", "r", {
      parentRefs: [{ name: "g" }],
      rules: [{ backendRefs: [{ name: "a" }] }],
    }),
  ])
}

describe("gateways", () => {
  const gateway = istioObject("Gateway", "g", {
    selector: { istio: "gw" },
    servers: [{ port: { number: 80, protocol: "HTTP" } }],
  })
  it.each([
    [["g"], 1, 0],
    [["shop/g"], 1, 0],
    [["g", "mesh"], 1, 1],
    [["mesh"], 0, 1],
    [[], 0, 1],
  ])("%j: %i gateway routes, %i routers", (gateways, gatewayRoutes, routers) => {
    const { mesh, notes } = declared(gateway, at(gateways))
    expect(notes).toEqual([])
    expect(mesh.virtualGateways[0]?.routes).toHaveLength(gatewayRoutes)
    expect(mesh.virtualRouters).toHaveLength(routers)
  })

  it("take the routes whose matches name them", () => {
    const http = [
      { name: "both", route: TO_A },
      { name: "only-mesh", match: [{ gateways: ["mesh"] }], route: TO_A },
      { name: "only-g", match: [{ gateways: ["g"] }], route: TO_A },
    ]
    const { mesh } = declared(gateway, at(["g", "mesh"], http))
    expect(mesh.virtualGateways[0]?.routes.map(({ name }) => name)).toEqual(["v.shop/both", "v.shop/only-g"])
    expect(mesh.virtualRouters[0]?.routes.map(({ name }) => name)).toEqual(["both", "only-mesh"])
  })

  it("lead to the first host, behind which is its only node", () => {
    const { mesh } = declared(gateway, at(["g"]))
    expect(mesh.virtualGateways[0]).toMatchObject({
      name: "g.shop",
      podSelector: { matchLabels: { istio: "gw" } },
      listeners: [{ port: 80, protocol: "http" }],
      routes: [
        {
          name: "v.shop/http[0]",
          virtualService: "x.example",
          match: { hostname: { exact: "x.example" } },
          native: { kind: "VirtualService", name: "v" },
        },
      ],
    })
    expect(mesh.virtualServices).toMatchObject([
      { name: "x.example", provider: { kind: "virtual_node", name: A } },
    ])
  })

  it("of the Gateway API are Istio's by their class", () => {
    expect(made("istio").model.meshes[0]?.virtualGateways[0]?.routes).toMatchObject([
      { name: "r.shop/http[0]", virtualService: "*", wireNames: ["shop.r.0"] },
    ])
    expect(made("eg").model.meshes[0]?.virtualGateways ?? []).toEqual([])
    expect(made("eg").notes).toEqual([
      "Gateway shop/g: spec.gatewayClassName: eg is not Istio's; passed over",
    ])
  })
})

it("stands beside App Mesh: each has its own", () => {
  const { model, notes } = modelOfLiveObjects([
    liveObject("Mesh", "m", {}),
    liveObject("VirtualService", "v", {}),
    service({ http: [{ route: TO_A }] }),
  ])
  expect(notes).toEqual([])
  expect(
    model.meshes.map(({ name, flavor, virtualServices }) => [
      name,
      flavor,
      virtualServices.map((one) => one.name),
    ]),
  ).toEqual([
    ["m", "app-mesh", ["v.shop"]],
    ["cluster.local", "istio", [A]],
  ])
})
