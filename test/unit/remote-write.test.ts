import { CloudWatchClient } from "@aws-sdk/client-cloudwatch"
import { expect, onTestFinished, test } from "vitest"
import { systemClock } from "#mesh/clock.ts"
import { openLedger } from "../../agent/account/ledger.ts"
import { makeAwsClientHolder } from "../../agent/publish/aws/client-holder.ts"
import { makeAwsSigner } from "../../agent/publish/aws/signing.ts"
import { apsSigning } from "../../agent/publish/remote-write/aps.ts"
import { makeRemoteWriteExport } from "../../agent/publish/remote-write/remote-write-export.ts"
import { makeRemoteWriteSink } from "../../agent/publish/remote-write/remote-write-sink.ts"
import { makeSendState } from "../../agent/publish/remote-write/send-state.ts"
import { startFakeAws } from "../fake/aws/fake-aws.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"

const at = (startMs: number, born: number) => ({ slot: 0, labels: [], bucketAt: -1, startMs, born })
const bytes = (ms: number) => new Uint8Array(Float64Array.of(ms).buffer)

test("a series that is new to the receiver was 0 when it began, once", () => {
  const state = makeSendState(undefined, { generation: 7, timeMs: 1000 })
  expect(state.zeroMs(at(400, 7), 2000)).toBeUndefined()
  expect(state.zeroMs(at(1500, 8), 2000)).toBe(1500)
  expect(state.zeroMs(at(2000, 8), 2000)).toBe(1999)
  state.sent(2000, 8)
  expect(state.zeroMs(at(1500, 8), 3000)).toBeUndefined()
  // It left and came back within a tick: the 0 must not stand before what the receiver has.
  expect(state.zeroMs(at(1990, 9), 3000)).toBe(2001)
  expect(state.zeroMs(at(1990, 9), 2001)).toBeUndefined()
})

test("after a restart what began since the last sample that was committed is new, whatever its generation", () => {
  const state = makeSendState(bytes(2000), { generation: 9, timeMs: 5000 })
  expect(state.zeroMs(at(2000, 8), 6000)).toBeUndefined()
  expect(state.zeroMs(at(2001, 8), 6000)).toBe(2001)
  expect(state.due(2000)).toBe(false)
  expect(state.due(2001)).toBe(true)
  expect(state.save()).toBeUndefined()
  state.sent(6000, 9)
  expect(state.save()).toEqual(bytes(6000))
  expect(state.save()).toBeUndefined()
})

test("a clock that was set back a little is waited for, one that was far ahead is not", () => {
  const state = makeSendState(bytes(10_000_000), { generation: 1, timeMs: 0 })
  expect(state.due(9_999_999)).toBe(false)
  expect(state.due(9_700_000)).toBe(false)
  expect(state.due(9_699_999)).toBe(true)
  expect(state.zeroMs(at(9_000_000, 2), 9_699_999)).toBeUndefined()
})

test.each([[undefined], [new Uint8Array()], [bytes(Number.NaN)], [bytes(-1)], [new Uint8Array(9)]])(
  "a state of %j tells nothing: what began before is sent as it is",
  (restored) => {
    const state = makeSendState(restored, { generation: 3, timeMs: 100 })
    expect(state.zeroMs(at(50, 3), 200)).toBeUndefined()
    expect(state.save()).toEqual(bytes(100))
  },
)

test.each([
  [
    "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1/api/v1/remote_write",
    "auto",
    { service: "aps", region: "eu-west-1" },
  ],
  [
    "https://aps-workspaces-fips.us-gov-west-1.amazonaws.com/workspaces/ws-1/api/v1/remote_write",
    "auto",
    { service: "aps", region: "us-gov-west-1" },
  ],
  ["https://aps-workspaces.eu-west-1.amazonaws.com/x", false, undefined],
  ["http://prometheus:9090/api/v1/write", "auto", undefined],
  ["https://proxy.example/aps", true, { service: "aps", region: undefined }],
] as const)("%s with sigv4 %j", (url, wanted, signing) => {
  expect(apsSigning(url, wanted)).toEqual(signing)
})

test("a managed workspace takes what is signed and what its rules allow, and its refusals are told apart", async () => {
  const aws = await startFakeAws()
  onTestFinished(() => aws.stop())
  const { region, credentials } = aws
  const sdk = makeAwsClientHolder(() => Promise.resolve(new CloudWatchClient({ region, credentials })))
  const url = `${aws.url}/workspaces/ws-1/api/v1/remote_write`
  const signing = apsSigning(url, true)
  const signer = makeAwsSigner(signing ?? { service: "none" }, { sdk, now: Date.now })
  const sink = makeRemoteWriteSink({ url, version: "1", signer }, { clock: systemClock })
  onTestFinished(() => sink.stop())
  const ledger = openLedger({ folder: temporaryFolder(), clock: systemClock, common: { mesh: "yelb" } })
  onTestFinished(() => ledger.close())
  const records: { payload: Uint8Array; timeMs: number; count: number; key: string }[] = []
  const made = makeRemoteWriteExport(
    { labels: { agent: "node-1" }, maxSamples: 100 },
    {
      snapshot: ledger.snapshot,
      clock: systemClock,
      outbox: {
        append: (key, timeMs, payload, count = 1) => void records.push({ key, timeMs, payload, count }),
      },
      restored: undefined,
    },
  )
  for (let route = 0; route < 60; route++)
    ledger.add(ledger.slot("requests", { route: `r${route}` }), route + 1)
  ledger.observe(ledger.slot("duration", { route: "r1" }), 0.3)
  ledger.commit()
  await made.tick()
  expect(records.map(({ count }) => count)).toEqual([79, 79])
  // In order, as delivery does it: not past a request that must wait.
  const write = async () => {
    const results = []
    for (const { body } of sink.split(records, Date.now()).requests) {
      const result = await sink.write(body, AbortSignal.timeout(5000))
      results.push(result)
      if (result.kind === "retry") break
    }
    return results
  }
  aws.fail("aps:RemoteWrite", { kind: "throttle", retryAfterSeconds: 3 }, 1)
  expect(await write()).toMatchObject([{ kind: "retry", afterMs: 3000 }])
  // Taken, but the answer is lost: what is sent again does no harm.
  aws.fail("aps:RemoteWrite", { kind: "lose" }, 1)
  expect(await write()).toMatchObject([{ kind: "retry" }])
  expect(await write()).toEqual([{ kind: "accepted" }, { kind: "accepted" }])
  expect(aws.aps.last({ __name__: "mesh_requests_total", agent: "node-1" })).toHaveLength(60)
  expect(aws.aps.last({ __name__: "mesh_requests_total", route: "r41" })).toEqual([42])
  expect(aws.aps.last({ le: "+Inf" })).toEqual([1])
  expect(
    aws.aps.series.find(({ labels }) => labels["route"] === "r41")?.samples.map(([, value]) => value),
  ).toEqual([0, 42])
  aws.fail(
    "aps:RemoteWrite",
    { kind: "error", status: 400, code: "ValidationException", message: "out of order sample for mesh_x" },
    1,
  )
  const [first] = sink.split(records, Date.now()).requests
  expect(
    await sink.write(first?.body ?? { payload: new Uint8Array() }, AbortSignal.timeout(5000)),
  ).toMatchObject({ kind: "rejected", reason: "out_of_order" })
  // An agent that was killed after two ticks were taken sends both again.
  ledger.add(ledger.slot("requests", { route: "r41" }), 1)
  ledger.commit()
  await made.tick()
  const body = (record: number) => records[record] ?? { payload: new Uint8Array() }
  expect(await sink.write(body(2), AbortSignal.timeout(5000))).toEqual({ kind: "accepted" })
  const old = { ...body(0), again: true }
  expect(await sink.write(old, AbortSignal.timeout(5000))).toEqual({ kind: "accepted" })
  expect(await sink.write(body(0), AbortSignal.timeout(5000))).toMatchObject({ reason: "out_of_order" })
})
