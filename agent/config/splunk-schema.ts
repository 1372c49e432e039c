import * as z from "zod"
import { byteSize, duration } from "#mesh/quantities.ts"
import { secretReference } from "./header-schema.ts"
import { lineFilterShape } from "./line-filter-schema.ts"
import { tlsSchema } from "./tls-schema.ts"
import { baseUrlSchema } from "./url-schema.ts"

const name = z.string().max(1024)
const index = z.string().regex(/^(?:[a-z0-9_][a-z0-9_-]{0,79})?$/, { error: "expects the name of an index" })

/** Access lines, events of proxies and metrics to Splunk's HTTP Event Collector. */
export const splunkSchema = z.strictObject({
  endpoint: baseUrlSchema("https://splunk:8088").describe(
    "Address of the collector; `/services/collector/event` is added to it. With acknowledgements behind a load balancer, that must keep an agent at one server.",
  ),
  token: secretReference.describe("The collector's token, as `{file: /path}` or `{env: NAME}`."),
  host: name.default("").describe("Host of the events. Default: that of the agent."),
  source: name.default("meshscope").describe("Source of the events."),
  tls: tlsSchema.prefault({}).describe("Certificates for https."),
  timeout: duration({ min: "100ms", max: "5m" }).prefault("30s").describe("How long one request may take."),
  maxRequestBytes: byteSize({ min: "64KiB", max: "512MiB" })
    .prefault("1MB")
    .describe(
      "Most bytes of one request before compression. Splunk refuses more than `max_content_length` of its limits.conf.",
    ),
  ackTimeout: duration({ min: "0s", max: "1h" })
    .prefault("2m")
    .describe(
      "Where the token has indexer acknowledgement: how long events may be on their way to the index before they are sent again, and may be there twice. `0s`: not waited for.",
    ),
  lines: z
    .strictObject({
      sourcetype: name.default("meshscope:access").describe("Source type of access lines."),
      index: index.default("").describe("Index of access lines. Empty: the token's."),
      ...lineFilterShape,
    })
    .prefault({})
    .or(z.literal(false))
    .describe("Access lines as events. `false`: none."),
  events: z
    .strictObject({
      sourcetype: name.default("meshscope:event").describe("Source type of events of proxies."),
      index: index.default("").describe("Index of events of proxies. Empty: the token's."),
    })
    .prefault({})
    .or(z.literal(false))
    .describe(
      "What happens to proxies: found, gone, silent, answering again, another configuration. `false`: none.",
    ),
  metrics: z
    .strictObject({
      sourcetype: name.default("meshscope:metrics").describe("Source type of metrics."),
      index: index.describe("Index of metrics: it must be one of metrics, so there is no default."),
      interval: duration({ min: "10s", max: "1h" })
        .prefault("60s")
        .describe("Time between two sendings of what changed."),
      fullEvery: duration({ min: "10s", max: "1h" })
        .prefault("5m")
        .describe("Time between two sendings of everything, changed or not."),
    })
    .optional()
    .describe("Metrics, into an index of metrics. Not sent unless this is here."),
})
