import { describe, expect, test } from "vitest"
import { systemClock } from "#mesh/clock.ts"
import { splitSegments } from "../../agent/publish/xray/split.ts"
import { type SegmentCounts, XrayTelemetry } from "../../agent/publish/xray/telemetry.ts"
import { segmentsResult } from "../../agent/publish/xray/unprocessed.ts"

const A = "53995c3f42cd8ad1"
const B = "53995c3f42cd8ad2"
const NESTED = "53995c3f42cd8ad3"
const document = (value: object): Uint8Array => Buffer.from(JSON.stringify(value))
/** The second one's beginning and end travel together. */
const DOCUMENTS = [
  document({ id: A, subsegments: [{ id: NESTED }] }),
  document({ id: B, in_progress: true }),
  document({ id: B, end_time: 2 }),
]

describe("what X-Ray did not take", () => {
  test.each([
    ["ThrottledException"],
    ["TooManyRequestsException"],
    ["InternalFailure"],
    ["ServiceUnavailable"],
    ["RequestTimeout"],
    ["RequestTimedOut"],
    ["LimitExceeded"],
  ])("is sent again for %s", (code) => {
    expect(segmentsResult(DOCUMENTS, [{ Id: A.toUpperCase(), ErrorCode: code }])).toMatchObject({
      again: new Set([0]),
      rejected: new Map(),
    })
  })

  test("is the document that holds the subsegment that is named", () => {
    expect(segmentsResult(DOCUMENTS, [{ Id: NESTED, ErrorCode: "InvalidId" }])).toMatchObject({
      rejected: new Map([[0, "bad_id"]]),
      again: new Set(),
    })
  })

  test("is one document for each time an id is named, in their order", () => {
    const once = [{ Id: B, ErrorCode: "InvalidSegment" }]
    expect(segmentsResult(DOCUMENTS, once)).toMatchObject({ rejected: new Map([[1, "refused_segment"]]) })
    expect(segmentsResult(DOCUMENTS, [...once, ...once])).toMatchObject({
      rejected: new Map([
        [1, "refused_segment"],
        [2, "refused_segment"],
      ]),
    })
  })

  test("without an id means all that no other entry names, where it is to be sent again", () => {
    const entries = [{ Id: A, ErrorCode: "InvalidTraceId" }, { ErrorCode: "InternalFailure" }]
    expect(segmentsResult(DOCUMENTS, entries)).toMatchObject({
      rejected: new Map([[0, "bad_trace_id"]]),
      again: new Set([1, 2]),
    })
  })
})

test.each([51, 1])("a call has 50 documents at most, of %d traces", (traces) => {
  const records = Array.from({ length: 51 }, (_, index) => ({
    key: `t${index % traces}`,
    timeMs: 0,
    count: 1,
    payload: new Uint8Array(10),
  }))
  expect(splitSegments(records).requests.map(({ records: own }) => own.length)).toEqual([50, 1])
})

test("telemetry that cannot be sent is kept for half an hour, and goes in calls of ten", async () => {
  const sleepers: (() => void)[] = []
  let received = 0
  const calls: (readonly (number | undefined)[])[] = []
  let works = false
  const counts = (): SegmentCounts => ({ received, sent: 0, spillover: 0, rejected: 0 })
  const telemetry = new XrayTelemetry({
    counts,
    clock: {
      ...systemClock,
      sleep: (_, stopped) =>
        new Promise((resolve) => {
          if (stopped?.aborted === true) resolve()
          sleepers.push(resolve)
          stopped?.addEventListener("abort", () => resolve())
        }),
    },
    send(records) {
      calls.push(records.map(({ SegmentsReceivedCount: count }) => count))
      return works ? Promise.resolve() : Promise.reject(new Error("no way there"))
    },
  })
  telemetry.start()
  for (let minute = 1; minute <= 35; minute++) {
    received += minute
    for (const wake of sleepers.splice(0)) wake()
    await systemClock.sleep(1)
    expect(calls).toHaveLength(minute)
  }
  works = true
  calls.length = 0
  received += 36
  await telemetry.stop()
  expect(calls.map((one) => one.length)).toEqual([10, 10, 10])
  expect(calls.flat()).toEqual(Array.from({ length: 30 }, (_, index) => index + 7))
})

test("a stopping agent waits for telemetry no longer than half a second, also for what is under way", async () => {
  let received = 1
  const telemetry = new XrayTelemetry({
    clock: systemClock,
    counts: () => ({ received, sent: 0, spillover: 0, rejected: 0 }),
    send: (_, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(new Error("given up")), { once: true })
      }),
  })
  telemetry.start()
  received++
  const before = performance.now()
  await telemetry.stop()
  expect(performance.now() - before).toBeLessThan(2000)
})
