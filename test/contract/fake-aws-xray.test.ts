import {
  GetSamplingRulesCommand,
  GetSamplingStatisticSummariesCommand,
  GetSamplingTargetsCommand,
  InvalidRequestException,
  PutTelemetryRecordsCommand,
  PutTraceSegmentsCommand,
  ThrottledException,
  type UnprocessedTraceSegment,
} from "@aws-sdk/client-xray"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { type SdkClients, sdkClients } from "../fake/aws/clients.ts"
import { type FakeAws, startFakeAws } from "../fake/aws/fake-aws.ts"

let fake: FakeAws
let clients: SdkClients

beforeEach(async () => {
  fake = await startFakeAws()
  clients = sdkClients(fake)
})
afterEach(async () => {
  clients.destroy()
  await fake.stop()
})

const TRACE = "1-5759e988-bd862e3fe1be46a994272793"
const segment = (change: Record<string, unknown> = {}): Record<string, unknown> => ({
  name: "demo/ui",
  id: "53995c3f42cd8ad8",
  trace_id: TRACE,
  start_time: 1_480_615_200.01,
  end_time: 1_480_615_200.09,
  ...change,
})

/** The codes of the documents that were not taken. */
async function sent(...documents: unknown[]): Promise<UnprocessedTraceSegment[]> {
  const texts = documents.map((one) => (typeof one === "string" ? one : JSON.stringify(one)))
  const answer = await clients.xray.send(new PutTraceSegmentsCommand({ TraceSegmentDocuments: texts }))
  return answer.UnprocessedTraceSegments ?? []
}

const large = (id: number): unknown =>
  segment({ id: String(id).padStart(16, "0"), metadata: { text: "x".repeat(60_000) } })

const statistics = (RuleName: string, ClientID = "0123456789abcdef01234567") => ({
  RuleName,
  ClientID,
  Timestamp: new Date(),
  RequestCount: 10,
  SampledCount: 2,
  BorrowCount: 1,
})

const annotations = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, "v"]))

describe("PutTraceSegments", () => {
  test("keeps a whole trace, nested subsegments too", async () => {
    const child = segment({
      id: "0000000000000002",
      parent_id: "53995c3f42cd8ad8",
      type: "subsegment",
      name: "db",
    })
    const nested = {
      name: "appserver",
      id: "0000000000000003",
      start_time: 1,
      end_time: 2,
      namespace: "remote",
    }
    expect(await sent(segment({ subsegments: [nested] }), child)).toEqual([])
    expect(
      fake.xray.trace(TRACE).map(({ id, parentId, name, top }) => ({ id, parentId, name, top })),
    ).toEqual([
      { id: "53995c3f42cd8ad8", parentId: "", name: "demo/ui", top: true },
      { id: "0000000000000003", parentId: "53995c3f42cd8ad8", name: "appserver", top: false },
      { id: "0000000000000002", parentId: "53995c3f42cd8ad8", name: "db", top: true },
    ])
    expect(fake.xray.remarks).toEqual([])
  })

  test.each([
    ["MissingId", { id: undefined }],
    ["InvalidId", { id: "53995c3f42cd8ad" }],
    ["InvalidId", { id: "53995c3f42cd8adg" }],
    ["MissingTraceId", { trace_id: undefined }],
    ["InvalidTraceId", { trace_id: "5759e988bd862e3fe1be46a994272793" }],
    ["InvalidTraceId", { trace_id: "1-5759e988-bd862e3fe1be46a99427279" }],
    ["MissingName", { name: undefined }],
    ["InvalidName", { name: "" }],
    ["InvalidName", { name: "a*b" }],
    ["InvalidName", { name: "x".repeat(201) }],
    ["MissingStartTime", { start_time: undefined }],
    ["InvalidStartTime", { start_time: "now" }],
    ["MissingEndTime", { end_time: undefined }],
    ["MissingEndTime", { end_time: undefined, in_progress: false }],
    ["InvalidParentId", { parent_id: "1" }],
    ["MissingParentId", { type: "subsegment" }],
    ["InvalidType", { type: "segment" }],
    ["InvalidFlag", { fault: 1 }],
    ["InvalidMember", { annotations: [] }],
    ["InvalidHttp", { http: { response: { status: "200" } } }],
    ["InvalidName", { subsegments: [{ name: "a*", id: "0000000000000003", start_time: 1, end_time: 2 }] }],
    ["MissingId", { subsegments: [{ name: "a", start_time: 1, end_time: 2 }] }],
  ])("answers %s to a document with %j, and takes its neighbours", async (code, change) => {
    const other = segment({ id: "00000000000000aa" })
    const refused = await sent(segment(change), other)
    expect(refused.map(({ ErrorCode }) => ErrorCode)).toEqual([code])
    expect(refused[0]?.Message).toMatch(new RegExp(`^Invalid (sub)?segment. ErrorCode: ${code}$`))
    expect(fake.xray.documents).toEqual([other])
  })

  test("names the document by its id where it has one", async () => {
    expect(await sent(segment({ name: "a*" }), segment({ id: undefined }))).toEqual([
      {
        Id: "53995c3f42cd8ad8",
        ErrorCode: "InvalidName",
        Message: "Invalid segment. ErrorCode: InvalidName",
      },
      { ErrorCode: "MissingId", Message: "Invalid segment. ErrorCode: MissingId" },
    ])
  })

  test("takes what is just right", async () => {
    const name = `é1 _.:/%&#=+\\-@${"x".repeat(185)}`
    expect(name).toHaveLength(200)
    expect(await sent(segment({ name }))).toEqual([])
    expect(await sent(segment({ id: "0000000000000004", end_time: undefined, in_progress: true }))).toEqual(
      [],
    )
    // "this is not required or validated": the time within a trace id
    expect(await sent(segment({ trace_id: "1-00000000-bd862e3fe1be46a994272793" }))).toEqual([])
  })

  test("takes 64,000 bytes of one document and not one more", async () => {
    const room = 64_000 - Buffer.byteLength(JSON.stringify(segment({ metadata: { text: "" } })))
    expect(await sent(segment({ metadata: { text: "x".repeat(room) } }))).toEqual([])
    const over = await sent(segment({ metadata: { text: "x".repeat(room + 1) } }))
    expect(over).toEqual([expect.objectContaining({ Id: "53995c3f42cd8ad8", ErrorCode: "DocumentTooLarge" })])
  })

  test("takes 50 documents and not one more", async () => {
    const many = Array.from({ length: 51 }, (_, index) =>
      segment({ id: index.toString(16).padStart(16, "0") }),
    )
    await expect(sent(...many)).rejects.toBeInstanceOf(InvalidRequestException)
    expect(await sent(...many.slice(1))).toEqual([])
    expect(fake.xray.documents).toHaveLength(50)
  })

  test("answers broken JSON and empty arrays one by one", async () => {
    expect((await sent("{", [], "1", segment())).map(({ ErrorCode }) => ErrorCode)).toEqual([
      "ParseError",
      "MissingId",
      "MissingId",
    ])
  })

  test("puts a finished document in the place of the unfinished one, and counts those that come twice", async () => {
    await sent(segment({ end_time: undefined, in_progress: true }))
    await sent(segment())
    await sent(segment({ end_time: undefined, in_progress: true }))
    expect(fake.xray.trace(TRACE).map(({ document }) => document)).toEqual([segment()])
    expect(fake.xray.duplicates).toBe(1)
    await sent(segment({ id: "00000000000000ff" }), segment({ id: "00000000000000ff" }))
    expect(fake.xray.duplicates).toBe(2)
  })

  test("is full at 500 KB of one trace", async () => {
    for (let id = 0; id < 8; id++) expect(await sent(large(id))).toEqual([])
    expect(await sent(large(8))).toEqual([expect.objectContaining({ ErrorCode: "InvalidSegment" })])
  })

  test("remarks on what it takes and the page does not want", async () => {
    await sent(
      segment({
        end_time: 1,
        namespace: "remote",
        annotations: { "a b": "x", ok_1: "x", list: [] },
        metadata: { "AWS.x": {} },
        http: { request: { url: "u".repeat(251) } },
      }),
    )
    expect(fake.xray.remarks.map((remark) => remark.split(": ").at(-1))).toEqual([
      "end_time before start_time",
      "namespace is for subsegments",
      "annotation key a b",
      "annotation value of list",
      "metadata key AWS.x",
      "url of 251 characters",
    ])
  })

  test("tells how many annotations a trace has", async () => {
    const nested = {
      name: "a",
      id: "0000000000000003",
      start_time: 1,
      end_time: 2,
      annotations: annotations(20),
    }
    await sent(segment({ annotations: annotations(30), subsegments: [nested] }))
    await sent(segment({ id: "00000000000000aa", annotations: annotations(31) }))
    expect(fake.xray.annotations(TRACE)).toEqual({ all: 81, names: 31 })
  })

  test("can be told to refuse some, to throttle, or to be down", async () => {
    fake.fail("xray:PutTraceSegments", { kind: "refuse", first: 1, code: "InternalFailure" }, 1)
    expect(await sent(segment(), segment({ id: "00000000000000aa" }))).toEqual([
      expect.objectContaining({ Id: "53995c3f42cd8ad8", ErrorCode: "InternalFailure" }),
    ])
    fake.fail("xray:*", { kind: "throttle" }, 1)
    const throttled = await sent(segment()).catch((error: unknown) => error)
    expect(throttled).toBeInstanceOf(ThrottledException)
    expect(throttled).toMatchObject({ $metadata: { httpStatusCode: 429 } })
    fake.fail("*", { kind: "error", status: 503 }, 1)
    await expect(sent(segment())).rejects.toMatchObject({ $metadata: { httpStatusCode: 503 } })
    expect(await sent(segment())).toEqual([])
  })
})

describe("the rest of X-Ray", () => {
  test("PutTelemetryRecords keeps what the daemon sends and refuses what the page forbids", async () => {
    const record = {
      Timestamp: new Date(1_700_000_000_000),
      SegmentsReceivedCount: 5,
      BackendConnectionErrors: { TimeoutCount: 1 },
    }
    const send = (Hostname: string, records = [record]): Promise<unknown> =>
      clients.xray.send(new PutTelemetryRecordsCommand({ TelemetryRecords: records, Hostname }))
    await send("node-1")
    expect(fake.xray.telemetry).toEqual([{ ...record, Timestamp: 1_700_000_000 }])
    await expect(send("x".repeat(256))).rejects.toBeInstanceOf(InvalidRequestException)
    await expect(send("a", [{ ...record, SegmentsReceivedCount: -1 }])).rejects.toThrow(
      "SegmentsReceivedCount",
    )
  })

  test("GetSamplingRules gives the default rule, and those of the test", async () => {
    fake.xray.samplingRules.unshift({ ...fake.xray.samplingRules[0], RuleName: "ui", Priority: 1 })
    const { SamplingRuleRecords } = await clients.xray.send(new GetSamplingRulesCommand({}))
    expect(SamplingRuleRecords?.map((record) => record.SamplingRule?.RuleName)).toEqual(["ui", "Default"])
    expect(SamplingRuleRecords?.[1]?.SamplingRule).toMatchObject({ FixedRate: 0.05, ReservoirSize: 1 })
  })

  test("GetSamplingTargets answers by rule, and names the unknown ones", async () => {
    const answer = await clients.xray.send(
      new GetSamplingTargetsCommand({
        SamplingStatisticsDocuments: [statistics("Default"), statistics("no")],
      }),
    )
    expect(answer.SamplingTargetDocuments).toEqual([
      expect.objectContaining({ RuleName: "Default", FixedRate: 0.05, ReservoirQuota: 1, Interval: 10 }),
    ])
    expect(answer.LastRuleModification).toBeInstanceOf(Date)
    expect(answer.UnprocessedStatistics).toEqual([expect.objectContaining({ RuleName: "no" })])
    const { SamplingStatisticSummaries } = await clients.xray.send(
      new GetSamplingStatisticSummariesCommand({}),
    )
    expect(SamplingStatisticSummaries?.[0]).toMatchObject({
      RuleName: "Default",
      RequestCount: 10,
      SampledCount: 2,
    })
  })

  test("GetSamplingTargets refuses what the page forbids", async () => {
    const ask = (documents: ReturnType<typeof statistics>[]): Promise<unknown> =>
      clients.xray.send(new GetSamplingTargetsCommand({ SamplingStatisticsDocuments: documents }))
    await expect(ask([statistics("Default", "short")])).rejects.toThrow("ClientID")
    await expect(ask(Array.from({ length: 26 }, () => statistics("Default")))).rejects.toThrow("More than 25")
  })
})
