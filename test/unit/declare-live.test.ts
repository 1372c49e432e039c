import { performance } from "node:perf_hooks"
import { describe, expect, it } from "vitest"
import { modelOfLiveObjects } from "../../mesh/declare/live.ts"
import type { LiveObject } from "../../mesh/declare/live-object.ts"
import { MODEL_RESOURCES, ofResource } from "../../mesh/declare/model-resources.ts"
import { inNamespaces } from "../../mesh/declare/namespace-filter.ts"
import { istioObject, liveObject } from "../fixtures/declare/live.ts"
import { NODE } from "../fixtures/declare/objects.ts"

const MESH = liveObject("Mesh", "m", {})
const N = liveObject("VirtualNode", "n", NODE)

function notesOf(...objects: LiveObject[]): string[] {
  return modelOfLiveObjects([MESH, N, ...objects]).notes
}

function namespace(name: string, labels: object = {}): LiveObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } as LiveObject["metadata"] }
}

const to = (virtualNode: string) => ({ virtualNodeRef: { name: virtualNode }, weight: 1 })
const httpRoute = (name: string, target: object, match: object = { prefix: "/" }) => ({
  name,
  httpRoute: { match, action: { weightedTargets: [target] } },
})

it("of more objects than any mesh has the youngest are left out, and counted", () => {
  const old = { creationTimestamp: "2026-01-01T00:00:00Z" }
  const older = Array.from({ length: 50_000 }, (_, at): LiveObject => {
    const metadata = { name: `n${at}`, ...old }
    return { apiVersion: "v1", kind: "Namespace", metadata }
  })
  const young = { ...MESH, metadata: { ...MESH.metadata, creationTimestamp: "2026-02-01T00:00:00Z" } }
  const { model, notes } = modelOfLiveObjects([young, ...older])
  expect(model.meshes).toEqual([])
  expect(notes).toEqual(["1 of the youngest objects are left out: there are more than 50000"])
})

describe("one sentence for each thing that is wrong, naming the object and the field", () => {
  const rows: readonly (readonly [what: string, objects: LiveObject[], note: string])[] = [
    [
      "a text where a number should be",
      [liveObject("VirtualNode", "x", { listeners: [{ portMapping: { port: "80", protocol: "http" } }] })],
      "VirtualNode shop/x: spec.listeners[0].portMapping.port: must be a whole number of at least 1",
    ],
    [
      "a port that there is not",
      [liveObject("VirtualNode", "x", { listeners: [{ portMapping: { port: 70_000, protocol: "http" } }] })],
      "VirtualNode shop/x: spec.listeners[0].portMapping.port: must be a port, at most 65535",
    ],
    [
      "a route without a target",
      [liveObject("VirtualRouter", "r", { routes: [{ name: "a", httpRoute: { match: { prefix: "/" } } }] })],
      "VirtualRouter shop/r: spec.routes[0].httpRoute.action.weightedTargets: names no target",
    ],
    [
      "a route to a node that does not exist",
      [liveObject("VirtualRouter", "r", { routes: [httpRoute("a", to("gone"))] })],
      "VirtualNode shop/gone is referred to but not declared; taken as gone_shop",
    ],
    [
      "a service that two objects call the same",
      [
        liveObject("VirtualService", "a", { awsName: "s" }),
        liveObject("VirtualService", "b", { awsName: "s" }),
      ],
      "VirtualService shop/b: spec.awsName: another VirtualService of this mesh has the name s",
    ],
    [
      "a mesh that does not exist",
      [liveObject("VirtualService", "a", { meshRef: { name: "other", uid: "1" } })],
      "Mesh other is referred to but not declared; taken as other",
    ],
    [
      "two nodes that select the same pods",
      [
        liveObject("VirtualNode", "a", { ...NODE, podSelector: { matchLabels: { app: "ui" } } }),
        liveObject("VirtualNode", "b", { ...NODE, podSelector: { matchLabels: { app: "ui" } } }),
      ],
      "VirtualNode shop/b: spec.podSelector: VirtualNode shop/a selects every pod of it too",
    ],
    [
      "a node that selects also the pods of another",
      [
        liveObject("VirtualNode", "a", {
          ...NODE,
          podSelector: { matchLabels: { app: "ui", version: "2" } },
        }),
        liveObject("VirtualNode", "b", { ...NODE, podSelector: { matchLabels: { app: "ui" } } }),
      ],
      "VirtualNode shop/a: spec.podSelector: VirtualNode shop/b selects every pod of it too",
    ],
    [
      "a gateway that selects the pods of a node",
      [
        liveObject("VirtualNode", "a", { ...NODE, podSelector: { matchLabels: { app: "ui" } } }),
        liveObject("VirtualGateway", "g", { ...NODE, podSelector: {} }),
      ],
      "VirtualNode shop/a: spec.podSelector: VirtualGateway shop/g selects every pod of it too",
    ],
    [
      "a gateway route that no gateway takes",
      [liveObject("GatewayRoute", "gr", { httpRoute: {} })],
      "GatewayRoute shop/gr: belongs to no certain gateway: 0 of 0 select it",
    ],
    [
      "an objective that is none",
      [
        liveObject(
          "VirtualRouter",
          "r",
          { routes: [httpRoute("a", to("n"))] },
          {
            annotations: { "meshscope.dev/objective": "always" },
          },
        ),
      ],
      "VirtualRouter shop/r: metadata.annotations.meshscope.dev/objective: must be a share between 0 and 1, such as 0.999, not always",
    ],
    [
      "a group that does not exist",
      [liveObject("VirtualNode", "x", { ...NODE, backendGroups: [{ name: "g" }] })],
      "BackendGroup shop/g is referred to but not declared; its services are not known",
    ],
    [
      "a subset of no rule",
      [
        istioObject("VirtualService", "v", {
          hosts: ["a"],
          http: [{ route: [{ destination: { host: "a", subset: "s" } }] }],
        }),
      ],
      "VirtualService shop/v: spec.http[0].route[0].destination: subset s of a.shop.svc.cluster.local is in no DestinationRule",
    ],
    [
      "a gateway of Istio that does not exist",
      [istioObject("VirtualService", "v", { hosts: ["a"], gateways: ["other/g"] })],
      "VirtualService shop/v: no Gateway other/g is declared: its routes there are left out",
    ],
    [
      "routes of another VirtualService",
      [istioObject("VirtualService", "v", { hosts: ["a"], http: [{ delegate: { name: "d" } }] })],
      "VirtualService shop/v: spec.http[0].delegate: routes of another VirtualService are not followed",
    ],
    [
      "a host that two VirtualServices claim",
      [
        istioObject(
          "VirtualService",
          "v",
          { hosts: ["a"], http: [{}] },
          { creationTimestamp: "2026-01-02T00:00:00Z" },
        ),
        istioObject(
          "VirtualService",
          "w",
          { hosts: ["a"], http: [{}] },
          { creationTimestamp: "2026-01-01T00:00:00Z" },
        ),
      ],
      "VirtualService shop/v: spec.hosts: a.shop.svc.cluster.local has the routes of w.shop already",
    ],
    [
      "no object at all",
      [{ kind: "VirtualNode" } as unknown as LiveObject],
      "1 of kind VirtualNode passed over",
    ],
  ]
  it.each(rows)("%s", (_, objects, note) => {
    expect(notesOf(...objects)).toEqual([note])
  })

  it("two meshes of one name: taken as one", () => {
    const { model, notes } = modelOfLiveObjects([MESH, liveObject("Mesh", "twin", { awsName: "m" })])
    expect(model.meshes.map(({ name }) => name)).toEqual(["m"])
    expect(notes).toEqual(["Mesh twin: spec.awsName: Mesh m has this name; taken as one mesh"])
  })

  it("two meshes that claim a namespace: what does not say its mesh is left out, what says it stays", () => {
    const all = { namespaceSelector: { matchLabels: { mesh: "yes" } } }
    const { model, notes } = modelOfLiveObjects([
      namespace("shop", { mesh: "yes" }),
      liveObject("Mesh", "a", all),
      liveObject("Mesh", "b", all),
      liveObject("VirtualService", "lost", {}),
      liveObject("VirtualService", "kept", { meshRef: { name: "b" } }),
    ])
    expect(model.meshes.map((mesh) => [mesh.name, mesh.virtualServices.map(({ name }) => name)])).toEqual([
      ["a", []],
      ["b", ["kept.shop"]],
    ])
    expect(notes).toEqual([
      "Namespace shop: spec.namespaceSelector of Mesh a and of Mesh b select it",
      "VirtualService shop/lost: belongs to no certain mesh: it has no spec.meshRef, 2 meshes are declared and 2 select namespace shop",
    ])
  })
})

describe("what is left out", () => {
  it("is as little as can be: one route of a router, one backend of a node", () => {
    const { model } = modelOfLiveObjects([
      MESH,
      liveObject("VirtualRouter", "r", { routes: [httpRoute("bad", {}), httpRoute("good", to("n"))] }),
      liveObject("VirtualNode", "x", {
        ...NODE,
        backends: [
          { virtualService: {} },
          {
            virtualService: {
              virtualServiceARN: "arn:aws:appmesh:eu-west-1:1:mesh/m/virtualService/a.local",
            },
          },
        ],
      }),
      liveObject("VirtualNode", "y", {
        ...NODE,
        backends: [
          {
            virtualService: {
              virtualServiceARN: "arn:aws:appmesh:eu-west-1:1:mesh/m@2/virtualService/s.local",
            },
          },
        ],
      }),
    ])
    expect(model.meshes[0]?.virtualRouters[0]?.routes.map(({ name }) => name)).toEqual(["good"])
    expect(model.meshes[0]?.virtualNodes.map(({ backends }) => backends)).toEqual([["a.local"], ["s.local"]])
  })

  it("of two objects of one name the younger one, in whatever order they come", () => {
    const old = liveObject(
      "VirtualService",
      "z",
      { awsName: "s" },
      { creationTimestamp: "2025-01-01T00:00:00Z" },
    )
    const young = liveObject(
      "VirtualService",
      "a",
      { awsName: "s" },
      { creationTimestamp: "2026-01-01T00:00:00Z" },
    )
    for (const objects of [
      [old, young],
      [young, old],
    ])
      expect(modelOfLiveObjects([MESH, ...objects]).model.meshes[0]?.virtualServices[0]?.native?.name).toBe(
        "z",
      )
  })

  it("is told in at most a hundred notes", () => {
    const wrong = Array.from({ length: 500 }, (_, index) =>
      liveObject("VirtualNode", `x${index}`, { listeners: 1 }),
    )
    const { notes } = modelOfLiveObjects([MESH, ...wrong])
    expect(notes).toHaveLength(101)
    expect(notes.at(-1)).toBe("and 400 more notes")
  })
})

describe("pods", () => {
  it("are kept as the node selects them", () => {
    const podSelector = {
      matchLabels: { app: "ui" },
      matchExpressions: [{ key: "tier", operator: "In", values: ["a"] }],
    }
    const { model, notes } = modelOfLiveObjects([
      MESH,
      liveObject("VirtualNode", "x", { ...NODE, podSelector }),
      liveObject("VirtualGateway", "g", { ...NODE, podSelector: { matchLabels: { app: "gw" } } }),
    ])
    expect(notes).toEqual([])
    expect(model.meshes[0]?.virtualNodes[0]?.podSelector).toEqual(podSelector)
    expect(model.meshes[0]?.virtualGateways[0]?.podSelector).toEqual({ matchLabels: { app: "gw" } })
  })

  it("of two namespaces are never the same", () => {
    const podSelector = { matchLabels: { app: "ui" } }
    expect(
      notesOf(
        liveObject("VirtualNode", "a", { ...NODE, podSelector }),
        liveObject("VirtualNode", "b", { ...NODE, podSelector }, { namespace: "other" }),
      ),
    ).toEqual([])
  })
})

describe("the list of what to watch", () => {
  it("has every kind once", () => {
    const paths = MODEL_RESOURCES.map(({ group, plural }) => `${plural}.${group}`)
    expect(new Set(paths).size).toBe(15)
    expect(paths).toHaveLength(15)
  })

  it("gives objects of a core list the kind that the API server leaves out", () => {
    const [namespaces] = MODEL_RESOURCES
    if (namespaces === undefined) throw new Error("no resource")
    expect(ofResource(namespaces, { metadata: { name: "shop" } })).toMatchObject({
      apiVersion: "v1",
      kind: "Namespace",
    })
  })
})

function names(...found: LiveObject[]): string[] {
  return found.map(({ kind, metadata }) => `${kind} ${metadata.name}`)
}

describe("namespaces", () => {
  const objects = [
    MESH,
    namespace("shop"),
    namespace("other"),
    N,
    liveObject("VirtualNode", "o", NODE, { namespace: "other" }),
  ]
  it.each([
    [{}, names(...objects)],
    [{ only: [] }, names(...objects)],
    [{ only: ["shop"] }, ["Mesh m", "Namespace shop", "VirtualNode n"]],
    [{ except: ["shop"] }, ["Mesh m", "Namespace other", "VirtualNode o"]],
    [{ only: ["shop", "other"], except: ["other"] }, ["Mesh m", "Namespace shop", "VirtualNode n"]],
  ])("%j lets in %j", (filter, expected) => {
    expect(names(...inNamespaces(objects, filter))).toEqual(expected)
  })
})

function many(make: (index: number) => LiveObject): LiveObject[] {
  return Array.from({ length: 10_000 }, (_, index) => make(index))
}

function label(index: number): object {
  return { matchLabels: { app: "one", n: String(index % 5000) } }
}

describe("ten thousand objects", () => {
  const rows: readonly (readonly [string, LiveObject[]])[] = [
    [
      "nodes with a group of all services",
      many((index) =>
        index % 2 === 0
          ? liveObject("VirtualNode", `n${index}`, {
              ...NODE,
              backendGroups: [{ name: "*" }],
              podSelector: label(index),
            })
          : liveObject("VirtualService", `s${index}`, {}),
      ),
    ],
    [
      "meshes and nodes",
      many((index) =>
        index % 2 === 0
          ? liveObject("Mesh", `m${index}`, { namespaceSelector: {} })
          : liveObject("VirtualNode", `n${index}`, NODE),
      ),
    ],
    [
      "gateways and gateway routes",
      many((index) =>
        index % 2 === 0
          ? liveObject("VirtualGateway", `g${index}`, {
              ...NODE,
              namespaceSelector: { matchLabels: { no: "one" } },
            })
          : liveObject("GatewayRoute", `r${index}`, {}),
      ),
    ],
    [
      "services of Istio with one host",
      many((index) =>
        istioObject("VirtualService", `v${index}`, {
          hosts: ["a"],
          http: [{ route: [{ destination: { host: "a", subset: `s${index}` } }] }],
        }),
      ),
    ],
  ]
  it.each(rows)(
    "are read in bounded time: %s",
    (_, objects) => {
      const before = performance.now()
      modelOfLiveObjects([MESH, ...objects])
      expect(performance.now() - before).toBeLessThan(10_000)
    },
    30_000,
  )
})
