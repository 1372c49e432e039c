import { COMMON_LABELS, METRICS } from "../catalogue.ts"
import type { Reporter } from "../resource.ts"
import { appMeshSets } from "./app-mesh-sets.ts"
import type { MetricSet } from "./metric-set.ts"
import { type ToldMetric, toldMetric } from "./told-metrics.ts"

/** How an operator writes a set: `{reporter: source, dimensions: [mesh, route], metrics: [requests]}`. */
export interface WrittenSet {
  readonly reporter?: Reporter | undefined
  readonly dimensions: readonly string[]
  readonly metrics: readonly string[]
}

/** Names under which metrics are told: ours, or those of App Mesh's metrics extension as one of two senders wrote them. */
export const NAMINGS = ["meshscope", "appmesh", "appmesh-cwagent"] as const
export type Naming = (typeof NAMINGS)[number]

const GOLDEN = ["requests", "errors", "duration"]

/** Golden signals per route, per node and per gateway route: each request once in each set. */
export const DEFAULT_SETS: readonly WrittenSet[] = [
  { reporter: "source", dimensions: ["mesh", "virtual_service", "route"], metrics: GOLDEN },
  { reporter: "destination", dimensions: ["mesh", "virtual_node"], metrics: GOLDEN },
  { reporter: "gateway", dimensions: ["mesh", "virtual_gateway", "gateway_route"], metrics: GOLDEN },
]

/** The sets of a configuration. Metrics that are not known are left out: the schema has refused them. */
export function metricSets(
  naming: Naming,
  written: readonly WrittenSet[] = DEFAULT_SETS,
): readonly MetricSet[] {
  if (naming !== "meshscope") return appMeshSets(naming)
  return written.map(({ reporter, dimensions, metrics }) => ({
    name: `${reporter ?? "any"}:${dimensions.join(",")}`,
    where: reporter === undefined ? {} : { reporter },
    dimensions: dimensions.map((label) => ({ name: label, label })),
    metrics: metrics.flatMap((name) => toldMetric(name) ?? []),
  }))
}

/** What is wrong with a written set, as a sentence for its writer; undefined for a good one. */
export function setProblem({ reporter, dimensions, metrics }: WrittenSet): string | undefined {
  for (const name of metrics) {
    const labels = labelsOf(toldMetric(name))
    if (labels.includes("reporter") && reporter === undefined)
      return `expects a reporter, since ${name} is counted once per reporter and a sum over them counts twice`
    if (!labels.includes("reporter") && reporter !== undefined)
      return `expects no reporter with ${name}, which is not counted per reporter; write it into a set of its own`
    const missing = dimensions.find((label) => !labels.includes(label))
    if (missing !== undefined) return `expects dimensions that ${name} has; it has no ${missing}`
  }
  return undefined
}

/** Labels of a metric; those of ours have one part each. */
function labelsOf(metric: ToldMetric | undefined): readonly string[] {
  const keys = (metric?.parts ?? []).map(({ key }) => key)
  return [...COMMON_LABELS, ...keys.flatMap((key) => METRICS[key].labels)]
}
