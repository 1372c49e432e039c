import { randomInt } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, expect, test } from "vitest"
import { pageTotal } from "../../live/rig/page-counts.ts"
import { type DrillPlan, drill } from "./drill.ts"
import { linePath } from "./input.ts"
import { arrived, missed, repeats } from "./judge.ts"
import { DOORS } from "./receivers.ts"
import { type OutageRig, startOutageRig } from "./rig.ts"
import { offered, type SinkCounts, sinkCounts } from "./subject.ts"
import { summary } from "./summary.ts"
import {
  disorder,
  emfSums,
  otlpRequests,
  prometheusRise,
  requestsOfPage,
  splunkRequests,
  writtenRequests,
} from "./values.ts"

/**
 * Each receiver goes away, in three of five ways, all of them at once for a while, and the agent is killed again and again
 * meanwhile, also while requests are under way.
 *
 * Shortened to half a minute for each receiver. `MESHSCOPE_OUTAGE_MINUTES=10` takes each of them away for ten minutes, which
 * takes a quarter of an hour. `MESHSCOPE_OUTAGE_SEED` repeats a run by the seed that it printed.
 *
 * What comes again, where the protocol has no way to avoid it: what was in a request whose answer was lost, and what was
 * answered after the agent's last commit before it was killed. X-Ray, Zipkin and OTLP join spans of one id, values have times;
 * log events and Splunk's are there twice.
 */
const MINUTES = Number(process.env["MESHSCOPE_OUTAGE_MINUTES"] ?? 0.5)
const SEED = Number(process.env["MESHSCOPE_OUTAGE_SEED"] ?? randomInt(1_000_000))
const OUTAGE_MS = MINUTES * 60_000
const PLAN: DrillPlan = {
  seed: SEED,
  outageMs: OUTAGE_MS,
  stepMs: OUTAGE_MS / 15,
  livesMs: [2000, Math.min(12_000 + OUTAGE_MS / 20, 60_000)],
}
const RATE = { lines: 150, spans: 10 }
const WELL_MS = 3000
const DRAIN_MS = 120_000

let rig: OutageRig
/** What the last page said. */
let counts: ReadonlyMap<string, SinkCounts>
let page: string
let ended: Awaited<ReturnType<OutageRig["subject"]["end"]>>

beforeAll(
  async () => {
    process.stderr.write(`outage: MESHSCOPE_OUTAGE_SEED=${SEED} MESHSCOPE_OUTAGE_MINUTES=${MINUTES}\n`)
    rig = await startOutageRig()
    const { receivers, subject, input } = rig
    await subject.start()
    input.listening = true
    const written = new AbortController()
    const writing = input.run(RATE, written.signal)
    try {
      // Log groups are made meanwhile: else a lost answer is one to a call that carries nothing yet.
      await sleep(WELL_MS)
      await drill(PLAN, Object.values(receivers.doors), subject, input)
    } finally {
      written.abort()
      await writing
    }
    page = await subject.until((now) => {
      const sinks = [...sinkCounts(now).values()]
      return pageTotal(now, "mesh_requests_total") === input.lines && sinks.every(({ held }) => held === 0)
    }, DRAIN_MS)
    counts = sinkCounts(page)
    ended = await subject.end()
    process.stderr.write(`outage: ${summary(rig)}\n`)
  },
  3 * OUTAGE_MS + 2 * DRAIN_MS,
)
afterAll(() => rig?.stop())

test("every line is in CloudWatch Logs and in Splunk; again only where an answer was lost or forgotten", () => {
  const { receivers, subject, input } = rig
  const wanted = Array.from({ length: input.lines }, (_, at) => linePath(at + 1))
  for (const name of ["logs", "splunk"] as const) {
    const { taken } = receivers.doors[name]
    const got = arrived(taken)
    expect([name, wanted.filter((path) => !got.has(path))]).toEqual([name, []])
    expect(repeats(taken, subject.kills).unexplained).toEqual([])
  }
})

test("in the end, with all receivers there, it stops in time", () => {
  expect(ended.code).toBe(0)
  expect(ended.tookMs).toBeLessThan(5000)
})

test("what the agent counts over all its lives is what it was given", () => {
  for (const [sink, { rejected, dropped }] of counts) expect([sink, rejected, dropped]).toEqual([sink, 0, 0])
  const spans = arrived(rig.receivers.doors.xray.taken).size
  const given = { cloudwatchLogs: rig.input.lines, xray: spans, zipkin: spans, otlpTraces: spans }
  for (const [sink, things] of Object.entries(given))
    expect([sink, offered(counts.get(sink) ?? fail(sink))]).toEqual([sink, things])
})

test("spans are everywhere or nowhere, and lost only where the agent was killed before it committed them", () => {
  const { receivers, subject, input } = rig
  const [xray, zipkin, traces] = (["xray", "zipkin", "traces"] as const).map((name) =>
    arrived(receivers.doors[name].taken),
  )
  expect(zipkin).toEqual(xray)
  expect(traces).toEqual(xray)
  for (const sent of [input.byUdp, input.byHttp])
    expect(missed(sent, xray ?? new Set(), subject.kills).unexplained).toEqual([])
})

test("metrics are the ledger's by each way, and no sample comes twice or behind a later one", async () => {
  const { receivers, input } = rig
  const { doors, aws, prometheus } = receivers
  const wanted = writtenRequests(input.lines, input.errors)
  expect(requestsOfPage(page)).toEqual(wanted)
  expect(otlpRequests(aws)).toEqual(wanted)
  expect(splunkRequests(doors.splunk.taken)).toEqual(wanted)
  expect(emfSums(doors.logs.taken)).toMatchObject({
    "metric=requests": input.lines,
    "metric=errors": input.errors,
    "count=duration": input.lines,
  })
  expect([...aws.metrics.emfErrors]).toEqual([])
  expect(disorder(doors.remoteWrite.taken)).toEqual([])
  expect(await prometheusRise(prometheus)).toEqual(wanted)
})

test("nothing comes again without a reason", () => {
  for (const name of DOORS)
    expect(repeats(rig.receivers.doors[name].taken, rig.subject.kills).unexplained).toEqual([])
})

function fail(sink: string): never {
  throw new Error(`the page tells nothing of ${sink}`)
}
