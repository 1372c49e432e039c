import { describe, expect, it } from "vitest"
import { loadModel } from "../../mesh/declare/load.ts"
import { mergeModels } from "../../mesh/declare/merge.ts"
import { failure, fixture, modelOf, NODE, object } from "../fixtures/declare/objects.ts"

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
