import * as z from "zod"
import { duration } from "#mesh/quantities.ts"
import { headersSchema } from "./header-schema.ts"
import { tlsSchema } from "./tls-schema.ts"
import { baseUrlSchema } from "./url-schema.ts"

/** Spans to a Zipkin server, or to whatever speaks its API. */
export const zipkinSchema = z.strictObject({
  endpoint: baseUrlSchema("http://zipkin:9411").describe(
    "Base address of the receiver; `/api/v2/spans` is added to it.",
  ),
  headers: headersSchema
    .default({})
    .describe(
      "Headers of every request. Secrets as `{file: /path}` or `{env: NAME}`, with `prefix:` for a scheme.",
    ),
  tls: tlsSchema.prefault({}).describe("Certificates for https."),
  timeout: duration({ min: "100ms", max: "5m" }).prefault("10s").describe("How long one request may take."),
})
