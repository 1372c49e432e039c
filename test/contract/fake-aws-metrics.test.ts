import {
  InvalidParameterCombinationException,
  InvalidParameterValueException,
  type MetricDatum,
  MissingRequiredParameterException,
  PutMetricDataCommand,
  StandardUnit,
} from "@aws-sdk/client-cloudwatch"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { type SdkClients, sdkClients } from "../fake/aws/clients.ts"
import { type FakeAws, startFakeAws } from "../fake/aws/fake-aws.ts"

const NAMESPACE = "Meshscope"
const DAY_MS = 86_400_000
const NOW = Math.floor(Date.now() / 1000) * 1000
let fake: FakeAws
let clients: SdkClients

beforeEach(async () => {
  fake = await startFakeAws({ clock: { now: () => NOW } })
  clients = sdkClients(fake)
})
afterEach(async () => {
  clients.destroy()
  await fake.stop()
})

const put = (MetricData: MetricDatum[], Namespace = NAMESPACE): Promise<unknown> =>
  clients.cloudwatch.send(new PutMetricDataCommand({ Namespace, MetricData }))

const many = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1)
const dimensions = (count: number): { Name: string; Value: string }[] =>
  many(count).map((index) => ({ Name: `d${index}`, Value: "v" }))

const set = (Minimum: number): MetricDatum["StatisticValues"] => ({
  SampleCount: 2,
  Sum: 4,
  Minimum,
  Maximum: 2,
})

const median = (name: string): unknown => fake.metrics.percentile({ namespace: NAMESPACE, name }, 50)

describe("PutMetricData takes", () => {
  test("values with counts, of which percentiles can be asked", async () => {
    await put([
      { MetricName: "latency", Values: [1, 5, 100], Counts: [50, 45, 5], Unit: StandardUnit.Milliseconds },
    ])
    const query = { namespace: NAMESPACE, name: "latency" }
    expect(fake.metrics.statistics(query)).toEqual({ count: 100, sum: 775, min: 1, max: 100 })
    expect([50, 51, 95, 99].map((percent) => fake.metrics.percentile(query, percent))).toEqual([1, 5, 5, 100])
    expect(fake.metrics.find(query)?.points[0]).toMatchObject({
      timeMs: NOW,
      unit: "Milliseconds",
      resolution: 60,
    })
  })

  test("single values and statistic sets, which give percentiles only where they are of one value", async () => {
    await put([
      { MetricName: "one", Value: 7 },
      { MetricName: "even", StatisticValues: set(2) },
      { MetricName: "uneven", StatisticValues: set(1) },
    ])
    expect(["one", "even", "uneven", "none"].map(median)).toEqual([7, 2, undefined, undefined])
  })

  test("each set of dimensions as a series of its own", async () => {
    await put([
      { MetricName: "requests", Value: 1, Dimensions: [{ Name: "route", Value: "a" }] },
      { MetricName: "requests", Value: 2 },
    ])
    expect(fake.metrics.series).toHaveLength(2)
    const query = { namespace: NAMESPACE, name: "requests", dimensions: { route: "a" } }
    expect(fake.metrics.statistics(query)?.sum).toBe(1)
  })

  test("what the SDK packs by gzip", async () => {
    await put([
      { MetricName: "a", Values: many(150), Counts: many(150) },
      ...many(200).map((index) => ({
        MetricName: `metric-${index}`,
        Value: index,
        Dimensions: dimensions(3),
      })),
    ])
    expect(fake.requests.at(-1)?.headers["content-encoding"]).toBe("gzip")
    expect(fake.metrics.series).toHaveLength(201)
  })

  test("1000 metrics, 30 dimensions, two weeks back and two hours ahead", async () => {
    await put(many(1000).map((index) => ({ MetricName: `m${index}`, Value: index })))
    await put([{ MetricName: "d", Value: 1, Dimensions: dimensions(30) }])
    await put([{ MetricName: "t", Value: 1, Timestamp: new Date(NOW - 14 * DAY_MS) }])
    await put([
      { MetricName: "t", Value: 2 ** 360, Timestamp: new Date(NOW + 7_200_000), StorageResolution: 1 },
    ])
    expect(fake.metrics.series).toHaveLength(1002)
  })
})

describe("PutMetricData refuses", () => {
  test.each([
    ["1001 metrics", many(1001).map((index) => ({ MetricName: `m${index}`, Value: 1 }))],
    ["151 values", [{ MetricName: "m", Values: many(151) }]],
    ["counts of another length", [{ MetricName: "m", Values: [1, 2], Counts: [1] }]],
    ["31 dimensions", [{ MetricName: "m", Value: 1, Dimensions: dimensions(31) }]],
    ["a blank dimension", [{ MetricName: "m", Value: 1, Dimensions: [{ Name: "route", Value: " " }] }]],
    [
      "a dimension beyond ASCII",
      [{ MetricName: "m", Value: 1, Dimensions: [{ Name: "route", Value: "é" }] }],
    ],
    [
      "a dimension with a colon first",
      [{ MetricName: "m", Value: 1, Dimensions: [{ Name: ":a", Value: "b" }] }],
    ],
    ["a value out of range", [{ MetricName: "m", Value: 2 ** 361 }]],
    ["NaN", [{ MetricName: "m", Value: Number.NaN }]],
    ["infinity", [{ MetricName: "m", Values: [Number.POSITIVE_INFINITY] }]],
    ["what is too old", [{ MetricName: "m", Value: 1, Timestamp: new Date(NOW - 14 * DAY_MS - 1000) }]],
    ["what is too new", [{ MetricName: "m", Value: 1, Timestamp: new Date(NOW + 7_201_000) }]],
    ["a resolution of 30", [{ MetricName: "m", Value: 1, StorageResolution: 30 }]],
    ["a long name", [{ MetricName: "x".repeat(256), Value: 1 }]],
  ])("%s, and keeps nothing of the call", async (_what, data) => {
    await expect(put([{ MetricName: "good", Value: 1 }, ...data].slice(-1001))).rejects.toBeInstanceOf(
      InvalidParameterValueException,
    )
    expect(fake.metrics.series).toEqual([])
  })

  test("what lacks something, and what says it twice", async () => {
    await expect(put([{ MetricName: "m" }])).rejects.toBeInstanceOf(MissingRequiredParameterException)
    const twice = put([{ MetricName: "m", Value: 1, Values: [1] }])
    await expect(twice).rejects.toBeInstanceOf(InvalidParameterCombinationException)
    await expect(put([{ MetricName: "m", Value: 1 }], "AWS/EC2")).rejects.toThrow("AWS/")
  })

  test("with the code of the older protocol beside its own", async () => {
    const error = await put([{ MetricName: "m", Value: 1 }], ":x").catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      name: "InvalidParameterValueException",
      Code: "InvalidParameterValue",
      Type: "Sender",
      $metadata: { httpStatusCode: 400 },
    })
  })

  test("more than 1 MB after inflating", async () => {
    const value = "x".repeat(1000)
    const data = many(1000).map((index) => ({
      MetricName: `m${index}`,
      Value: 1,
      Dimensions: [{ Name: "a", Value: value }],
    }))
    await expect(put(data)).rejects.toMatchObject({ $metadata: { httpStatusCode: 413 } })
  })
})
