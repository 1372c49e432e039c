import * as z from "zod"
import { COMMON_LABELS, METRICS } from "#mesh/catalogue.ts"
import { metricSets, NAMINGS, setProblem } from "#mesh/cloudwatch/metric-sets.ts"
import { TOLD_METRICS } from "#mesh/cloudwatch/told-metrics.ts"
import { whereStand } from "#mesh/configuration.ts"
import { metricCap } from "#mesh/cost/prices.ts"
import { pricesSchema, priceTable } from "#mesh/cost/prices-schema.ts"
import { duration } from "#mesh/quantities.ts"
import { REPORTERS } from "#mesh/resource.ts"

const LABELS = [...new Set([...COMMON_LABELS, ...Object.values(METRICS).flatMap(({ labels }) => labels)])]
const NAMES = TOLD_METRICS.map(({ name }) => name)

const metricSet = z
  .strictObject({
    reporter: z
      .enum(REPORTERS)
      .optional()
      .describe(
        "Who saw the requests: `source` per route, `destination` per node, `gateway` per gateway route. Needed for metrics that are counted per reporter.",
      ),
    dimensions: z
      .array(z.enum(LABELS, { error: "expects a label of the catalogue, see docs/metrics.md" }))
      .min(1)
      .max(30)
      .refine((list) => new Set(list).size === list.length, { error: "names a dimension twice" })
      .describe("Labels that become dimensions. All others are summed over. Fewer cost less."),
    metrics: z
      .array(z.enum(NAMES, { error: `expects one of ${NAMES.join(", ")}` }))
      .min(1)
      .refine((list) => new Set(list).size === list.length, { error: "names a metric twice" })
      .describe(
        "What is told for each. The first one ranks: where the cap is reached, those with the most of it stay.",
      ),
  })
  .superRefine((set, context) => {
    const problem = setProblem(set)
    if (problem !== undefined) context.addIssue({ code: "custom", message: problem })
  }, whereStand())

/** CloudWatch's classic metrics, by documents of the embedded metric format in CloudWatch Logs. */
export const cloudwatchEmfSchema = z
  .strictObject({
    namespace: z
      .string()
      .regex(/^(?!AWS\/)(?!:)(?=.*\S)[\w.\-/#: ]{1,255}$/, {
        error: "expects 1 to 255 of A-Z a-z 0-9 . - _ / # : and blank, not begun by AWS/ or a colon",
      })
      .default("Meshscope")
      .describe("Namespace of the metrics. With App Mesh's names: the one that your dashboards use."),
    names: z
      .enum(NAMINGS)
      .default("meshscope")
      .describe(
        "Whose names and dimensions. `appmesh`: those of App Mesh's metrics extension as StatsD and OpenTelemetry senders wrote them (`envoy.appmesh.RequestCount`), `appmesh-cwagent`: as the CloudWatch agent did (`envoy_appmesh_RequestCount`, with `metric_type`), so that dashboards and alarms go on. Not told: ActiveConnectionCount and NewConnectionCount. ProcessedBytes and TargetProcessedBytes hold bodies and TCP payload without headers, TargetProcessedBytes those of TCP only. TargetResponseTime has `(ambiguous)` as its service where a caller reaches a node by several.",
      ),
    sets: z
      .array(metricSet)
      .min(1)
      .max(50)
      .optional()
      .describe(
        "What is told, and by which dimensions. Default: requests, errors and duration per route (mesh, virtual_service, route), per node (mesh, virtual_node) and per gateway route (mesh, virtual_gateway, gateway_route). Each choice of values is one billed metric per name. Agents add up, so no dimension needs to name one.",
      ),
    interval: duration({ min: "10s", max: "1h" })
      .prefault("60s")
      .describe("Time between two tellings. CloudWatch keeps one value a minute, so less only costs more."),
    logGroup: z
      .string()
      .regex(/^(?!aws\/)(?:[\w/.#-]|\{mesh\}){1,256}$/, {
        error: "expects a log group such as /meshscope/{mesh}/metrics, where {mesh} is the only placeholder",
      })
      .default("/meshscope/{mesh}/metrics")
      .describe(
        "Log group of the documents; `{mesh}` is the mesh's name. It must be of the class STANDARD: the others are not known to make metrics of documents.",
      ),
    zeros: z
      .boolean()
      .default(false)
      .describe(
        "Whether numbers that did not move are told as 0. Not telling them saves money, as a metric is billed only for hours in which it was sent. An alarm then sees no data while nothing happens: set its `treatMissingData` to `notBreaching` for errors, and to `breaching` where the absence of requests is the alarm; in metric math use `FILL(errors, 0)`.",
      ),
    maxMetrics: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(1000)
      .describe(
        "Most metrics (a name with values of its dimensions) that this agent tells in one `capPeriod`. The biggest stay; the rest is summed in one set per mesh with `(overflow)` in place of names, and `mesh_agent_cloudwatch_folded` says how many that are. At the list price of us-east-1, 1000 cost 300 US dollars a month.",
      ),
    maxDollarsMonth: z
      .number()
      .positive()
      .max(10_000_000)
      .optional()
      .describe(
        "Most US dollars that the metrics of this agent may cost in a month, log data not counted, by the table of prices. Where it allows fewer than `maxMetrics`, it holds. Every agent has a cap of its own: agents that tell different routes cost together what they cost each.",
      ),
    capPeriod: z
      .enum(["hour", "month"])
      .default("hour")
      .describe(
        "Who has a place under the cap may change at the start of each. `hour`: AWS bills metrics by the hour in which they were sent, so the month's bill stays below the cap too, and new big routes get their place soon. `month`: no more than the cap in a whole calendar month, UTC; who comes when it is full waits for the next.",
      ),
    prices: pricesSchema
      .optional()
      .describe("Prices of yours, where the table's are not: another Region, a discount, a newer list."),
  })
  .superRefine(({ names, sets }, context) => {
    if (names === "meshscope" || sets === undefined) return
    context.addIssue({
      code: "custom",
      path: ["sets"],
      message: `expects no sets with names: ${names}, which has its own`,
    })
  }, whereStand("names"))
  .superRefine(({ names, sets, maxMetrics, maxDollarsMonth, prices }, context) => {
    const overflow = metricSets(names, sets).reduce((sum, { metrics }) => sum + metrics.length, 0)
    if (metricCap(maxMetrics, maxDollarsMonth, priceTable(prices)) > overflow) return
    context.addIssue({
      code: "custom",
      path: [maxMetrics > overflow ? "maxDollarsMonth" : "maxMetrics"],
      message: `expects to allow more than ${overflow} metrics: so many does the (overflow) of these sets take, and nothing would have its own`,
    })
  }, whereStand())
