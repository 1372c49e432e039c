import * as z from "zod"
import { duration } from "#mesh/quantities.ts"

const ARN = "expects an ARN such as arn:aws:ecs:eu-west-1:123456789012:cluster/mesh"

/** Spans to AWS X-Ray. Region, credentials and endpoint are those of the AWS SDK. */
export const xraySchema = z.strictObject({
  timeout: duration({ min: "100ms", max: "5m" }).prefault("10s").describe("How long one request may take."),
  annotations: z
    .array(z.string().min(1).max(250))
    .max(50)
    .default([])
    .describe(
      "Attributes of spans from OpenTelemetry and Zipkin that become annotations, by which X-Ray can search, such as `tenant.id`. Other attributes become metadata. The names of the mesh always are annotations.",
    ),
  telemetry: z
    .boolean()
    .default(true)
    .describe("Whether X-Ray is told every minute how many segments came and went, as its daemon does."),
  resourceArn: z
    .string()
    .max(500)
    .regex(/^arn:[a-z-]+:[^\s]+$/, { error: ARN })
    .optional()
    .describe("The AWS resource that this agent runs on, as telemetry names it."),
})
