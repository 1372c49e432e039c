import { setTimeout as sleep } from "node:timers/promises"
import { afterEach, expect, test } from "vitest"
import { linePath } from "./input.ts"
import { arrived, repeats } from "./judge.ts"
import { type OutageRig, startOutageRig } from "./rig.ts"
import { offered, sinkCounts } from "./subject.ts"

/** SIGTERM with receivers that are well, that are not there, and that hang. */
const RATE = { lines: 400, spans: 20 }
const WRITE_MS = 3000
/** Of Kubernetes, 30 s, a third: proxies and node want their part of it. */
const GRACE_MS = 10_000

let rig: OutageRig | undefined
afterEach(() => rig?.stop())

async function write({ input }: OutageRig): Promise<void> {
  input.listening = true
  const ended = new AbortController()
  const writing = input.run(RATE, ended.signal)
  await sleep(WRITE_MS)
  ended.abort()
  await writing
}

/** Lines and spans that no receiver got. */
function missing({ receivers, input }: OutageRig): Readonly<Record<string, readonly string[]>> {
  const lines = Array.from({ length: input.lines }, (_, at) => linePath(at + 1))
  const spans = [...input.byUdp, ...input.byHttp].map(({ id }) => id)
  const left = (wanted: readonly string[], name: "logs" | "splunk" | "xray" | "zipkin" | "traces") => {
    const got = arrived(receivers.doors[name].taken)
    return wanted.filter((id) => !got.has(id))
  }
  return {
    logs: left(lines, "logs"),
    splunk: left(lines, "splunk"),
    xray: left(spans, "xray"),
    zipkin: left(spans, "zipkin"),
    traces: left(spans, "traces"),
  }
}

const EVENTS = ["cloudwatchLogs", "xray", "zipkin", "otlpTraces"]
const NOTHING = { logs: [], splunk: [], xray: [], zipkin: [], traces: [] }

test("with receivers that are well, all that was written a moment before is there in the end, once", async () => {
  // No commit comes by itself meanwhile.
  rig = await startOutageRig({ commit: "10s" })
  const { subject, receivers } = rig
  await subject.start()
  await write(rig)
  const { code, tookMs } = await subject.end()
  expect(code).toBe(0)
  expect(tookMs).toBeLessThan(5000)
  expect(missing(rig)).toEqual(NOTHING)
  for (const { taken } of Object.values(receivers.doors))
    expect(taken.flatMap(({ ids }) => ids).length).toBe(arrived(taken).size)
  // The next one has nothing to send again.
  const before = Object.values(receivers.doors).map(({ taken }) => arrived(taken).size)
  await subject.start()
  await sleep(1500)
  await subject.kill()
  expect(Object.values(receivers.doors).flatMap(({ taken }) => repeats(taken, []).unexplained)).toEqual([])
  expect(before.every((size) => size > 0)).toBe(true)
})

test.each(["refused", "hang"] as const)(
  "with receivers that are away (%s), it ends in time, and the next one sends the rest",
  async (way) => {
    rig = await startOutageRig({ commit: "10s" })
    const { subject, receivers, input } = rig
    const doors = Object.values(receivers.doors)
    for (const door of doors) await door.set(way)
    await subject.start()
    await write(rig)
    const { code, tookMs } = await subject.end()
    expect(code).toBe(0)
    expect(tookMs).toBeLessThan(GRACE_MS)
    expect(missing(rig)["logs"]).toHaveLength(input.lines)
    for (const door of doors) await door.set("open")
    await subject.start()
    // Metrics come all the time; lines and spans come no more.
    const page = await subject.until((now) => {
      const sinks = sinkCounts(now)
      return EVENTS.every((sink) => sinks.get(sink)?.held === 0)
    }, 40_000)
    expect(missing(rig)).toEqual(NOTHING)
    const counts = sinkCounts(page).get("cloudwatchLogs")
    expect(counts && offered(counts)).toBe(input.lines)
    for (const { taken } of doors) expect(repeats(taken, []).unexplained).toEqual([])
  },
)
