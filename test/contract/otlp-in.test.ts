import { gunzipSync } from "node:zlib"
import { describe, expect, it } from "vitest"
import { METRICS, type MetricKey } from "#mesh/catalogue.ts"
import { openLedger } from "../../agent/account/ledger.ts"
import { makeMetricsEncoder } from "../../agent/publish/otlp/metrics-encoder.ts"
import { type MetricsRequest, makeMetricsExport } from "../../agent/publish/otlp/metrics-export.ts"
import { Intake } from "../../collector/ingest/intake.ts"
import { readProtobufMetrics } from "../../collector/ingest/otlp-protobuf.ts"
import { SmallCollector, STEP_MS, T0 } from "../fixtures/collector/small-collector.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"
import { manualClock } from "../fixtures/ledger/manual-clock.ts"

const RESOURCE = { "service.name": "meshscope-agent", "service.instance.id": "node-1", "host.name": "node-1" }
const SCOPE = { name: "meshscope", version: "1.2.3" }

/** The labels that the agent's code may set, each with a value that would show a mix-up. */
function labelsOf(key: MetricKey, variant: number): Record<string, string> {
  const own = METRICS[key].labels.map((name) => [name, `${name}-${variant}-größe`] as const)
  return { mesh: "yelb", flavor: "app-mesh", ...Object.fromEntries(own) }
}

describe("the agent's ledger and encoder against the collector's intake", () => {
  it("every metric of the catalogue arrives with its labels and value", async () => {
    const clock = manualClock(T0)
    const ledger = openLedger({ folder: temporaryFolder(), clock })
    const collector = new SmallCollector()
    const keys = Object.keys(METRICS) as MetricKey[]
    for (const key of keys) {
      const slot = ledger.slot(key, labelsOf(key, 1))
      if (METRICS[key].type === "histogram") ledger.observe(slot, 0.02, 7)
      else if (METRICS[key].type === "counter") ledger.add(slot, 12_345)
      else ledger.set(slot, 0.5)
    }
    ledger.commit()
    const encoder = makeMetricsEncoder({ resource: RESOURCE, scope: SCOPE })
    const { snapshot } = ledger
    const groups = snapshot.families.map((family) => ({ family, series: family.series }))
    const request = collector.intake.request(T0)
    readProtobufMetrics(encoder.encode(snapshot, groups), request)
    expect(request.taken()).toEqual({ rejected: 0, reason: "" })
    collector.pass(STEP_MS)
    for (const key of keys) {
      const metric = METRICS[key]
      const by = Object.keys(labelsOf(key, 1))
      const wanted = Object.values(labelsOf(key, 1))
      const answer = await collector.store.query({ metric, by, fromMs: T0, toMs: T0 + STEP_MS })
      const gauges = await collector.store.gauges(metric)
      const found =
        metric.type === "gauge"
          ? gauges.map(({ labels, value }) => [by.map((name) => labels.get(name)), value])
          : answer.groups.map(({ labels, values }) => [
              labels,
              metric.type === "histogram" ? [values[4], Number((values.at(-1) ?? 0).toFixed(9))] : values[0],
            ])
      const value = { gauge: 0.5, counter: 12_345, histogram: [7, 0.14] }[metric.type]
      expect([key, found]).toEqual([key, [[wanted, value]]])
    }
    expect(collector.intake.agents()).toMatchObject([{ id: "node-1", host: "node-1" }])
    ledger.close()
  })

  it("ticks that carry changes only, in several requests, with batches lost and sent again, add up to the ledger", async () => {
    const clock = manualClock(T0)
    const ledger = openLedger({ folder: temporaryFolder(), clock })
    const collector = new SmallCollector()
    collector.now = T0
    const big = new Intake(
      { maxAgents: 1, maxSeriesPerAgent: 20_000, gaugeStaleMs: 660_000, settleMs: 600_000 },
      collector.store,
      T0,
    )
    const batches: MetricsRequest[] = []
    const out = makeMetricsExport(
      { resource: RESOURCE, scope: SCOPE },
      { snapshot: ledger.snapshot, clock, offer: (batch) => batches.push(batch) },
    )
    let seed = 3
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
      return Math.floor((seed / 2 ** 32) * below)
    }
    const slots = Array.from({ length: 6000 }, (_, index) =>
      ledger.slot("requests", labelsOf("requests", index)),
    )
    let total = 0
    for (let tick = 0; tick < 45; tick++) {
      for (const slot of slots) {
        if (random(3) > 0) continue
        const amount = random(50)
        ledger.add(slot, amount)
        total += amount
      }
      ledger.commit()
      await out.tick()
      for (const batch of batches.splice(0)) {
        const last = tick > 42
        const lot = last ? 9 : random(10)
        if (lot === 0) out.resend(batch)
        else
          for (let copy = 0; copy < (lot === 1 ? 2 : 1); copy++) {
            const request = big.request(collector.now)
            readProtobufMetrics(gunzipSync(batch.payload), request)
          }
      }
      clock.advance(STEP_MS)
      collector.now += STEP_MS
      big.stage()
      collector.store.advance(collector.now)
    }
    const { groups } = await collector.store.query({
      metric: METRICS.requests,
      by: [],
      fromMs: T0 - 60_000,
      toMs: collector.store.endMs,
    })
    expect(groups[0]?.values[0]).toBe(total)
    expect(big.counts).toMatchObject({ resets: 0, old: 0, rejected: 0, baselines: 0 })
    ledger.close()
  })
})
