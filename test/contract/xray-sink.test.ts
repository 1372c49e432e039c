import { XRayClient } from "@aws-sdk/client-xray"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { type Clock, systemClock } from "#mesh/clock.ts"
import type { QueueRecord, WriteResult } from "../../agent/publish/contract.ts"
import { makeXraySink } from "../../agent/publish/xray/sink.ts"
import type { SegmentCounts } from "../../agent/publish/xray/telemetry.ts"
import { type FakeAws, startFakeAws } from "../fake/aws/fake-aws.ts"
import { FORMS } from "../fixtures/spans/captured.ts"
import { demoDocuments } from "../fixtures/xray/demo-documents.ts"

let fake: FakeAws
beforeEach(async () => {
  fake = await startFakeAws()
})
afterEach(() => fake.stop())

const NO_COUNTS: SegmentCounts = { received: 0, sent: 0, spillover: 0, rejected: 0 }
const signal = (): AbortSignal => AbortSignal.timeout(5000)

function sinkTo(
  endpoint: Pick<FakeAws, "url" | "region" | "credentials">,
  more: { readonly clock?: Clock; readonly counts?: () => SegmentCounts; readonly telemetry?: boolean } = {},
) {
  const { url, region, credentials } = endpoint
  return makeXraySink(
    { telemetry: more.telemetry ?? false, hostName: "host-1", resourceArn: "" },
    {
      clock: more.clock ?? systemClock,
      counts: more.counts ?? (() => NO_COUNTS),
      client: (config) => Promise.resolve(new XRayClient({ ...config, endpoint: url, region, credentials })),
    },
  )
}

const segment = (change: object): object => ({
  name: "demo/ui",
  id: "53995c3f42cd8ad8",
  trace_id: "1-5759e988-bd862e3fe1be46a994272793",
  start_time: 1_480_615_200.01,
  end_time: 1_480_615_200.09,
  ...change,
})
const recordOf = (document: object, key = "t"): QueueRecord => ({
  key,
  timeMs: 0,
  count: 1,
  payload: Buffer.from(JSON.stringify(document)),
})

async function writeAll(
  sink: ReturnType<typeof sinkTo>,
  records: readonly QueueRecord[],
): Promise<WriteResult[]> {
  await sink.start()
  const { requests, refused } = sink.split(records, 0)
  expect(refused.size).toBe(0)
  const results: WriteResult[] = []
  for (const { body } of requests) results.push(await sink.write(body, signal()))
  await sink.stop()
  return results
}

describe.each(FORMS)("what Envoys sent arrives as X-Ray wants it: %s", (form) => {
  test("one request through gateway, ui and appserver is one trace, told in one call without a remark", async () => {
    expect(await writeAll(sinkTo(fake), demoDocuments(form, "fine"))).toEqual([{ kind: "accepted" }])
    expect(fake.xray.remarks).toEqual([])
    expect(fake.xray.traceIds).toHaveLength(1)
    const trace = fake.xray.trace(fake.xray.traceIds[0] ?? "")
    const byId = new Map(trace.map((one) => [one.id, one]))
    const line: string[] = []
    for (let at = trace.find(({ parentId }) => !byId.has(parentId)); at !== undefined; ) {
      line.push(`${at.document["type"] === undefined ? "segment" : "subsegment"} ${at.name}`)
      const { id } = at
      at = trace.find(({ parentId }) => parentId === id)
    }
    expect(line).toEqual([
      "segment yelb/yelb-gateway_yelb",
      "subsegment yelb/yelb-ui-virtual-node",
      "segment yelb/yelb-ui-virtual-node",
      "subsegment yelb/yelb-appserver-virtual-node",
      "segment yelb/yelb-appserver-virtual-node",
    ])
    const gateway = trace.find(({ parentId }) => !byId.has(parentId))
    expect(gateway?.document).toMatchObject({
      origin: "AWS::AppMesh::Proxy",
      aws: {
        app_mesh: {
          mesh_name: "yelb",
          virtual_node_name: "yelb-gateway_yelb",
          virtual_gateway_name: "yelb-gateway_yelb",
        },
        cloudwatch_logs: [{ log_group: "/mesh/yelb" }],
      },
      annotations: {
        virtual_gateway: "yelb-gateway_yelb",
        virtual_service: "yelb-ui",
        direction: "ingress",
        component: "proxy",
      },
    })
  })

  test.each(["retried", "failing", "broken", "throttled", "missing"])("%s: taken whole", async (request) => {
    const records = demoDocuments(form, request)
    await writeAll(sinkTo(fake), records)
    expect(fake.xray.documents).toHaveLength(records.length)
    expect(fake.xray.remarks).toEqual([])
    expect(fake.xray.duplicates).toBe(0)
  })
})

const noRegion = (): Promise<string> => Promise.reject(new Error("Region is missing"))

describe("answers", () => {
  const good = recordOf(segment({}))
  const other = recordOf(segment({ id: "53995c3f42cd8ad9" }))

  test("each document that was not taken is known by its id", async () => {
    const bad = recordOf(segment({ id: "53995c3f42cd8ada", trace_id: "1-zz" }))
    const noId = recordOf(segment({ id: undefined }))
    expect(await writeAll(sinkTo(fake), [good, bad, other, noId])).toEqual([
      {
        kind: "accepted",
        rejected: new Map([[1, "bad_trace_id"]]),
        again: new Set(),
        rejectedCount: 1,
        why: expect.stringContaining("MissingId"),
      },
    ])
    expect(fake.xray.documents).toHaveLength(2)
  })

  test("what X-Ray could not do now is sent again", async () => {
    fake.fail("xray:PutTraceSegments", { kind: "refuse", first: 1, code: "InternalFailure" }, 1)
    const [result] = await writeAll(sinkTo(fake), [good, other])
    expect(result).toMatchObject({ kind: "accepted", again: new Set([0]), rejected: new Map() })
  })

  const rows: readonly [string, Parameters<FakeAws["fail"]>[1], object][] = [
    ["throttled", { kind: "throttle" }, { kind: "retry", why: expect.stringContaining("throttle") }],
    ["an error of the service", { kind: "error" }, { kind: "retry" }],
    ["a cut connection", { kind: "drop" }, { kind: "retry" }],
    ["access denied", { kind: "error", status: 403, code: "AccessDeniedException" }, { kind: "retry" }],
    [
      "an invalid request",
      { kind: "error", status: 400, code: "InvalidRequestException" },
      { kind: "rejected", reason: "invalid" },
    ],
  ]
  test.each(rows)("%s", async (_, fault, expected) => {
    fake.fail("xray:PutTraceSegments", fault, 1)
    const [result] = await writeAll(sinkTo(fake), [good])
    expect(result).toMatchObject(expected)
  })

  test("no answer at all ends with the signal", async () => {
    fake.fail("xray:PutTraceSegments", { kind: "hang" })
    const sink = sinkTo(fake)
    const [request] = sink.split([good], 0).requests
    if (request === undefined) throw new Error("no request")
    expect(await sink.write(request.body, AbortSignal.timeout(50))).toMatchObject({ kind: "retry" })
    await sink.stop()
  })

  test("a wrong key is no fault of the documents", async () => {
    const credentials = { accessKeyId: "AKIDOTHER", secretAccessKey: "x" }
    const [result] = await writeAll(sinkTo({ ...fake, credentials }), [good])
    expect(result).toMatchObject({ kind: "retry" })
  })

  test("no region: the sink starts, and says what to set", async () => {
    const sink = makeXraySink(
      { telemetry: true, hostName: "", resourceArn: "" },
      {
        clock: systemClock,
        counts: () => NO_COUNTS,
        client: (config) =>
          Promise.resolve(new XRayClient({ ...config, region: noRegion, credentials: fake.credentials })),
      },
    )
    const [result] = await writeAll(sink, [good])
    expect(result).toMatchObject({ kind: "retry", why: expect.stringContaining("set AWS_REGION") })
  })

  test("120 segments of three traces take three calls, each trace one", async () => {
    const records = Array.from({ length: 120 }, (_, index) =>
      recordOf(
        segment({
          id: (index + 1).toString(16).padStart(16, "0"),
          trace_id: `1-5759e988-bd862e3fe1be46a99427279${index % 3}`,
        }),
        `t${index % 3}`,
      ),
    )
    expect(await writeAll(sinkTo(fake), records)).toEqual([
      { kind: "accepted" },
      { kind: "accepted" },
      { kind: "accepted" },
    ])
    expect(fake.xray.documents).toHaveLength(120)
  })
})

/** Sleeps end when the test says so. */
function stepped() {
  let wake: (() => void) | undefined
  const clock: Clock = {
    ...systemClock,
    sleep: (_ms, stopped) =>
      new Promise((resolve) => {
        if (stopped?.aborted === true) resolve()
        wake = resolve
        stopped?.addEventListener("abort", () => resolve())
      }),
  }
  return { clock, minute: () => wake?.() }
}
const until = async (met: () => boolean): Promise<void> => {
  for (const end = Date.now() + 5000; !met() && Date.now() < end; ) await systemClock.sleep(5)
  expect(met()).toBe(true)
}

describe("telemetry", () => {
  test("is sent each minute after the first segment, and once more at the end", async () => {
    const { clock, minute } = stepped()
    // counted and told before a restart
    const before = { received: 5000, sent: 4000, spillover: 300, rejected: 200 }
    const plus = (more: SegmentCounts): SegmentCounts => ({
      received: before.received + more.received,
      sent: before.sent + more.sent,
      spillover: before.spillover + more.spillover,
      rejected: before.rejected + more.rejected,
    })
    let counts = plus(NO_COUNTS)
    const sink = sinkTo(fake, { clock, counts: () => counts, telemetry: true })
    await sink.start()
    minute()
    await systemClock.sleep(20)
    expect(fake.xray.telemetry).toEqual([])
    counts = plus({ received: 10, sent: 7, spillover: 1, rejected: 2 })
    fake.fail("xray:PutTelemetryRecords", { kind: "error" }, 1)
    fake.fail("xray:PutTraceSegments", { kind: "error" }, 1)
    await sink.write({ documents: [recordOf(segment({})).payload] }, signal())
    minute()
    await until(() => fake.requests.some(({ api }) => api === "xray:PutTelemetryRecords"))
    expect(fake.xray.telemetry).toEqual([])
    counts = plus({ received: 12, sent: 9, spillover: 1, rejected: 2 })
    await sink.stop()
    const quiet = {
      TimeoutCount: 0,
      ConnectionRefusedCount: 0,
      HTTPCode4XXCount: 0,
      UnknownHostCount: 0,
      OtherCount: 0,
    }
    expect(fake.xray.telemetry).toEqual([
      {
        Timestamp: expect.any(Number),
        SegmentsReceivedCount: 10,
        SegmentsSentCount: 7,
        SegmentsSpilloverCount: 1,
        SegmentsRejectedCount: 2,
        BackendConnectionErrors: { ...quiet, HTTPCode5XXCount: 1 },
      },
      {
        Timestamp: expect.any(Number),
        SegmentsReceivedCount: 2,
        SegmentsSentCount: 2,
        SegmentsSpilloverCount: 0,
        SegmentsRejectedCount: 0,
        BackendConnectionErrors: { ...quiet, HTTPCode5XXCount: 1 },
      },
    ])
  })
})
