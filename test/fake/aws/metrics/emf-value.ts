import { type Input, isObject } from "../operation.ts"
import { EmfProblem } from "./emf-problem.ts"
import { type MetricPoint, type Statistics, valuesPoint } from "./store.ts"
import { isMetricValue } from "./units.ts"

/** "the array MUST NOT have more than 100 members" (specification, target members). */
const MAX_VALUES = 100

type About = Pick<MetricPoint, "timeMs" | "unit" | "resolution" | "from">

const invalid = (message: string): EmfProblem => new EmfProblem("validation", message)

/** The value that a definition refers to, at the root. @throws EmfProblem */
export function pointOf(name: string, root: Input, about: About): MetricPoint {
  const target = Object.hasOwn(root, name) ? root[name] : undefined
  if (isObject(target)) return objectPoint(name, target, about)
  const values: unknown[] = Array.isArray(target) ? target : [target]
  if (values.length > MAX_VALUES) throw invalid(`${name} has more than 100 values`)
  if (values.length === 0 || !values.every(isMetricValue))
    throw invalid(`${name} is not a number at the root`)
  return valuesPoint(
    values,
    values.map(() => 1),
    about,
  )
}

/**
 * Not in the written specification: what OpenTelemetry's exporter sends (exporter/awsemfexporter/datapoint.go) and
 * CloudWatch takes, values with counts, or a statistic set. Of Count its comment says that CloudWatch sums Counts instead.
 */
function objectPoint(name: string, target: Input, about: About): MetricPoint {
  const { Values: values, Counts: counts } = target
  if (values === undefined && counts === undefined)
    return { ...about, values: [], counts: [], statistics: statisticSet(name, target) }
  if (!Array.isArray(values) || !Array.isArray(counts) || values.length !== counts.length)
    throw invalid(`Values and Counts of ${name} are not arrays of one length`)
  if (values.length < 1 || values.length > MAX_VALUES) throw invalid(`${name} has not 1 to 100 values`)
  if (!values.every(isMetricValue)) throw invalid(`a value of ${name} is not a number`)
  if (!counts.every((count) => isMetricValue(count) && count >= 0) || counts.every((count) => count === 0))
    throw invalid(`a count of ${name} is not a number of times`)
  return valuesPoint(values, counts, about)
}

function statisticSet(name: string, target: Input): Statistics {
  const { Max: max, Min: min, Count: count, Sum: sum } = target
  if (!isMetricValue(max) || !isMetricValue(min) || !isMetricValue(count) || !isMetricValue(sum))
    throw invalid(`${name} lacks Max, Min, Count or Sum`)
  if (count <= 0 || min > max) throw invalid(`Max, Min and Count of ${name} cannot be`)
  return { count, sum, min, max }
}
