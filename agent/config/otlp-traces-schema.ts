import * as z from "zod"
import { whereStand } from "#mesh/configuration.ts"
import { duration } from "#mesh/quantities.ts"
import { headersSchema } from "./header-schema.ts"
import { tlsSchema } from "./tls-schema.ts"
import { baseUrlSchema } from "./url-schema.ts"

/** Spans by OTLP over HTTP: Jaeger, Tempo, LightStep, the OpenTelemetry Collector, CloudWatch. */
export const otlpTracesSchema = z
  .strictObject({
    endpoint: baseUrlSchema("http://tempo:4318")
      .optional()
      .describe("Base address of the receiver; `/v1/traces` is added to it."),
    cloudwatch: z
      .boolean()
      .default(false)
      .describe(
        "Send to CloudWatch in place of an endpoint, signed. Region, credentials and endpoint are those of the AWS SDK; Transaction Search must be on.",
      ),
    headers: headersSchema
      .default({})
      .describe(
        "Headers of every request, such as `lightstep-access-token`. Secrets as `{file: /path}` or `{env: NAME}`, with `prefix:` for a scheme.",
      ),
    tls: tlsSchema.prefault({}).describe("Certificates for https."),
    timeout: duration({ min: "100ms", max: "5m" }).prefault("10s").describe("How long one request may take."),
  })
  .superRefine(
    ({ endpoint, cloudwatch }, context) => {
      if ((endpoint === undefined) === cloudwatch) return
      context.addIssue({ code: "custom", message: "needs either endpoint or cloudwatch: true" })
    },
    whereStand("endpoint", "cloudwatch"),
  )
