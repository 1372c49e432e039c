import * as z from "zod"
import { kubeAccessSchema } from "./access-schema.ts"

const names = z.array(z.string().min(1).max(253)).max(100).default([])

/** How Istio's objects are called, for files and for a cluster's own. */
export const istioNames = {
  istioMesh: z
    .string()
    .min(1)
    .max(253)
    .default("cluster.local")
    .describe(
      "Name of the Istio mesh: its mesh id or trust domain, as `node.metadata.MESH_ID` of its proxies tells.",
    ),
  clusterDomain: z
    .string()
    .min(1)
    .max(253)
    .default("cluster.local")
    .describe("What short names of services are completed with."),
}

/** Which objects of a cluster declare the mesh, and who asks for them. */
export const kubernetesModelSchema = z.strictObject({
  namespaces: z
    .strictObject({
      include: names.describe(
        "Only these; a Role in each is enough then, but for the kinds that belong to no namespace. Empty: all.",
      ),
      exclude: names.describe("Not these."),
    })
    .prefault({})
    .describe("Whose objects are read."),
  flavors: z
    .array(z.enum(["app-mesh", "istio"]))
    .min(1)
    .default(["app-mesh", "istio"])
    .describe("Of which meshes. A kind that is not installed costs a question a minute."),
  api: kubeAccessSchema.prefault({}).describe("The API server; empty in a pod."),
})
export type KubernetesModelConfig = ReturnType<typeof kubernetesModelSchema.parse>
