import { type Input, isObject } from "../operation.ts"
import { type EmfMetric, EmfProblem } from "./emf-problem.ts"
import { pointOf } from "./emf-value.ts"
import { UNITS } from "./units.ts"

/** "MUST be a JSON array of at most 100 MetricDefinition objects" (specification, MetricDirective). */
const MAX_METRICS = 100
/** "MUST NOT contain more than 30 dimension references" (DimensionSet). */
const MAX_DIMENSIONS = 30
/** The specification's schema has 1024; AWS's node library (aws-embedded-metrics, constants) refuses more than 256. */
const MAX_NAMESPACE = 256
const MAX_DIMENSION_NAME = 250
const MAX_DIMENSION_VALUE = 1024
const MAX_METRIC_NAME = 1024

const invalid = (message: string): EmfProblem => new EmfProblem("validation", message)
const unparsable = (message: string): EmfProblem => new EmfProblem("parsing", message)

/** What one directive takes out of the root: each metric once for each set of dimensions. @throws EmfProblem */
export function directiveMetrics(directive: Input, root: Input, timeMs: number): EmfMetric[] {
  const { Namespace: namespace, Dimensions: sets, Metrics: definitions } = directive
  if (typeof namespace !== "string") throw unparsable("Namespace is not a string")
  if (namespace.length < 1 || namespace.length > MAX_NAMESPACE)
    throw invalid("Namespace is not 1 to 256 characters")
  // charset: the same library
  if (!/^[a-zA-Z0-9 ._#:/-]+$/.test(namespace)) throw invalid("Namespace has a character that is not allowed")
  if (!Array.isArray(sets)) throw unparsable("Dimensions is not an array")
  if (sets.length < 1) throw invalid("Dimensions has no set")
  if (!Array.isArray(definitions)) throw unparsable("Metrics is not an array")
  if (definitions.length > MAX_METRICS) throw invalid("Metrics has more than 100 definitions")
  const dimensionSets = sets.map((set) => dimensions(set, root))
  return definitions.flatMap((definition) => {
    if (!isObject(definition)) throw unparsable("a metric definition is not an object")
    const { name, unit, resolution } = checkedDefinition(definition)
    const point = pointOf(name, root, { timeMs, unit, resolution, from: "emf" })
    return dimensionSets.map((set) => ({ namespace, name, dimensions: set, point }))
  })
}

/** "a reference to a target member on the root node [...] The value MUST be a string" (DimensionSet). */
function dimensions(set: unknown, root: Input): Record<string, string> {
  if (!Array.isArray(set)) throw unparsable("a dimension set is not an array")
  if (set.length > MAX_DIMENSIONS) throw invalid("a dimension set has more than 30 names")
  return Object.fromEntries(
    set.map((name: unknown) => {
      if (typeof name !== "string") throw unparsable("a dimension's name is not a string")
      if (name.length < 1 || name.length > MAX_DIMENSION_NAME)
        throw invalid("a dimension's name is not 1 to 250 long")
      const value = Object.hasOwn(root, name) ? root[name] : undefined
      if (typeof value !== "string") throw invalid(`dimension ${name} has no string at the root`)
      if (value.length > MAX_DIMENSION_VALUE) throw invalid(`dimension ${name} is longer than 1024`)
      // type docs of Dimension (client-cloudwatch): ASCII without controls, not blank, no colon first
      if (!isDimensionText(name) || name.startsWith(":") || !isDimensionText(value))
        throw invalid(`dimension ${name} has a character that is not allowed, or is blank`)
      return [name, value] as const
    }),
  )
}

/** client-cloudwatch, type Dimension. */
export const isDimensionText = (text: string): boolean => /^[ -~]+$/.test(text) && text.trim() !== ""

function checkedDefinition(definition: Input): { name: string; unit: string; resolution: number } {
  const { Name: name, Unit: unit = "None", StorageResolution: resolution = 60 } = definition
  if (typeof name !== "string") throw unparsable("a metric's name is not a string")
  if (name.length < 1 || name.length > MAX_METRIC_NAME)
    throw invalid("a metric's name is not 1 to 1024 characters")
  if (typeof unit !== "string" || !UNITS.has(unit))
    throw invalid(`unit of ${name} is not one of CloudWatch's`)
  if (resolution !== 1 && resolution !== 60) throw invalid(`StorageResolution of ${name} is neither 1 nor 60`)
  return { name, unit, resolution }
}
