import * as z from "zod"
import { receiveAccessLogsSchema } from "./receive-access-logs-schema.ts"
import { receiveDogStatsdSchema } from "./receive-dogstatsd-schema.ts"
import { receiveForwardSchema } from "./receive-forward-schema.ts"
import { receiveOtlpSchema, receiveZipkinSchema } from "./receive-http-schema.ts"
import { receiveXraySchema } from "./receive-xray-schema.ts"

/** What proxies and applications send here. An intake that is not named is not there. */
export const receiveSchema = z.strictObject({
  xray: receiveXraySchema
    .optional()
    .describe("Stands in for the X-Ray daemon: segments by UDP, sampling rules by TCP."),
  zipkin: receiveZipkinSchema.optional().describe("Spans of Zipkin's tracers, App Mesh's Jaeger among them."),
  otlp: receiveOtlpSchema.optional().describe("Spans by OTLP, over HTTP and gRPC."),
  accessLogs: receiveAccessLogsSchema
    .optional()
    .describe("Access log entries that proxies stream by Envoy's gRPC access log service."),
  forward: receiveForwardSchema
    .optional()
    .describe("Output of containers by Fluent's forward protocol: Docker's log driver, FireLens."),
  dogstatsd: receiveDogStatsdSchema
    .optional()
    .describe("Stats that Envoy's DogStatsD sink sends, where no page of stats can be read."),
})
export type ReceiveConfig = z.output<typeof receiveSchema>

/** Whether any intake of spans is configured. */
export const takesSpans = ({ xray, zipkin, otlp }: ReceiveConfig): boolean =>
  xray !== undefined || zipkin !== undefined || otlp !== undefined

/** How spans come to be beside those that are sent here. */
export const spansSchema = z.strictObject({
  fromLogs: z
    .boolean()
    .default(false)
    .describe(
      "Whether access lines become spans, where their trace is sampled and their proxy has no tracer of its own.",
    ),
  hosts: z
    .array(z.string().min(1).max(253))
    .max(32)
    .default([])
    .describe(
      "Further names and addresses under which proxies reach this agent, such as that of a service in front of it. They only tell, in a proxy's state, whether its spans come here.",
    ),
})
