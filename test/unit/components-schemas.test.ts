import { describe, expect, it } from "vitest"
import { ZodError } from "zod"
import { schemas } from "../../scripts/components/kube-schemas.ts"

/** A swagger.json with one kind in a group, one in none, and a field of each shape that is rewritten. */
const OPENAPI = {
  swagger: "2.0",
  definitions: {
    Pod: {
      type: "object",
      properties: {
        kind: { type: "string" },
        spec: { $ref: "#/definitions/Spec", description: "what to run" },
      },
      "x-kubernetes-group-version-kind": [{ group: "", kind: "Pod", version: "v1" }],
    },
    Role: {
      type: "object",
      properties: { rules: { type: "array", items: { $ref: "#/definitions/Spec" } } },
      "x-kubernetes-group-version-kind": [
        { group: "rbac.authorization.k8s.io", kind: "Role", version: "v1" },
        { group: "rbac.authorization.k8s.io", kind: "Role", version: "v1beta1" },
      ],
    },
    Spec: {
      type: "object",
      properties: {
        port: { type: "string", format: "int-or-string" },
        labels: { type: "object", additionalProperties: { type: "string" } },
        $ref: { type: "string" },
        format: { type: "string" },
      },
    },
    Any: { type: "object" },
    "io.k8s.apimachinery.pkg.api.resource.Quantity": { type: "string" },
  },
}

const SPEC = {
  type: "object",
  additionalProperties: false,
  properties: {
    port: { oneOf: [{ type: "string" }, { type: "integer" }] },
    labels: { type: "object", additionalProperties: { type: "string" } },
    $ref: { type: "string" },
    format: { type: "string" },
  },
}

describe("schemas out of an OpenAPI file", () => {
  const files = schemas(OPENAPI)

  it("are one for each kind in each version, by the name that kubeconform asks for", () => {
    expect(Object.keys(files).toSorted()).toEqual([
      "_definitions.json",
      "pod-v1.json",
      "role-rbac-v1.json",
      "role-rbac-v1beta1.json",
    ])
  })
  it("refuse fields that are not named, and refer to one shared file", () => {
    expect(files["pod-v1.json"]).toMatchObject({
      additionalProperties: false,
      properties: { spec: { $ref: "_definitions.json#/definitions/Spec", description: "what to run" } },
      allOf: [{ properties: { kind: { const: "Pod" } } }],
    })
  })
  it("take a port by number or name, a quantity as a number, and a map with any keys", () => {
    expect(files["_definitions.json"]).toMatchObject({
      definitions: {
        Spec: SPEC,
        Any: { type: "object" },
        "io.k8s.apimachinery.pkg.api.resource.Quantity": { oneOf: [{ type: "string" }, { type: "number" }] },
      },
    })
  })
  it.each([null, {}, { definitions: [] }, { definitions: { Pod: "string" } }])(
    "%j is not an OpenAPI file, which is an error",
    (garbage) => {
      expect(() => schemas(garbage)).toThrow(ZodError)
    },
  )
})
