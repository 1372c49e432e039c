import { cpSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as fc from "fast-check"
import { uncompress } from "snappyjs"
import { expect, test } from "vitest"
import { DURATION_BOUNDS } from "#mesh/catalogue.ts"
import { BUCKET_COUNT } from "#mesh/histogram.ts"
import type { Family, Series, Snapshot } from "#mesh/snapshot.ts"
import { openLedger } from "../../agent/account/ledger.ts"
import { makeLabelBytes } from "../../agent/publish/remote-write/label-bytes.ts"
import { makeRemoteWriteExport } from "../../agent/publish/remote-write/remote-write-export.ts"
import { makeWriteRequest } from "../../agent/publish/remote-write/write-request.ts"
import { manualClock } from "../fixtures/ledger/manual-clock.ts"
import { readWriteRequest, type SentSeries } from "../fixtures/remote-write/write-request.ts"

const COMMON = { agent: "node-1", Zone: "a", zone: "b" }
const text = fc.oneof(
  fc.constantFrom("a", "b", "__proto__", "x".repeat(300)),
  fc.string({ unit: "binary", minLength: 1, maxLength: 140 }),
)
const step = fc.oneof(
  fc.record({ metric: fc.constantFrom("requests", "attempts"), route: text, amount: fc.maxSafeNat() }),
  fc.record({ metric: fc.constant("activeRequests"), route: text, amount: fc.double({ noNaN: true }) }),
  fc.record({
    metric: fc.constant("duration"),
    route: text,
    amount: fc.double({ min: 0, max: 999, noNaN: true }),
  }),
)

/** What a series should become, in words. */
function expected(snapshot: Snapshot, family: Family, series: Series, timeMs: number): SentSeries[] {
  const { name, type } = family.metric
  const one = (suffix: string, value: number, le?: string): SentSeries => {
    const all = {
      ...COMMON,
      ...Object.fromEntries(series.labels),
      __name__: name + suffix,
      ...(le === undefined ? {} : { le }),
    }
    const sorted = Object.entries(all).toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    return { labels: sorted.map(([key, own]) => `${key}=${own}`), samples: [[timeMs, value]] }
  }
  const own = snapshot.values[series.slot] ?? Number.NaN
  if (type !== "histogram") return [one("", own)]
  const counts = Array.from(snapshot.buckets.subarray(series.bucketAt, series.bucketAt + BUCKET_COUNT))
  let below = 0
  const buckets = counts.map((count, bucket) => {
    below += count
    const bound = DURATION_BOUNDS[bucket]
    const le = bound === undefined ? "+Inf" : Number.isInteger(bound) ? `${bound}.0` : `${bound}`
    return one("_bucket", below, le)
  })
  return [...buckets, one("_sum", own), one("_count", below)]
}

test("what is encoded is what the protocol's own messages read, series by series", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.array(step, { maxLength: 20 }), (first, second) => {
      const folder = mkdtempSync(join(tmpdir(), "meshscope-property-"))
      const clock = manualClock()
      const ledger = openLedger({ folder, clock, common: { cluster: "c" } })
      const request = makeWriteRequest(makeLabelBytes(COMMON), ledger.snapshot)
      try {
        for (const steps of [first, second]) {
          for (const { metric, route, amount } of steps) {
            if (metric === "activeRequests")
              ledger.set(ledger.slot("activeRequests", { source: route }), amount)
            else if (metric === "duration") ledger.observe(ledger.slot("duration", { route }), amount)
            else if (metric === "requests" || metric === "attempts")
              ledger.add(ledger.slot(metric, { route }), amount)
          }
          clock.advance(4321)
          ledger.commit()
          const { snapshot } = ledger
          const all = snapshot.families.flatMap((family) =>
            family.series.map((series) => ({ family, series })),
          )
          for (const { family, series } of all) request.put("value", family, series, snapshot.timeMs)
          const samples = request.samples
          const read = readWriteRequest(request.take())
          expect(read).toEqual(
            all.flatMap(({ family, series }) => expected(snapshot, family, series, snapshot.timeMs)),
          )
          expect(samples).toBe(read.length)
        }
      } finally {
        ledger.close()
        rmSync(folder, { recursive: true })
      }
    }),
    { numRuns: 60 },
  )
})

const NAMES = ["a", "b", "c"] as const
const deed = fc.oneof(
  fc.record({ do: fc.constantFrom("count", "observe", "gauge", "retire"), name: fc.constantFrom(...NAMES) }),
  fc.record({ do: fc.constantFrom("tick", "commit", "kill"), name: fc.constant("a" as const) }),
)

interface Held {
  /** By labels: samples as they were accepted. */
  readonly series: Map<string, (readonly [number, number])[]>
}

/** A receiver that refuses what Prometheus refuses. */
function receive(held: Held, payload: Uint8Array): void {
  for (const { labels, samples } of readWriteRequest(uncompress(payload))) {
    const names = labels.map((label) => label.slice(0, label.indexOf("=")))
    expect(names).toEqual([...new Set(names)].toSorted())
    const key = labels.join(",")
    const own = held.series.get(key) ?? []
    held.series.set(key, own)
    for (const sample of samples) {
      expect(sample[0], `${key} in order`).toBeGreaterThan(own.at(-1)?.[0] ?? -1)
      own.push(sample)
    }
  }
}

/** Of a histogram that of its sum. */
function keyOf(family: Family, series: Series): string {
  const name = family.metric.name + (family.metric.type === "histogram" ? "_sum" : "")
  const labels = series.labels.map(([key, own]) => `${key}=${own}`)
  return [...labels, "agent=x", `__name__=${name}`].toSorted().join(",")
}

/** How Prometheus adds up: from sample to sample, a fall is a new beginning; of a gauge, what it is. */
function increased(family: Family, samples: readonly (readonly [number, number])[]): number {
  if (family.metric.type === "gauge") return samples.at(-1)?.[1] ?? 0
  let sum = 0
  let before = samples[0]?.[1] ?? 0
  for (const [, value] of samples.slice(1)) {
    sum += value >= before ? value - before : value
    before = value
  }
  return sum
}

test("over kills, samples stay in order and increase() is what was counted", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { maxLength: 60 }), async (deeds) => {
      const root = mkdtempSync(join(tmpdir(), "meshscope-property-"))
      const clock = manualClock()
      let life = 0
      const start = () => {
        const ledger = openLedger({ folder: join(root, `${life}`), clock })
        const queue: string[] = JSON.parse(Buffer.from(ledger.restored("queue") ?? "[]").toString())
        ledger.join({ key: "queue", save: () => Buffer.from(JSON.stringify(queue)) })
        const outbox = {
          append: (_key: string, _timeMs: number, payload: Uint8Array) =>
            void queue.push(Buffer.from(payload).toString("base64")),
        }
        const { snapshot } = ledger
        const made = makeRemoteWriteExport(
          { labels: { agent: "x" }, maxSamples: 40 },
          { snapshot, clock, outbox, restored: ledger.restored("state") },
        )
        ledger.join({ key: "state", save: () => made.state.save() })
        return { ledger, queue, made }
      }
      let now = start()
      now.ledger.commit()
      try {
        for (const { do: what, name } of deeds) {
          clock.advance(7)
          const { ledger, made } = now
          if (what === "count") ledger.add(ledger.slot("requests", { route: name }), 1)
          else if (what === "observe") ledger.observe(ledger.slot("duration", { route: name }), 0.3)
          else if (what === "gauge") ledger.set(ledger.slot("proxyUp", { proxy: name }), 1)
          else if (what === "retire") ledger.retire(ledger.slot("proxyUp", { proxy: name }))
          else if (what === "commit") ledger.commit()
          else if (what === "tick") await made.tick()
          else {
            // What a kill leaves is what the files hold now; closing would commit.
            cpSync(join(root, `${life}`), join(root, `${++life}`), {
              recursive: true,
              filter: (path) => !path.includes("lock"),
            })
            ledger.close()
            now = start()
          }
        }
        clock.advance(7)
        now.ledger.commit()
        await now.made.tick()
        now.ledger.commit()
        const held: Held = { series: new Map() }
        for (const payload of now.queue) receive(held, Buffer.from(payload, "base64"))
        const { snapshot } = now.ledger
        for (const family of snapshot.families)
          for (const series of family.series) {
            const samples = held.series.get(keyOf(family, series)) ?? []
            const value = snapshot.values[series.slot] ?? Number.NaN
            expect(samples.at(-1)?.[1]).toBe(value)
            expect(increased(family, samples)).toBeCloseTo(value, 9)
          }
        // What is not marked as ended is there now, or was there when the agent was killed.
        const there = new Set(
          snapshot.families.flatMap((family) => family.series.map((series) => keyOf(family, series))),
        )
        const killed = deeds.some((one) => one.do === "kill")
        const unmarked = [...held.series].filter(
          ([key, samples]) => key.includes("mesh_proxy_up") && !Number.isNaN(samples.at(-1)?.[1] ?? 0),
        )
        expect(killed ? [] : unmarked.map(([key]) => key).filter((key) => !there.has(key))).toEqual([])
      } finally {
        now.ledger.close()
        rmSync(root, { recursive: true })
      }
    }),
    { numRuns: 150 },
  )
}, 30_000)
