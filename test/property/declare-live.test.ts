import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { modelOfLiveObjects } from "../../mesh/declare/live.ts"
import type { DeclaredModel } from "../../mesh/declared.ts"
import { modelDocumentSchema } from "../../mesh/model-document-schema.ts"
import { inOrderOf, KINDS_OF_OBJECTS, liveFixture, liveObject } from "../fixtures/declare/live.ts"

/** Names that JavaScript's objects inherit, and a few plain ones, so that references meet. */
const word = fc.constantFrom("a", "b", "__proto__", "constructor", "toString", "")
const leaf = fc.oneof(
  word,
  fc.integer({ min: -1, max: 70_000 }),
  fc.boolean(),
  fc.constant(null),
  fc.string(),
)

/** Keys that readers look for, so that a random object is often nearly right. */
const KEYS = [
  "awsName",
  "meshRef",
  "name",
  "namespace",
  "listeners",
  "portMapping",
  "port",
  "protocol",
  "backends",
  "backendGroups",
  "virtualService",
  "virtualServiceRef",
  "virtualServiceARN",
  "provider",
  "virtualRouter",
  "virtualRouterRef",
  "routes",
  "httpRoute",
  "match",
  "prefix",
  "action",
  "weightedTargets",
  "virtualNodeRef",
  "weight",
  "podSelector",
  "matchLabels",
  "matchExpressions",
  "namespaceSelector",
  "gatewayRouteSelector",
  "virtualservices",
  "hosts",
  "host",
  "http",
  "tls",
  "tcp",
  "route",
  "destination",
  "subset",
  "subsets",
  "labels",
  "gateways",
  "servers",
  "selector",
  "number",
  "ports",
  "parentRefs",
  "rules",
  "matches",
  "backendRefs",
  "hostnames",
  "kind",
  "gatewayClassName",
  "headers",
  "uri",
  "exact",
  "sniHosts",
  "delegate",
  "timeout",
  "retries",
  "target",
  "logging",
  "accessLog",
  "file",
  "path",
  "format",
  "json",
  "__proto__",
] as const
const { value } = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 7 }, leaf, fc.array(tie("value"), { maxLength: 3 }), tie("record")),
  record: fc
    .array(fc.tuple(fc.constantFrom(...KEYS), tie("value")), { maxLength: 6 })
    .map((pairs) => Object.fromEntries(pairs)),
}))
const metadata = fc.record({
  name: word,
  namespace: word,
  labels: value,
  annotations: value,
  creationTimestamp: leaf,
})
const kind = fc.constantFrom(...KINDS_OF_OBJECTS)
const object = fc
  .tuple(kind, metadata, value)
  .map(([of, about, spec]) => Object.assign({ metadata: about, spec }, of))

/** As an agent reads it. The check leaves out labels that are called as what every object inherits. */
function documentOf(model: DeclaredModel, notes: readonly string[]): unknown {
  const text = JSON.stringify({ version: 1, model, notes })
  return JSON.parse(text, (key, one: unknown) => (key === "__proto__" ? undefined : one))
}

/** Objects of real shape, some of which have something else at one place. */
const SOUND = [...liveFixture("shop.yaml"), ...liveFixture("bookstore-istio.yaml")]
const damaged = fc
  .array(fc.tuple(fc.nat(), fc.array(fc.nat(), { maxLength: 8 }), fc.oneof(value, leaf)), { maxLength: 6 })
  .map((wounds) => {
    const objects: unknown[] = structuredClone(SOUND)
    for (const [which, path, other] of wounds) wound(objects[which % objects.length], path, other)
    return objects
  })

/** Replaces what stands at the end of a path; numbers choose among the keys that there are. */
function wound(at: unknown, path: readonly number[], other: unknown): void {
  if (typeof at !== "object" || at === null) return
  const keys = Object.keys(at)
  const key = keys[(path[0] ?? 0) % keys.length]
  if (key === undefined) return
  if (path.length <= 1) Reflect.set(at, key, other)
  else wound(Reflect.get(at, key), path.slice(1), other)
}

describe("the tolerant reading", () => {
  it("takes sound objects as files do", () => {
    expect(modelOfLiveObjects(SOUND).notes).toEqual([])
  })

  it("never throws for sound objects that were damaged, and what it gives passes every check", () => {
    fc.assert(
      fc.property(damaged, (objects) => {
        const { model, notes } = modelOfLiveObjects(inOrderOf(objects))
        const document = documentOf(model, notes)
        expect(modelDocumentSchema.parse(document)).toEqual(document)
      }),
      { numRuns: 200 },
    )
  })

  it("never throws, and what it gives passes every check of the document", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof({ weight: 9, arbitrary: object }, { weight: 1, arbitrary: fc.anything() })),
        (objects) => {
          const { model, notes } = modelOfLiveObjects(inOrderOf(objects))
          const document = documentOf(model, notes)
          expect(modelDocumentSchema.parse(document)).toEqual(document)
          expect(notes.length).toBeLessThan(150)
          for (const note of notes) expect(note.length).toBeLessThan(400)
        },
      ),
      { numRuns: 200 },
    )
  })

  it("gives the same model for the same objects in any order", () => {
    const some = fc.uniqueArray(object, {
      selector: ({ apiVersion, kind: word_, metadata: { name, namespace } }) =>
        `${apiVersion} ${word_} ${namespace} ${name}`,
    })
    fc.assert(
      fc.property(
        some.chain((objects) =>
          fc.tuple(fc.constant(objects), fc.shuffledSubarray(objects, { minLength: objects.length })),
        ),
        ([one, other]) => {
          expect(modelOfLiveObjects(inOrderOf(other))).toEqual(modelOfLiveObjects(inOrderOf(one)))
        },
      ),
    )
  })

  it("loses nothing of the rest for one object that is wrong", () => {
    const good = [
      liveObject("Mesh", "m", {}),
      liveObject("VirtualService", "s", {}),
      liveObject("VirtualNode", "n", { listeners: [{ portMapping: { port: 80, protocol: "http" } }] }),
    ]
    const alone = modelOfLiveObjects(good).model.meshes[0]
    fc.assert(
      fc.property(value, (spec) => {
        const mesh = modelOfLiveObjects([...good, liveObject("VirtualNode", "z", spec)]).model.meshes[0]
        expect(mesh?.virtualServices).toEqual(alone?.virtualServices)
        expect(mesh?.virtualNodes).toContainEqual(alone?.virtualNodes[0])
      }),
    )
  })
})
