import { setTimeout as sleep } from "node:timers/promises"
import { afterEach, expect, test } from "vitest"
import { samplesOf } from "../../../demo/exposition.ts"
import { linePath } from "./input.ts"
import { arrived } from "./judge.ts"
import { type OutageRig, startOutageRig } from "./rig.ts"
import { offered, sinkCounts } from "./subject.ts"
import { weigh } from "./weight.ts"

/** A receiver stays away until the queue's budget is reached, and the agent is killed on the way. */
const BUDGET = 1024 ** 2
/** See queue-budget.ts: what is on disk is never more than the budget and one segment. */
const SEGMENT = 64 * 1024
/** Six times the budget. */
const LINES = 12_000
const PER_STEP = 50
const STEP_MS = 50
/** What a collection of garbage may leave behind. */
const SLACK = 32 * 1024 ** 2
const DRAIN_MS = 60_000

let rig: OutageRig | undefined
afterEach(() => rig?.stop())

async function write({ input }: OutageRig, lines: number): Promise<void> {
  for (let left = lines; left > 0; left -= PER_STEP) {
    input.write(PER_STEP)
    await sleep(STEP_MS)
  }
}

const overflow = (page: string, sink: string): number =>
  samplesOf(page, "mesh_agent_export_dropped_total")
    .filter(({ labels }) => labels["sink"] === sink)
    .reduce((sum, { labels, count }) => {
      if (labels["reason"] !== "overflow") throw new Error(`dropped for ${labels["reason"]}`)
      return sum + count
    }, 0)

test.each(["oldest", "newest"] as const)("drop: %s", { timeout: 180_000 }, async (drop) => {
  rig = await startOutageRig({
    commit: "500ms",
    publish: ({ cloudwatchLogs, splunk, xray }) => ({
      // Lines alone, so that what is dropped can be told by them.
      cloudwatchLogs,
      splunk: { ...splunk, metrics: undefined, events: false },
      xray,
      queue: { bytes: `${BUDGET}B`, drop },
    }),
  })
  const { receivers, subject, input, state } = rig
  await subject.start()
  const healthy = new AbortController()
  const steady = weigh(() => subject.pid, state, healthy.signal)
  await write(rig, LINES / 4)
  healthy.abort()
  const before = await steady
  await receivers.doors.logs.set("refused")
  const down = new AbortController()
  const weighing = weigh(() => subject.pid, state, down.signal)
  await write(rig, LINES / 2)
  await subject.kill()
  await subject.start()
  await write(rig, LINES / 2)
  await receivers.doors.logs.set("open")
  const page = await subject.until((now) => {
    const sinks = [...sinkCounts(now).values()]
    return (
      sinks.every((sink) => sink.held === 0) &&
      offered(sinkCounts(now).get("cloudwatchLogs") ?? sinks[0] ?? fail()) === input.lines
    )
  }, DRAIN_MS)
  down.abort()
  const most = await weighing
  expect(most.queueBytes).toBeLessThanOrEqual(BUDGET + SEGMENT)
  expect(most.residentBytes).toBeLessThan(before.residentBytes * 1.1 + SLACK)

  const left = new Map<string, readonly string[]>()
  const all = Array.from({ length: input.lines }, (_, at) => linePath(at + 1))
  for (const [sink, door] of [
    ["cloudwatchLogs", receivers.doors.logs],
    ["splunk", receivers.doors.splunk],
  ] as const) {
    const got = arrived(door.taken)
    const missing = all.filter((path) => !got.has(path))
    expect([sink, missing.length]).toEqual([sink, overflow(page, sink)])
    left.set(sink, missing)
  }
  const lost = left.get("cloudwatchLogs") ?? []
  expect(lost.length).toBeGreaterThan(LINES / 4)
  // What came last is there, or it is not. Only where the oldest leave, a receiver that is well loses nothing.
  expect([lost.includes(all.at(-1) ?? ""), left.get("splunk")?.length === 0]).toEqual(
    drop === "oldest" ? [false, true] : [true, false],
  )
})

function fail(): never {
  throw new Error("the page tells of no sink")
}
