import * as z from "zod"
import { istioNames, kubernetesModelSchema } from "#kubernetes/model-schema.ts"
import { duration } from "#mesh/quantities.ts"

/** Where a collector has the declared model from. */
export const modelSchema = z.strictObject({
  files: z
    .array(z.string().min(1))
    .default([])
    .describe(
      "YAML or JSON files with the resources that the mesh was declared with; read again when they change.",
    ),
  interval: duration({ min: "500ms", max: "1h" })
    .prefault("5s")
    .describe("Time between two looks at the files."),
  kubernetes: kubernetesModelSchema
    .optional()
    .describe(
      "Objects of App Mesh and Istio, watched in the cluster; `{}` in a pod. What files declare too counts once.",
    ),
  ...istioNames,
  cluster: z
    .string()
    .max(253)
    .default("")
    .describe("Your name of the cluster; label `cluster` of the declared resources. Empty: no such label."),
})
export type ModelConfig = z.output<typeof modelSchema>
