import * as z from "zod"
import { istioNames, kubernetesModelSchema } from "#kubernetes/model-schema.ts"
import { duration } from "#mesh/quantities.ts"
import { headersSchema } from "./header-schema.ts"
import { tlsSchema } from "./tls-schema.ts"
import { baseUrlSchema } from "./url-schema.ts"

const collector = z.strictObject({
  url: baseUrlSchema("http://collector:4318").describe(
    "Base address of the collector; `/model` is added to it.",
  ),
  headers: headersSchema
    .default({})
    .describe(
      'Headers of every request, such as `authorization: {file: /path, prefix: "Bearer "}`. A file is read again for each request.',
    ),
  tls: tlsSchema.prefault({}).describe("Certificates for https."),
  interval: duration({ min: "1s", max: "1h" })
    .prefault("30s")
    .describe("Time between two looks. A model that did not change is not sent again."),
  timeout: duration({ min: "100ms", max: "5m" }).prefault("30s").describe("How long one look may take."),
})
export type ModelCollectorConfig = z.output<typeof collector>

/** Where the declared model comes from. */
export const modelSchema = z.strictObject({
  files: z
    .array(z.string().min(1))
    .default([])
    .describe(
      "YAML or JSON files with the resources that the mesh was declared with; a file that changes is read again. No source at all: names come from the proxies alone.",
    ),
  interval: duration({ min: "500ms", max: "1h" })
    .prefault("5s")
    .describe("Time between two looks at the files."),
  collector: collector
    .optional()
    .describe(
      "A collector that tells the declared model. The last one is kept in the state folder, for a start while the collector is away.",
    ),
  kubernetes: kubernetesModelSchema
    .optional()
    .describe(
      "Objects of App Mesh and Istio, watched by this agent itself. Each agent costs the API server a watch of each kind: with more than a few nodes let a collector watch.",
    ),
  ...istioNames,
  publish: z
    .boolean()
    .optional()
    .describe(
      "Whether this agent publishes the declared resources, weights and objectives as metrics. Default: true, but false with `collector`, since the collector knows them itself. A route without an objective (annotation or tag `meshscope.dev/objective`) has 0.999 in `mesh_slo_objective`.",
    ),
})
