import { readFileSync } from "node:fs"
import * as fc from "fast-check"
import { expect, test } from "vitest"
import { MeshscopeError } from "#mesh/errors.ts"
import { loadModel } from "../../mesh/declare/load.ts"
import { modelText, readModelText } from "../../mesh/model-text.ts"

const DECLARE = new URL("../fixtures/declare/", import.meta.url)
const modelOf = (file: string) => loadModel([{ file, text: readFileSync(new URL(file, DECLARE), "utf8") }])
const document = (more: object): string =>
  JSON.stringify({ version: 1, model: { meshes: [] }, notes: [], ...more })
const MESH = {
  name: "m",
  flavor: "app-mesh",
  egress: "DROP_ALL",
  virtualNodes: [],
  virtualServices: [],
  virtualRouters: [],
  virtualGateways: [],
}

test.each(["yelb.yaml", "shop.yaml", "bys-dev.yaml", "mesh-1.yaml", "appmesh-workshop.json"])(
  "the model of %s reads back to the same",
  (file) => {
    const model = modelOf(file)
    expect(readModelText(modelText(model), "here")).toEqual(model)
  },
)

test("what a newer program adds is left out, and nothing reaches a prototype", () => {
  const text = document({ model: { meshes: [{ ...MESH, weather: "fine" }] }, more: 1 }).replace(
    '"weather":"fine"',
    '"__proto__":{"polluted":true},"weather":"fine"',
  )
  const { model } = readModelText(text, "here")
  expect(model.meshes).toEqual([MESH])
  expect(Object.getPrototypeOf(model.meshes[0])).toBe(Object.prototype)
  const labels = `{"__proto__":"x","a":"b"}`
  const node = `{"name":"n","listeners":[],"backends":[],"labels":${labels}}`
  const withNode = document({ model: { meshes: [MESH] } }).replace(
    '"virtualNodes":[]',
    `"virtualNodes":[${node}]`,
  )
  const read = readModelText(withNode, "here").model.meshes[0]?.virtualNodes[0]
  expect(Object.getPrototypeOf(read?.labels ?? {})).toBe(Object.prototype)
  expect(read?.labels?.["a"]).toBe("b")
})

test.each([
  ["not JSON", "{", "is not JSON"],
  ["another version", document({ version: 2 }), "has version 2, and this program knows version 1"],
  ["no document", "[]", "is not a model document"],
  ["no mesh", document({ model: { meshes: [{}] } }), "model.meshes.0.name"],
  [
    "a flavor that is none",
    document({ model: { meshes: [{ ...MESH, flavor: "vanilla" }] } }),
    "model.meshes.0.flavor",
  ],
  ["names that are none", document({ model: { meshes: [{ ...MESH, name: 5 }] } }), "model.meshes.0.name"],
  ["notes that are none", document({ notes: [1] }), "notes.0"],
  [
    "a weight below zero",
    document({
      model: {
        meshes: [
          {
            ...MESH,
            virtualRouters: [
              {
                name: "r",
                listeners: [],
                routes: [
                  { name: "x", protocol: "http", match: {}, targets: [{ virtualNode: "n", weight: -1 }] },
                ],
              },
            ],
          },
        ],
      },
    }),
    "model.meshes.0.virtualRouters.0.routes.0.targets.0.weight",
  ],
])("%s is refused with a sentence that says where", (_, text, sentence) => {
  expect(() => readModelText(text, "of the collector")).toThrow(sentence)
  expect(() => readModelText(text, "of the collector")).toThrow("The declared model of the collector")
})

function outcome(text: string): unknown {
  try {
    return Array.isArray(readModelText(text, "here").model.meshes) ? "as it should be" : "no meshes"
  } catch (error) {
    return error instanceof MeshscopeError ? "as it should be" : error
  }
}

test("whatever JSON comes, the answer is a model or a sentence", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), fc.string(), (meshes, notes, key) => {
      const text = JSON.stringify({ version: 1, model: { meshes, [key]: notes }, notes })
      expect(outcome(text)).toBe("as it should be")
    }),
  )
})
