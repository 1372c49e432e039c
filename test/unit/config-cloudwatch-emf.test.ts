import { expect, test } from "vitest"
import { DEFAULT_SETS, metricSets, setProblem } from "#mesh/cloudwatch/metric-sets.ts"
import { TOLD_METRICS } from "#mesh/cloudwatch/told-metrics.ts"
import { checkConfiguration, inOrder, problemText } from "#mesh/configuration.ts"
import { cloudwatchEmfSchema } from "../../agent/config/cloudwatch-emf-schema.ts"

const problems = (text: string): readonly string[] => {
  const checked = checkConfiguration(cloudwatchEmfSchema, { file: "a.yaml", text, env: {} })
  return checked.ok ? [] : inOrder(checked.problems).map(problemText)
}

test("nothing needs to be written", () => {
  expect(cloudwatchEmfSchema.parse({})).toEqual({
    namespace: "Meshscope",
    names: "meshscope",
    interval: 60_000,
    logGroup: "/meshscope/{mesh}/metrics",
    zeros: false,
    maxMetrics: 1000,
    capPeriod: "hour",
  })
})

test("sets of one's own", () => {
  expect(
    problems(
      "sets:\n  - {reporter: source, dimensions: [mesh, source, virtual_service], metrics: [requests, duration]}\n",
    ),
  ).toHaveLength(1)
  expect(
    problems(
      "sets:\n  - {reporter: source, dimensions: [mesh, virtual_node], metrics: [requests, errors, duration, attempts]}\n",
    ),
  ).toEqual([])
  expect(
    problems("sets:\n  - {dimensions: [virtual_node], metrics: [connection_failures, active_connections]}\n"),
  ).toEqual([])
})

test.each([
  ["namespace: AWS/Logs\n", /namespace.*not begun by AWS/],
  ["namespace: ''\n", /namespace/],
  ["names: app-mesh\n", /names/],
  ["interval: 1s\n", /at least 10s/],
  ["logGroup: aws/x\n", /expects a log group/],
  ["logGroup: '/x/{node}'\n", /expects a log group/],
  ["maxMetrics: 0\n", /maxMetrics/],
  ["maxMetrics: 9\n", /maxMetrics expects to allow more than 9 metrics/],
  ["maxDollarsMonth: 2.7\n", /maxDollarsMonth expects to allow more than 9 metrics/],
  ["maxDollarsMonth: 0\n", /maxDollarsMonth/],
  ["capPeriod: day\n", /capPeriod/],
  [
    "names: appmesh\nsets: [{dimensions: [virtual_node], metrics: [connection_failures]}]\n",
    /expects no sets with names: appmesh/,
  ],
  ["sets: []\n", /sets/],
  [
    "sets: [{reporter: source, dimensions: [path], metrics: [requests]}]\n",
    /expects a label of the catalogue/,
  ],
  ["sets: [{reporter: source, dimensions: [mesh], metrics: [latency]}]\n", /expects one of requests, errors/],
  ["sets: [{dimensions: [mesh], metrics: [requests]}]\n", /expects a reporter/],
  ["sets: [{reporter: source, dimensions: [mesh], metrics: [connection_failures]}]\n", /expects no reporter/],
  [
    "sets: [{reporter: source, dimensions: [source], metrics: [duration]}]\n",
    /duration has; it has no source/,
  ],
  ["sets: [{reporter: source, dimensions: [mesh, mesh], metrics: [requests]}]\n", /names a dimension twice/],
  ["prices: {region: x, asOf: '2026-11-21', prices: {clasicMetric: 1}}\n", /classicMetric/],
  ["cap: 5\n", /cap/],
])("%s is refused with a sentence", (text, sentence) => {
  const found = problems(text)
  expect(found.join("\n")).toMatch(sentence)
  expect(found[0]).toMatch(/^a\.yaml:\d+:\d+: /)
})

test("the default sets are sound, and every metric can be told alone", () => {
  for (const set of DEFAULT_SETS) expect(setProblem(set)).toBeUndefined()
  for (const { name } of TOLD_METRICS) {
    const of = (reporter: "source" | undefined) =>
      setProblem({ reporter, dimensions: ["mesh"], metrics: [name] })
    expect([of("source"), of(undefined)].filter((problem) => problem === undefined)).toHaveLength(1)
  }
})

test("no two sets of one naming are named alike, and no name of App Mesh's stands twice in a set", () => {
  for (const naming of ["meshscope", "appmesh", "appmesh-cwagent"] as const) {
    const sets = metricSets(naming)
    expect(new Set(sets.map(({ name }) => name)).size).toBe(sets.length)
    for (const { metrics } of sets) expect(new Set(metrics.map(({ name }) => name)).size).toBe(metrics.length)
  }
})
