import { PutLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { type SdkClients, sdkClients } from "../fake/aws/clients.ts"
import { type FakeAws, startFakeAws } from "../fake/aws/fake-aws.ts"
import type { MetricQuery } from "../fake/aws/metrics/store.ts"

const GROUP = "/meshname/demo/metrics"
const NOW = Date.now()
const DAY_MS = 86_400_000
let fake: FakeAws
let clients: SdkClients

beforeEach(async () => {
  fake = await startFakeAws({ clock: { now: () => NOW } })
  fake.logs.create(GROUP, "agent-1")
  clients = sdkClients(fake)
})
afterEach(async () => {
  clients.destroy()
  await fake.stop()
})

async function log(...messages: unknown[]): Promise<void> {
  const logEvents = messages.map((message) => ({
    timestamp: NOW,
    message: typeof message === "string" ? message : JSON.stringify(message),
  }))
  await clients.logs.send(
    new PutLogEventsCommand({ logGroupName: GROUP, logStreamName: "agent-1", logEvents }),
  )
}

interface Directive {
  Namespace: unknown
  Dimensions: unknown
  Metrics: unknown
}

/** A document with one directive; what is given replaces parts of it. */
function document(
  directive: Partial<Directive> = {},
  root: Record<string, unknown> = {},
  aws: Record<string, unknown> = {},
): Record<string, unknown> {
  const one: Directive = {
    Namespace: "Meshscope",
    Dimensions: [["route"], []],
    Metrics: [{ Name: "requests", Unit: "Count" }],
    ...directive,
  }
  return { _aws: { Timestamp: NOW, CloudWatchMetrics: [one], ...aws }, route: "r1", requests: 3, ...root }
}

const names = (count: number, prefix: string): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`)

const query = (name: string): MetricQuery => ({ namespace: "Meshscope", name })

describe("a document of the embedded metric format becomes metrics", () => {
  test("one for each set of dimensions, and stays a line of the log", async () => {
    await log(document(), "an access line", { level: "info", _awsome: 1 })
    expect(fake.metrics.series.map(({ name, dimensions }) => ({ name, dimensions }))).toEqual([
      { name: "requests", dimensions: { route: "r1" } },
      { name: "requests", dimensions: {} },
    ])
    const byRoute = { ...query("requests"), dimensions: { route: "r1" } }
    expect(fake.metrics.find(byRoute)?.points).toEqual([
      expect.objectContaining({ timeMs: NOW, unit: "Count", resolution: 60, values: [3], from: "emf" }),
    ])
    expect(fake.logs.events(GROUP)).toHaveLength(3)
    expect(fake.metrics.emfErrors.size).toBe(0)
  })

  test("from arrays, from values with counts, from a statistic set", async () => {
    const metrics = names(3, "m").map((Name) => ({ Name }))
    const histogram = { Values: [1, 10], Counts: [90, 10], Min: 0.5, Max: 12, Count: 999, Sum: 190 }
    const set = { Min: 1, Max: 2, Count: 2, Sum: 3 }
    await log(document({ Metrics: metrics, Dimensions: [[]] }, { m0: [1, 2, 2], m1: histogram, m2: set }))
    expect(names(3, "m").map((name) => fake.metrics.statistics(query(name))?.count)).toEqual([3, 100, 2])
    expect(names(3, "m").map((name) => fake.metrics.percentile(query(name), 91))).toEqual([2, 10, undefined])
  })

  test("at each limit", async () => {
    const metrics = names(100, "m")
    const dimensions = names(30, "d")
    const root = Object.fromEntries([
      ...metrics.map((name) => [name, 1]),
      ...dimensions.map((name) => [name, "v"]),
    ])
    await log(document({ Metrics: metrics.map((Name) => ({ Name })), Dimensions: [dimensions] }, root))
    await log(document({}, { requests: names(100, "").map(Number) }))
    await log(document({}, { route: "x".repeat(1024) }))
    await log(
      document({}, {}, { Timestamp: NOW - 14 * DAY_MS }),
      document({}, {}, { Timestamp: NOW + 7_200_000 }),
    )
    expect(fake.metrics.emfErrors.get(GROUP)).toBeUndefined()
    expect(fake.metrics.series).toHaveLength(100 + 3)
  })
})

describe("a document that breaks a rule makes no metric, while its event is taken", () => {
  const hundred = Object.fromEntries(names(101, "m").map((name) => [name, 1]))
  test.each<[string, unknown]>([
    ["101 definitions", document({ Metrics: names(101, "m").map((Name) => ({ Name })) }, hundred)],
    [
      "31 dimensions",
      document(
        { Dimensions: [names(31, "d")] },
        Object.fromEntries(names(31, "d").map((name) => [name, "v"])),
      ),
    ],
    ["no set of dimensions", document({ Dimensions: [] })],
    ["a dimension that is not there", document({ Dimensions: [["nowhere"]] })],
    ["a dimension that is a number", document({}, { route: 1 })],
    ["a dimension that is blank", document({}, { route: " " })],
    ["a dimension of 1025", document({}, { route: "x".repeat(1025) })],
    [
      "a name of a dimension of 251",
      document({ Dimensions: [["x".repeat(251)]] }, { ["x".repeat(251)]: "v" }),
    ],
    ["a name on the prototype", document({ Dimensions: [["constructor"]] })],
    ["a metric that is not there", document({ Metrics: [{ Name: "nowhere" }] })],
    ["a metric that is text", document({}, { requests: "3" })],
    ["101 values", document({}, { requests: names(101, "").map(Number) })],
    ["no values", document({}, { requests: [] })],
    [
      "101 values with counts",
      document({}, { requests: { Values: names(101, "").map(Number), Counts: names(101, "").map(Number) } }),
    ],
    ["counts of another length", document({}, { requests: { Values: [1, 2], Counts: [1] } })],
    ["a value out of range", document({}, { requests: 2 ** 361 })],
    ["a unit of another world", document({ Metrics: [{ Name: "requests", Unit: "count" }] })],
    ["a resolution of 30", document({ Metrics: [{ Name: "requests", StorageResolution: 30 }] })],
    ["an empty namespace", document({ Namespace: "" })],
    ["a long namespace", document({ Namespace: "x".repeat(257) })],
    ["a namespace with other characters", document({ Namespace: "a*b" })],
    ["a time too old", document({}, {}, { Timestamp: NOW - 14 * DAY_MS - 1 })],
    ["a time too new", document({}, {}, { Timestamp: NOW + 7_200_001 })],
  ])("validation: %s", async (_what, one) => {
    await log(one)
    expect(fake.metrics.emfErrors.get(GROUP)).toMatchObject({ parsing: 0, validation: 1 })
    expect(fake.metrics.series).toEqual([])
    expect(fake.logs.events(GROUP)).toHaveLength(1)
  })

  test.each<[string, unknown]>([
    ["text after the object", `${JSON.stringify(document())} `.concat("x")],
    ["broken JSON", '{"_aws": {'],
    ["metadata that is no object", { _aws: [] }],
    ["no directives", document({}, {}, { CloudWatchMetrics: {} })],
    ["no time", document({}, {}, { Timestamp: undefined })],
    ["a time as text", document({}, {}, { Timestamp: "now" })],
    ["a namespace that is no text", document({ Namespace: 1 })],
    ["dimensions that are no sets", document({ Dimensions: ["route"] })],
    ["metrics that are no array", document({ Metrics: {} })],
  ])("parsing: %s", async (_what, one) => {
    await log(one)
    expect(fake.metrics.emfErrors.get(GROUP)).toMatchObject({ parsing: 1, validation: 0 })
    expect(fake.metrics.series).toEqual([])
    expect(fake.logs.events(GROUP)).toHaveLength(1)
  })

  test("in a group of another class nothing is taken out at all", async () => {
    fake.logs.delete(GROUP)
    fake.logs.create(GROUP, "agent-1", "INFREQUENT_ACCESS")
    await log(document())
    expect(fake.metrics.series).toEqual([])
    expect(fake.metrics.emfErrors.size).toBe(0)
  })
})
