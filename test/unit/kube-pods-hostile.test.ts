import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import { podFacts } from "../../agent/discover/kubernetes/pod.ts"
import { type MeshedPod, meshedPod } from "../../agent/discover/kubernetes/pod-proxies.ts"
import { nodeTargets } from "../../agent/discover/kubernetes/targets.ts"
import type { JsonObject } from "../../mesh/json-object.ts"
import { appMeshEnvoy, istioEnvoy, type PodParts } from "../fake/kubernetes/pods.ts"
import { logsOf, only, targetsOf } from "../fixtures/kubernetes/pod-targets.ts"

describe("whatever stands in a pod", () => {
  const shapes = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom(
        null,
        "",
        "envoy",
        "Always",
        "APPMESH_RESOURCE_ARN",
        "9901",
        9901,
        -1,
        true,
        "mesh/m/virtualNode/n",
      ),
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(
        fc.constantFrom(
          "metadata",
          "spec",
          "status",
          "name",
          "namespace",
          "uid",
          "labels",
          "annotations",
          "containers",
          "initContainers",
          "env",
          "ports",
          "args",
          "podIP",
          "podIPs",
          "ip",
          "value",
          "valueFrom",
          "containerPort",
          "ownerReferences",
          "kind",
          "controller",
          "containerStatuses",
          "restartCount",
          "__proto__",
          "constructor",
          "meshscope.dev/admin",
          "prometheus.io/port",
        ),
        tie("value"),
        { maxKeys: 8 },
      ),
    ),
  })).value

  test("is read without a throw, and gives targets with unique names and addresses", () => {
    fc.assert(
      fc.property(
        fc.array(fc.dictionary(fc.constantFrom("metadata", "spec", "status"), shapes), { maxLength: 4 }),
        (pods) => {
          const meshed: MeshedPod[] = pods.flatMap(
            (pod: JsonObject) => meshedPod(podFacts(pod), { envoy: 9901 }) ?? [],
          )
          const { targets } = nodeTargets(meshed, logsOf)
          const addresses = targets.map(({ admin }) => JSON.stringify(admin))
          expect(new Set(addresses).size).toBe(targets.length)
        },
      ),
    )
  })
})

const podAt = (name: string, created: string, deleting = false): PodParts => ({
  name,
  ip: "10.0.0.1",
  containers: [appMeshEnvoy()],
  metadata: {
    creationTimestamp: `2026-11-21T${created}:00Z`,
    ...(deleting ? { deletionTimestamp: "2026-11-21T12:00:00Z" } : {}),
  },
})
const hintOf = (env: Readonly<Record<string, string | object>>) =>
  only({ containers: [appMeshEnvoy(env)] })?.hint
const namedNode = (name: string) => hintOf({ APPMESH_RESOURCE_ARN: `mesh/m/virtualNode/${name}` })
const meshOf = (name: string) =>
  only({ containers: [istioEnvoy({ env: { ISTIO_META_MESH_ID: name } })] })?.hint?.mesh

describe("of two pods at one address, as in a host's network", () => {
  test.for([
    ["the younger one has it", [podAt("old", "10:00"), podAt("young", "11:00")], "shop/young", 1],
    ["whichever comes first", [podAt("young", "11:00"), podAt("old", "10:00")], "shop/young", 1],
    // Its place is taken already by the pod that follows it; nothing is wrong.
    ["one that ends gives way", [podAt("old", "10:00"), podAt("young", "11:00", true)], "shop/old", 0],
    ["of one age the name decides", [podAt("b", "10:00"), podAt("a", "10:00")], "shop/a", 1],
  ] as const)("%s", ([, pods, name, problems]) => {
    const found = targetsOf(pods)
    expect(found.targets.map((target) => target.name)).toEqual([name])
    expect(found.problems).toHaveLength(problems)
  })
})

describe("what a pod writes into its environment", () => {
  test("names a node as long as App Mesh's names may be, and no longer", () => {
    expect(namedNode("n".repeat(255))).toMatchObject({ resource: "n".repeat(255) })
    expect(namedNode("n".repeat(256))).toBeUndefined()
    expect(namedNode("n".repeat(1_000_000))).toBeUndefined()
  })

  test("does not name it where the value comes from elsewhere, whatever stands beside it", () => {
    const container = {
      name: "envoy",
      env: [{ name: "APPMESH_RESOURCE_ARN", value: "mesh/m/virtualNode/n", valueFrom: {} }],
    }
    const pod = { metadata: { name: "p", namespace: "a" }, spec: { containers: [container] }, status: {} }
    const [proxy] = meshedPod(podFacts(pod), {})?.proxies ?? []
    expect(proxy?.port).toBe(9901)
    expect(proxy?.hint).toBeUndefined()
  })

  test("names no mesh of Istio that is longer than a name", () => {
    expect(meshOf("m".repeat(253))).toBe("m".repeat(253))
    expect(meshOf("m".repeat(254))).toBeUndefined()
  })
})

test("what is no address of a pod is not asked", () => {
  for (const ip of ["metadata.internal", "10.0.0.1/../x", "10.0.0.1:80", "::1%lo\n"])
    expect(targetsOf([{ ip, containers: [appMeshEnvoy()] }]).targets).toEqual([])
  expect(only({ ip: "fd00::7", containers: [istioEnvoy()] })?.admin).toMatchObject({ host: "fd00::7" })
})
