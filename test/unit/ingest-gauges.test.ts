import { describe, expect, it } from "vitest"
import { METRICS } from "#mesh/catalogue.ts"
import { SmallCollector, T0 } from "../fixtures/collector/small-collector.ts"
import { at, counter } from "../fixtures/otlp-in/cumulative.ts"
import type { TestMetric } from "../fixtures/otlp-in/otlp-writer.ts"

describe("gauges of agents", () => {
  it("go when the agent says that they ended", async () => {
    const collector = new SmallCollector()
    collector.send("a", up(1))
    expect(await collector.store.gauges(METRICS.proxyUp)).toHaveLength(1)
    collector.send("a", up(0, 1))
    expect(await collector.store.gauges(METRICS.proxyUp)).toHaveLength(0)
    collector.send("a", up(1))
    expect(await collector.store.gauges(METRICS.proxyUp)).toHaveLength(1)
  })

  it("come back under their own name after their place was given to another", async () => {
    const collector = new SmallCollector()
    collector.send("a", proxyGauge("p", 1, 0))
    collector.send("a", proxyGauge("p", 0, 1))
    collector.pass(60_000)
    collector.send("a", proxyGauge("q", 1, 0))
    collector.send("a", proxyGauge("p", 5, 0))
    const rows = await collector.store.gauges(METRICS.proxyUp)
    expect(rows.map((row) => [row.labels.get("proxy"), row.value])).toEqual([
      ["q", 1],
      ["p", 5],
    ])
  })

  it("go when a reporting agent leaves them out of its full sends, and stay while it is silent", async () => {
    const collector = new SmallCollector()
    collector.send("a", up(1))
    collector.send("b", up(1))
    for (let minute = 1; minute <= 15; minute++) {
      collector.pass(60_000)
      collector.send("a", counter(at(minute, T0, collector.now)))
      collector.intake.sweep(collector.now)
    }
    expect((await collector.store.gauges(METRICS.proxyUp)).map((row) => row.agent)).toEqual(["b"])
    expect(collector.intake.agents().map((agent) => agent.id)).toEqual(["a", "b"])
    for (let minute = 1; minute <= 61; minute++) {
      collector.pass(60_000)
      collector.intake.sweep(collector.now)
    }
    expect(collector.intake.agents().map((agent) => agent.id)).toEqual([])
  })
})

function up(value: number, flags?: number): TestMetric[] {
  return [
    {
      name: METRICS.proxyUp.name,
      kind: "gauge",
      points: [{ attributes: { proxy: "p" }, value, ...(flags === undefined ? {} : { flags }) }],
    },
  ]
}

function proxyGauge(proxy: string, value: number, flags: number): TestMetric[] {
  return [{ name: METRICS.proxyUp.name, kind: "gauge", points: [{ attributes: { proxy }, value, flags }] }]
}
