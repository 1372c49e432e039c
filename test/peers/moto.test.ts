import { PutMetricDataCommand } from "@aws-sdk/client-cloudwatch"
import {
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DescribeLogGroupsCommand,
  type InputLogEvent,
  PutLogEventsCommand,
  type PutLogEventsCommandOutput,
  PutRetentionPolicyCommand,
} from "@aws-sdk/client-cloudwatch-logs"
import {
  GetSamplingRulesCommand,
  GetSamplingTargetsCommand,
  PutTelemetryRecordsCommand,
  PutTraceSegmentsCommand,
} from "@aws-sdk/client-xray"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { type SdkClients, sdkClients } from "../fake/aws/clients.ts"
import { type FakeAws, startFakeAws } from "../fake/aws/fake-aws.ts"
import { startMoto } from "./moto-server.ts"
import type { PeerServer } from "./server.ts"

/** moto beside our own fake: both are asked the same by the same SDK. What moto does not see is named in the second table. */
let moto: PeerServer
let fake: FakeAws
let sides: { readonly moto: SdkClients; readonly fake: SdkClients }

beforeAll(async () => {
  moto = await startMoto()
  fake = await startFakeAws()
  sides = { moto: sdkClients({ ...fake, url: moto.url }), fake: sdkClients(fake) }
})
afterAll(async () => {
  sides?.moto.destroy()
  sides?.fake.destroy()
  await fake?.stop()
  await moto?.stop()
})

type Ask = (clients: SdkClients) => Promise<object>

const GROUP = "/meshname/demo"
const DAY_MS = 86_400_000
const NOW = Date.now()

const createGroup =
  (logGroupName: string): Ask =>
  ({ logs }) =>
    logs.send(new CreateLogGroupCommand({ logGroupName }))
const createStream =
  (logStreamName: string, logGroupName = GROUP): Ask =>
  ({ logs }) =>
    logs.send(new CreateLogStreamCommand({ logGroupName, logStreamName }))
const retain =
  (retentionInDays: number, logGroupName = GROUP): Ask =>
  ({ logs }) =>
    logs.send(new PutRetentionPolicyCommand({ logGroupName, retentionInDays }))
const describeGroups: Ask = ({ logs }) =>
  logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: GROUP }))
const putEvents =
  (logEvents: InputLogEvent[], logStreamName = "s") =>
  ({ logs }: SdkClients): Promise<PutLogEventsCommandOutput> =>
    logs.send(new PutLogEventsCommand({ logGroupName: GROUP, logStreamName, logEvents }))

const event = (timestamp = NOW, message = "a line"): InputLogEvent => ({ timestamp, message })

const putSegments =
  (...documents: unknown[]): Ask =>
  ({ xray }) =>
    xray.send(
      new PutTraceSegmentsCommand({
        TraceSegmentDocuments: documents.map((one) => (typeof one === "string" ? one : JSON.stringify(one))),
      }),
    )
const segment = (change: Record<string, unknown> = {}): Record<string, unknown> => ({
  name: "ui",
  id: "53995c3f42cd8ad8",
  trace_id: "1-5759e988-bd862e3fe1be46a994272793",
  start_time: NOW / 1000,
  end_time: NOW / 1000,
  ...change,
})
const putTelemetry: Ask = ({ xray }) =>
  xray.send(
    new PutTelemetryRecordsCommand({
      TelemetryRecords: [{ Timestamp: new Date(NOW), SegmentsSentCount: 1 }],
    }),
  )

const dimensions = (count: number): { Name: string; Value: string }[] =>
  Array.from({ length: count }, (_, index) => ({ Name: `d${index}`, Value: "v" }))

const putMetrics =
  (datum: Record<string, unknown>, count = 1): Ask =>
  ({ cloudwatch }) => {
    const MetricData = Array.from({ length: count }, (_, index) => ({ MetricName: `m${index}`, ...datum }))
    return cloudwatch.send(new PutMetricDataCommand({ Namespace: "Meshscope", MetricData }))
  }

const rules: Ask = ({ xray }) => xray.send(new GetSamplingRulesCommand({}))
const targets: Ask = ({ xray }) =>
  xray.send(new GetSamplingTargetsCommand({ SamplingStatisticsDocuments: [] }))

/** What is told of the events that were not taken, by moto and by ours. */
const rejected = async (events: InputLogEvent[]): Promise<unknown[]> =>
  Promise.all(
    [sides.moto, sides.fake].map(async (clients) => (await putEvents(events)(clients)).rejectedLogEventsInfo),
  )

/** Names and types of an answer's members, lists by their first. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])]
  if (value instanceof Date) return "date"
  if (typeof value !== "object" || value === null) return typeof value
  const members = Object.entries(value).filter(([name, inner]) => name !== "$metadata" && inner !== undefined)
  return Object.fromEntries(members.map(([name, inner]) => [name, shapeOf(inner)]))
}

/** What the SDK makes of an answer: its members, or the error's name and status. */
async function seen(ask: Ask, clients: SdkClients): Promise<unknown> {
  try {
    return shapeOf(await ask(clients))
  } catch (error) {
    const { name, $metadata } = error as Error & { $metadata?: { httpStatusCode: number } }
    return { error: name, status: $metadata?.httpStatusCode }
  }
}

test.each<[string, Ask]>([
  ["a new group", createGroup(GROUP)],
  ["the same group again", createGroup(GROUP)],
  ["a new stream", createStream("s")],
  ["the same stream again", createStream("s")],
  ["a stream of no group", createStream("s", "nowhere")],
  ["a retention", retain(30)],
  ["a retention of no group", retain(30, "nowhere")],
  ["events", putEvents([event(NOW - 1), event()])],
  ["events out of order", putEvents([event(), event(NOW - 1)])],
  ["events for no stream", putEvents([event()], "nowhere")],
  ["events of which one is too old", putEvents([event(NOW - 15 * DAY_MS), event()])],
  ["events of which one is too new", putEvents([event(), event(NOW + DAY_MS / 4)])],
  ["a segment", putSegments(segment())],
  ["a segment without an id", putSegments(segment({ id: undefined }))],
  ["a segment that is not JSON", putSegments("{")],
  ["a telemetry record", putTelemetry],
  ["a metric", putMetrics({ Value: 1 })],
  ["a metric's values and counts", putMetrics({ Values: [1, 2], Counts: [1, 2] })],
  ["a metric's counts of another length", putMetrics({ Values: [1, 2], Counts: [1] })],
  ["NaN", putMetrics({ Value: Number.NaN })],
  ["metrics that the SDK packs", putMetrics({ Value: 1, Dimensions: dimensions(10) }, 100)],
])("both answer alike: %s", async (_what, ask) => {
  expect(await seen(ask, sides.fake)).toEqual(await seen(ask, sides.moto))
})

test("both describe groups alike, but that moto leaves out their class", async () => {
  const [told, other] = [await seen(describeGroups, sides.fake), await seen(describeGroups, sides.moto)]
  expect(told).toMatchObject(other as object)
  expect(told).toMatchObject({ logGroups: [{ logGroupClass: "string" }] })
})

const UNPROCESSED = { UnprocessedTraceSegments: [{ Id: "string", ErrorCode: "string", Message: "string" }] }
const ALL_PROCESSED = { UnprocessedTraceSegments: [] }
const TAKEN = { nextSequenceToken: "string" }
const refused = (error: string): object => ({ error, status: 400 })

/** Limits that are documented and that moto does not know: nothing that passes moto is proven by it. */
describe("moto is too lax, and ours is not:", () => {
  test.each<[string, Ask]>([
    ["10,001 events", putEvents(Array.from({ length: 10_001 }, () => event()))],
    ["2 MB of one event", putEvents([event(NOW, "x".repeat(2_000_000))])],
    ["three days between events", putEvents([event(NOW - 3 * DAY_MS), event()])],
    ["no events", putEvents([])],
    ["an empty message", putEvents([event(NOW, "")])],
  ])("%s", async (_what, ask) => {
    expect(await seen(ask, sides.moto)).toEqual(TAKEN)
    expect(await seen(ask, sides.fake)).toEqual(refused("InvalidParameterException"))
  })

  test.each<[string, Ask]>([
    ["a blank in a group's name", createGroup("a b")],
    ["a group that begins with aws/", createGroup("aws/x")],
    ["a colon and a star in a stream's name", createStream("a:b*")],
    ["13 days of retention", retain(13)],
  ])("%s", async (_what, ask) => {
    expect(await seen(ask, sides.moto)).toEqual({})
    expect(await seen(ask, sides.fake)).toEqual(refused("InvalidParameterException"))
  })

  test.each<[string, Ask]>([
    ["200 KB of one segment", putSegments(segment({ metadata: { a: "x".repeat(200_000) } }))],
    ["an id that is none", putSegments(segment({ id: "zz" }))],
    ["a trace id in W3C's form", putSegments(segment({ trace_id: "5759e988bd862e3fe1be46a994272793" }))],
    ["a star in a name", putSegments(segment({ name: "a*" }))],
  ])("%s", async (_what, ask) => {
    expect(await seen(ask, sides.moto)).toEqual(ALL_PROCESSED)
    expect(await seen(ask, sides.fake)).toEqual(UNPROCESSED)
  })

  test("51 segments", async () => {
    const ask = putSegments(...Array.from({ length: 51 }, () => segment()))
    expect(await seen(ask, sides.moto)).toEqual(ALL_PROCESSED)
    expect(await seen(ask, sides.fake)).toEqual(refused("InvalidRequestException"))
  })

  test.each<[string, Ask, string]>([
    ["1001 metrics", putMetrics({ Value: 1 }, 1001), "InvalidParameterValueException"],
    [
      "151 values",
      putMetrics({ Values: Array.from({ length: 151 }, (_, value) => value) }),
      "InvalidParameterValueException",
    ],
    ["31 dimensions", putMetrics({ Value: 1, Dimensions: dimensions(31) }), "InvalidParameterValueException"],
    [
      "15 days back",
      putMetrics({ Value: 1, Timestamp: new Date(NOW - 15 * DAY_MS) }),
      "InvalidParameterValueException",
    ],
    ["no value", putMetrics({}), "MissingRequiredParameterException"],
  ])("%s", async (_what, ask, error) => {
    expect(await seen(ask, sides.moto)).toEqual({})
    expect(await seen(ask, sides.fake)).toEqual(refused(error))
  })

  test("a wrong secret", async () => {
    const credentials = { ...fake.credentials, secretAccessKey: "wrong" }
    const wrong = [moto, fake].map(({ url }) => sdkClients({ ...fake, url, credentials }))
    const answers = await Promise.all(wrong.map((clients) => seen(describeGroups, clients)))
    for (const clients of wrong) clients.destroy()
    expect(answers).toEqual([
      expect.objectContaining({ logGroups: expect.anything() }),
      refused("InvalidSignatureException"),
    ])
  })
})

/** client-cloudwatch-logs, RejectedLogEventsInfo: the end of the old is exclusive, the start of the new inclusive. */
describe("moto tells another place, and ours the documented one:", () => {
  test("two of three events too old", async () => {
    const [other, told] = await rejected([event(NOW - 16 * DAY_MS), event(NOW - 15 * DAY_MS), event()])
    expect([other, told]).toEqual([{ tooOldLogEventEndIndex: 1 }, { tooOldLogEventEndIndex: 2 }])
  })

  test("two of three events too new", async () => {
    const [other, told] = await rejected([event(), event(NOW + DAY_MS / 4), event(NOW + DAY_MS / 3)])
    expect([other, told]).toEqual([{ tooNewLogEventStartIndex: 2 }, { tooNewLogEventStartIndex: 1 }])
  })
})

test("moto has no sampling rules and no targets, so ours is alone there", async () => {
  for (const ask of [rules, targets]) {
    expect(await seen(ask, sides.moto)).toMatchObject({ status: 404 })
    expect(await seen(ask, sides.fake)).not.toHaveProperty("error")
  }
})
