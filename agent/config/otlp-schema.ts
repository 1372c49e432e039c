import * as z from "zod"
import { byteSize, duration } from "#mesh/quantities.ts"
import { headersSchema } from "./header-schema.ts"
import { tlsSchema } from "./tls-schema.ts"
import { baseUrlSchema } from "./url-schema.ts"

/** Where metrics are sent by OTLP over HTTP. */
export const otlpSchema = z.strictObject({
  endpoint: baseUrlSchema("http://collector:4318").describe(
    "Base address of the receiver; `/v1/metrics` is added to it.",
  ),
  headers: headersSchema
    .default({})
    .describe(
      "Headers of every request. Secrets as `{file: /path}` or `{env: NAME}`, with `prefix:` for a scheme.",
    ),
  tls: tlsSchema.prefault({}).describe("Certificates for https."),
  interval: duration({ min: "1s", max: "1h" }).prefault("15s").describe("Time between two sendings."),
  timeout: duration({ min: "100ms", max: "5m" }).prefault("10s").describe("How long one request may take."),
  queueBytes: byteSize({ min: "64KiB", max: "16GiB" })
    .prefault("64MiB")
    .describe(
      "How much may wait in memory while the receiver is away. What is pushed out is sent again with its newest values.",
    ),
})
