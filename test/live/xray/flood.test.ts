import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { expect, test } from "vitest"
import { systemClock } from "#mesh/clock.ts"
import { startXrayUdp, type XrayUdpCounters } from "../../../agent/collect/receive/xray-udp.ts"
import { makeXrayDecoder } from "../../../agent/decode/spans/xray.ts"
import { makeXrayEncoder } from "../../../agent/publish/xray/encoder.ts"

/** A batch of the sender is 50. */
const MANY = 40_000
const SENDER = join(import.meta.dirname, "../../fixtures/xray/flood-sender.ts")
const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0)

/** A receiver under `senders` floods at once. How long the longest piece of work kept a timer waiting, and where memory got to. */
async function flooded(share: number, senders: number, ...perSecond: readonly number[]) {
  const decoder = makeXrayDecoder()
  let documents = 0
  const encoder = makeXrayEncoder({}, { append: () => documents++ })
  const udp = await startXrayUdp(
    { listen: { host: "127.0.0.1", port: 0 }, receiveBufferBytes: 8 * 1024 ** 2, share },
    {
      clock: systemClock,
      document: (bytes) => void decoder.decode(bytes, (span) => encoder.span(span)),
    },
  )
  let late = performance.now()
  const waits: number[] = []
  let rss = process.memoryUsage.rss()
  const before = rss
  const timer = setInterval(() => {
    waits.push(performance.now() - late)
    late = performance.now()
    rss = Math.max(rss, process.memoryUsage.rss())
  }, 10)
  const args = [SENDER, String(udp.address.port), String(MANY), ...perSecond.map(String)]
  const children = Array.from({ length: senders }, () => spawn(process.execPath, args, { stdio: "inherit" }))
  const codes = await Promise.all(
    children.map((child) => once(child, "exit").then(([code]) => code as number)),
  )
  // What is left in the kernel's buffer.
  for (let seen = -1; seen !== udp.counters().received; await systemClock.sleep(200))
    seen = udp.counters().received
  clearInterval(timer)
  await udp.stop()
  const counters = udp.counters()
  const grownBytes = rss - before
  return {
    codes,
    counters,
    waits,
    grownBytes,
    decoded: decoder.counters(),
    encoded: encoder.counters(),
    documents,
  }
}

function expectAccounted(counters: XrayUdpCounters, sent: number): void {
  expect(counters.received + counters.kernelDropped).toBe(sent)
  expect(counters.passed + sum(counters.dropped)).toBe(counters.received)
}

test("a flood of good and hostile datagrams: all accounted for, memory flat, other work goes on", async () => {
  const { codes, counters, waits, grownBytes, decoded, encoded, documents } = await flooded(0.5, 2)
  expect(codes).toEqual([0, 0])
  expectAccounted(counters, MANY * 2)
  expect(decoded.documents).toBe(counters.passed)
  expect(encoded.spans + sum(decoded.dropped)).toBe(decoded.documents)
  expect(encoded.documents).toBe(documents)
  expect(decoded.dropped.too_deep).toBeGreaterThan(0)
  expect(decoded.dropped.no_name).toBeGreaterThan(0)
  expect(decoded.dropped.bad_json).toBeGreaterThan(0)
  expect(counters.dropped.bad_header).toBeGreaterThan(0)
  expect(grownBytes).toBeLessThan(64 * 1024 ** 2)
  const sorted = waits.toSorted((one, other) => one - other)
  expect(sorted[Math.floor(sorted.length * 0.9)]).toBeLessThan(150)
})

test("beyond its share of the time, segments are dropped unread, and counted", async () => {
  const { counters, decoded } = await flooded(0.05, 2)
  expectAccounted(counters, MANY * 2)
  expect(counters.dropped.overload).toBeGreaterThan(0)
  expect(decoded.documents).toBe(counters.passed)
})

test("4,000 segments a second, what the daemon's authors report of it: none is lost", async () => {
  const { counters, documents } = await flooded(0.5, 1, 4000)
  expect(counters).toMatchObject({ received: MANY, passed: MANY, kernelDropped: 0 })
  expect(documents).toBe(MANY)
})
