import * as z from "zod"
import { listenAddressSchema } from "#mesh/address.ts"
import { whereStand } from "#mesh/configuration.ts"
import { cloudwatchEmfSchema } from "./cloudwatch-emf-schema.ts"
import { cloudWatchLogsSchema } from "./cloudwatch-logs-schema.ts"
import { cloudwatchOtlpSchema } from "./cloudwatch-otlp-schema.ts"
import { otlpSchema } from "./otlp-schema.ts"
import { otlpTracesSchema } from "./otlp-traces-schema.ts"
import { queueSchema } from "./queue-schema.ts"
import { remoteWriteSchema } from "./remote-write-schema.ts"
import { splunkSchema } from "./splunk-schema.ts"
import { xraySchema } from "./xray-schema.ts"
import { zipkinSchema } from "./zipkin-schema.ts"

const prometheus = z.strictObject({
  enabled: z.boolean().default(true).describe("Whether to serve a page for Prometheus."),
  listen: listenAddressSchema()
    .prefault("127.0.0.1:9464")
    .describe(
      "Where to serve it. Only this host can reach the default; write `0.0.0.0:9464` where a Prometheus elsewhere scrapes it.",
    ),
  path: z
    .string()
    .regex(/^\/[\w./-]*$/, { error: "expects a path such as /metrics" })
    .default("/metrics")
    .describe("Path of the page."),
})

/** What leaves the agent, and where to. An output that is not named is not there. */
export const publishSchema = z
  .strictObject({
    prometheus: prometheus.prefault({}).describe("A page for Prometheus to scrape."),
    otlp: otlpSchema
      .optional()
      .describe("Sends metrics to a collector, ours or any, by OTLP over HTTP. Absent: nothing is sent."),
    remoteWrite: remoteWriteSchema
      .optional()
      .describe("Pushes metrics by Prometheus remote write, to Prometheus itself or to what takes it."),
    cloudwatchMetrics: cloudwatchEmfSchema
      .optional()
      .describe(
        "Metrics to CloudWatch as classic metrics, by documents of the embedded metric format: few, with alarms and dashboards as ever. `meshscope cost` says what they cost.",
      ),
    cloudwatchOtlp: cloudwatchOtlpSchema
      .optional()
      .describe("All metrics to CloudWatch by OTLP, to be asked with PromQL; billed by bytes."),
    cloudwatchLogs: cloudWatchLogsSchema
      .optional()
      .describe("Access lines to CloudWatch Logs, as JSON with the mesh's names."),
    xray: xraySchema.optional().describe("Spans to AWS X-Ray."),
    zipkin: zipkinSchema.optional().describe("Spans to a Zipkin server."),
    otlpTraces: otlpTracesSchema.optional().describe("Spans by OTLP over HTTP."),
    splunk: splunkSchema
      .optional()
      .describe("Access lines, events of proxies, and metrics to Splunk's HTTP Event Collector."),
    queue: queueSchema
      .prefault({})
      .describe("Where lines, spans and points wait while a receiver does not take them."),
  })
  .superRefine(({ prometheus: page, ...others }, context) => {
    const outputs = Object.entries(others).filter(([key, output]) => key !== "queue" && output !== undefined)
    if (page.enabled || outputs.length > 0) return
    context.addIssue({
      code: "custom",
      message: "needs prometheus.enabled or another output; with none, nothing would leave the agent",
    })
  }, whereStand("prometheus"))
export type PublishConfig = z.output<typeof publishSchema>
