import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { parseAllDocuments } from "yaml"
import { type Stage, stageOn } from "../../../demo/stage.ts"
import { parseKubernetesObjects } from "../../../mesh/declare/kubernetes.ts"
import type { ParsedModel } from "../../../mesh/declare/parsed.ts"
import { ROOT } from "../../fixtures/deploy/objects.ts"
import { pageCounts } from "../../live/rig/page-counts.ts"
import { ourImage } from "../deploy/our-image.ts"
import { appMeshDefinitions } from "./app-mesh-definitions.ts"
import { type Cluster, startCluster } from "./cluster.ts"
import { labImage } from "./lab-image.ts"
import { MESH, NAMESPACE } from "./mesh-pods.ts"
import { awaited, startPodFleet } from "./pod-fleet.ts"
import { install, type Release } from "./release.ts"

/** A real Kubernetes of one node with the demo's mesh in pods, the load generator outside of it, and our chart. */
export interface Subject {
  readonly cluster: Cluster
  readonly stage: Stage
  readonly release: Release
  /** What the mesh's objects declare. */
  readonly declared: ParsedModel
  stop(): Promise<void>
}

/** Needs root. Resolves when the agent has read every proxy: from then on nothing is missed. */
export async function startSubject(): Promise<Subject> {
  const [lab, image] = [await labImage(), await ourImage()]
  const cluster = await startCluster(lab.name)
  const ends: (() => Promise<void>)[] = [() => cluster.stop()]
  const stop = async (): Promise<void> => {
    for (const end of ends.toReversed()) await end()
  }
  try {
    await cluster.importImage(lab.archive)
    await cluster.importImage(image.archive)
    const text = await declaration()
    await declare(cluster, text)
    const declared = parseKubernetesObjects(text, MODEL)
    const fleet = { cluster, model: declared.model, logs: { "*": "json" }, image: lab.name } as const
    const stage = await stageOn((events) => startPodFleet(fleet, events), { seed: 11, rate: 60 })
    ends.push(() => stage.stop())
    const release = await install(cluster, image)
    ends.push(() => release.stop())
    await awaited(cluster, "the agent has read every proxy", async () => {
      const up = pageCounts((await release.page()) ?? "", "mesh_proxy_up", ["proxy"])
      return Object.keys(up).length === stage.fleet.proxies.length ? up : undefined
    })
    return { cluster, stage, release, declared, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

const MODEL = join(ROOT, "demo/yelb.yaml")

/**
 * A machine that is busy for two seconds must not look like an application that is slow: of a try that ends just then
 * Envoy and the application say different things, and both are true.
 */
const declaration = async (): Promise<string> =>
  (await readFile(MODEL, "utf8")).replace("{ unit: ms, value: 2000 }", "{ unit: s, value: 20 }")

/** The definitions first; the API server knows a kind a moment after. */
async function declare(cluster: Cluster, text: string): Promise<void> {
  const definitions = appMeshDefinitions()
  await cluster.kube.apply(definitions)
  const labels = { mesh: MESH, gateway: "yelb-gateway" }
  await cluster.kube.apply([{ apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE, labels } }])
  await awaited(cluster, "the definitions are in force", async () => {
    const group = await cluster.kube.get("/apis/appmesh.k8s.aws/v1beta2").catch(() => ({ resources: [] }))
    const kinds = (group as { resources: readonly { name: string }[] }).resources
    return kinds.filter(({ name }) => !name.includes("/")).length === definitions.length ? true : undefined
  })
  await cluster.kube.apply(parseAllDocuments(text).map((document) => document.toJS() as object))
}
