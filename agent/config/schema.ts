import * as z from "zod"
import { whereStand } from "#mesh/configuration.ts"
import { byteSize, duration } from "#mesh/quantities.ts"
import { targetsSchema } from "#mesh/targets.ts"
import { ecsSchema } from "./discover-ecs-schema.ts"
import { kubernetesSchema } from "./discover-kubernetes-schema.ts"
import { sharedAddresses } from "./listen-addresses.ts"
import { modelSchema } from "./model-schema.ts"
import { publishSchema } from "./publish-schema.ts"
import { receiveSchema, spansSchema, takesSpans } from "./receive-schema.ts"

/** Health checkers that are known by their user agent. */
const HEALTH_CHECK_AGENTS = [
  "Envoy/HC",
  "ELB-HealthChecker/",
  "Amazon-Route53-Health-Check-Service",
  "kube-probe/",
  "GoogleHC/",
]

const identity = z.strictObject({
  id: z
    .string()
    .min(1)
    .max(253)
    .optional()
    .describe(
      "Unique name of this agent; stable over restarts. Default: the host's name. In Kubernetes give the node's name, `${NODE_NAME}`, since pods get new names.",
    ),
  state: z
    .string()
    .min(1)
    .default("/var/lib/meshscope")
    .describe(
      "Folder that holds positions, counters and queues over restarts. Must be on a disk of the node, one per agent.",
    ),
  cluster: z
    .string()
    .max(253)
    .default("")
    .describe("Your name of the cluster; label `cluster` of every metric. Empty: no such label."),
})

const staticDiscovery = z
  .strictObject({
    file: z
      .string()
      .min(1)
      .optional()
      .describe(
        "YAML file with `targets:`. It may change while the agent runs; a broken one changes nothing.",
      ),
    interval: duration({ min: "100ms", max: "1h" })
      .prefault("5s")
      .describe("How often to look whether the file changed."),
    targets: targetsSchema.optional().describe("Targets that never change, in place of a file."),
  })
  .superRefine(({ file, targets }, context) => {
    if ((file === undefined) !== (targets === undefined)) return
    context.addIssue({ code: "custom", message: "expects either file or targets" })
  }, whereStand())

const scrape = z
  .strictObject({
    interval: duration({ min: "1s", max: "1h" })
      .prefault("15s")
      .describe("Time between two looks at a proxy."),
    timeout: duration({ min: "100ms", max: "10m" })
      .optional()
      .describe(
        "How long one page may take; at most the interval. Default: 5s, or the interval where that is shorter.",
      ),
    maxPageBytes: byteSize({ min: "64KiB", max: "1GiB" })
      .prefault("64MiB")
      .describe("Largest page to read. A larger one is refused and counted."),
    page: z
      .enum(["auto", "text", "prometheus"])
      .default("auto")
      .describe(
        "Which stats page to ask for. `auto`: the text page, and the Prometheus page where only that is reachable.",
      ),
    clustersInterval: duration({ min: "1s", max: "1h" })
      .prefault("60s")
      .describe("How often to read hosts and certificates, which change without a new configuration."),
  })
  .superRefine(
    ({ interval, timeout }, context) => {
      if (timeout === undefined || timeout <= interval) return
      context.addIssue({ code: "custom", path: ["timeout"], message: "expects at most the interval" })
    },
    whereStand("interval", "timeout"),
  )

const logs = z.strictObject({
  poll: duration({ min: "50ms", max: "1m" }).prefault("1s").describe("How often to look for new lines."),
  start: z
    .enum(["beginning", "end"])
    .default("end")
    .describe(
      "Where to begin in a file that was there before this agent ever ran. Files that appear later are read whole.",
    ),
  maxLineBytes: byteSize({ min: "1KiB", max: "16MiB" })
    .prefault("256KiB")
    .describe("Longest line. A longer one is counted as dropped and passed over."),
  healthCheckAgents: z
    .array(z.string().min(1))
    .max(100)
    .default(HEALTH_CHECK_AGENTS)
    .describe("Beginnings of user agents whose requests are health checks. Those count nowhere else."),
  healthCheckPaths: z
    .array(z.string().startsWith("/", { error: "expects a path that begins with /" }))
    .max(100)
    .default([])
    .describe("Paths (whole, without query) whose requests are health checks."),
})

const count = z.strictObject({
  codes: z
    .boolean()
    .default(false)
    .describe(
      "Whether to count exact HTTP codes and gRPC statuses as well (`mesh_responses_total`). One more series per code and route.",
    ),
})

const limits = z.strictObject({
  series: z
    .int()
    .min(100)
    .max(5_000_000)
    .default(200_000)
    .describe(
      "Most series that the agent keeps. What comes above folds into one `overflow` series per metric.",
    ),
})

/** The agent's whole configuration. Durations become milliseconds, sizes bytes, addresses host and port. */
export const agentSchema = z
  .strictObject({
    agent: identity.prefault({}).describe("Who this agent is."),
    discover: z
      .strictObject({
        static: staticDiscovery.optional().describe("Proxies from a list."),
        kubernetes: kubernetesSchema.optional().describe("Proxies in the pods of the agent's node."),
        ecs: ecsSchema
          .optional()
          .describe("Proxies of an instance of Amazon ECS, or of the agent's own task."),
      })
      .superRefine((discover, context) => {
        if (Object.values(discover).some((one) => one !== undefined)) return
        const keys = Object.keys(context.value).join(", ") || "static"
        context.addIssue({
          code: "custom",
          message: `expects at least one way to find proxies, such as ${keys}`,
        })
      }, whereStand())
      .describe("Which proxies there are on this node; one way or several."),
    scrape: scrape.prefault({}).describe("Reading the proxies' admin interfaces."),
    logs: logs.prefault({}).describe("Reading access logs."),
    model: modelSchema.prefault({}).describe("What the mesh was declared to be."),
    commit: duration({ min: "100ms", max: "1m" })
      .prefault("5s")
      .describe(
        "How often positions and counters are committed together. What is published is what was committed.",
      ),
    count: count.prefault({}).describe("What is counted beyond the rest."),
    limits: limits.prefault({}).describe("Upper bounds."),
    receive: receiveSchema.prefault({}).describe("What proxies send to the agent."),
    spans: spansSchema.prefault({}).describe("Spans that the agent makes, and how proxies find it."),
    publish: publishSchema.prefault({}).describe("Where metrics, lines and spans go."),
    log: z
      .strictObject({
        level: z
          .enum(["debug", "info", "warn", "error"])
          .default("info")
          .describe("Least level of the agent's own log, which goes to standard error."),
      })
      .prefault({})
      .describe("The agent's own log."),
  })
  .superRefine(
    ({ receive, spans, publish }, context) => {
      const intakes = takesSpans(receive)
      const outputs = [publish.xray, publish.zipkin, publish.otlpTraces]
      const goes = outputs.some((output) => output !== undefined)
      const needs = (path: string, message: string): void =>
        context.addIssue({ code: "custom", path: [path], message })
      if ((intakes || spans.fromLogs) && !goes)
        needs(
          intakes ? "receive" : "spans",
          "needs publish.xray, publish.zipkin or publish.otlpTraces as well, since its spans would go nowhere",
        )
      if (goes && !intakes && !spans.fromLogs)
        needs(
          "publish",
          "needs receive.xray, receive.zipkin, receive.otlp or spans.fromLogs as well, since there are no spans to send",
        )
    },
    whereStand("receive", "spans", "publish"),
  )
  .superRefine(
    (config, context) => {
      for (const { path, first } of sharedAddresses(config))
        context.addIssue({
          code: "custom",
          path: path.slice(0, -1),
          message: `expects an address of its own for ${path.at(-1)}; ${first} listens there`,
        })
    },
    whereStand("receive", "publish"),
  )
