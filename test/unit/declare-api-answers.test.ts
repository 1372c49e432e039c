import { describe, expect, it } from "vitest"
import { parseApiAnswers } from "../../mesh/declare/api-answers.ts"
import { loadModel } from "../../mesh/declare/load.ts"
import { readArn } from "../../mesh/declare/names.ts"
import { failure } from "../fixtures/declare/objects.ts"

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
