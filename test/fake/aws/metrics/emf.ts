import { type Input, isObject } from "../operation.ts"
import { directiveMetrics } from "./emf-directive.ts"
import { type EmfMetric, EmfProblem } from "./emf-problem.ts"
import type { EmfErrors, MetricsStore } from "./store.ts"
import { isMetricTime } from "./units.ts"

/** Takes the metrics out of a log event, if it means to have any. */
export function takeEmf(store: MetricsStore, group: string, message: string, nowMs: number): void {
  try {
    for (const { namespace, name, dimensions, point } of emfMetrics(message, nowMs))
      store.add(namespace, name, dimensions, point)
  } catch (error) {
    if (!(error instanceof EmfProblem)) throw error
    const errors: EmfErrors = store.emfErrors.get(group) ?? { parsing: 0, validation: 0, why: [] }
    errors[error.kind]++
    errors.why.push(error.message)
    store.emfErrors.set(group, errors)
  }
}

/** @throws EmfProblem */
function emfMetrics(message: string, nowMs: number): EmfMetric[] {
  const root = rootNode(message)
  if (root === undefined) return []
  const metadata = root["_aws"]
  if (!isObject(metadata)) throw new EmfProblem("parsing", "_aws is not an object")
  const { CloudWatchMetrics: directives, Timestamp: time } = metadata
  if (!Array.isArray(directives)) throw new EmfProblem("parsing", "CloudWatchMetrics is not an array")
  if (typeof time !== "number" || !Number.isInteger(time))
    throw new EmfProblem("parsing", "Timestamp is not an integer")
  // as PutMetricData: "MetricDatum specifications" (the monitoring page)
  if (!isMetricTime(time, nowMs)) throw new EmfProblem("validation", "Timestamp is too old or too new")
  return directives.flatMap((directive) => {
    if (!isObject(directive)) throw new EmfProblem("parsing", "a directive is not an object")
    return directiveMetrics(directive, root, time)
  })
}

/** "a valid JSON object with no additional data at the beginning or end". Undefined: a line like any other. */
function rootNode(message: string): Input | undefined {
  // how a broken document is told from a line that is none is not documented: the member's name must be there
  if (!message.includes('"_aws"')) return undefined
  let root: unknown
  try {
    root = JSON.parse(message)
  } catch {
    throw new EmfProblem("parsing", "the message is not one JSON object")
  }
  return isObject(root) && root["_aws"] !== undefined ? root : undefined
}
