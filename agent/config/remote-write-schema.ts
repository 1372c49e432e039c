import * as z from "zod"
import { whereStand } from "#mesh/configuration.ts"
import { duration } from "#mesh/quantities.ts"
import { headersSchema } from "./header-schema.ts"
import { tlsSchema } from "./tls-schema.ts"
import { urlSchema } from "./url-schema.ts"

/** prometheus.io/docs/concepts/data_model: names that begin with two underscores are Prometheus's own; `le` is a bucket's. */
const LABEL = /^(?!__)(?!le$)[a-zA-Z_][a-zA-Z0-9_]{0,127}$/

/** Metrics pushed by Prometheus remote write 1.0. */
export const remoteWriteSchema = z.strictObject({
  url: urlSchema("http://prometheus:9090/api/v1/write").describe("Address that takes remote write."),
  sigv4: z
    .union([z.literal("auto"), z.boolean()], { error: "expects auto, true or false" })
    .default("auto")
    .describe(
      "Whether requests are signed for Amazon Managed Prometheus, with the AWS SDK's credentials. `auto`: when the address is one of its workspaces.",
    ),
  headers: headersSchema
    .default({})
    .describe(
      "Headers of every request. Secrets as `{file: /path}` or `{env: NAME}`, with `prefix:` for a scheme.",
    ),
  tls: tlsSchema.prefault({}).describe("Certificates for https."),
  labels: z
    .record(z.string().regex(LABEL, { error: "is not a label name" }), z.string().min(1).max(1024))
    .superRefine((labels, context) => {
      if (Object.keys(labels).length > 30)
        context.addIssue({ code: "custom", message: "expects at most 30 labels" })
    }, whereStand())
    .default({})
    .describe(
      "Labels for every series that has none of that name. `agent`, the agent's id, is always there: without it two agents would write one series.",
    ),
  interval: duration({ min: "1s", max: "4m" })
    .prefault("30s")
    .describe(
      "Time between two sendings. Each sends every series, as a scrape would; above 4 minutes Prometheus would forget them in between.",
    ),
  timeout: duration({ min: "100ms", max: "5m" }).prefault("30s").describe("How long one request may take."),
  maxSamplesPerSend: z
    .int()
    .min(100)
    .max(100_000)
    .default(2000)
    .describe("Most samples of one request. 2,000 is what Prometheus itself sends."),
})
