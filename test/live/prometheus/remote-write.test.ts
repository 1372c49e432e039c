import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { openLedger } from "../../../agent/account/ledger.ts"
import type { QueueRecord } from "../../../agent/publish/contract.ts"
import { DEFAULT_DELIVERY, Delivery } from "../../../agent/publish/delivery/delivery.ts"
import { makeMemoryQueue } from "../../../agent/publish/delivery/memory-queue.ts"
import { makeRemoteWriteExport } from "../../../agent/publish/remote-write/remote-write-export.ts"
import {
  makeRemoteWriteSink,
  type RemoteWriteBody,
} from "../../../agent/publish/remote-write/remote-write-sink.ts"
import { systemClock } from "../../../mesh/clock.ts"
import { component } from "../../../scripts/components/component.ts"
import { Prometheus, type PrometheusOptions } from "./server.ts"

/** A real Prometheus that is pushed to, before, during and after it is away. */
const VERSIONS = ["prometheus", "prometheus-3"] as const
const TICK_MS = 500
const ROUTES = 60

function rig(folder: string, url: string) {
  const ledger = openLedger({ folder, clock: systemClock, common: { cluster: "eu-1" } })
  const queue = makeMemoryQueue<QueueRecord>({ maxBytes: 1e8, maxRecords: 1e5 })
  const outbox = {
    append: (key: string, timeMs: number, payload: Uint8Array, count = 1) =>
      queue.offer({ key, timeMs, payload, count }),
  }
  const { snapshot } = ledger
  const made = makeRemoteWriteExport(
    { labels: { agent: "node-1" }, maxSamples: 500 },
    { snapshot, clock: systemClock, outbox, restored: undefined },
  )
  const sink = makeRemoteWriteSink({ url, version: "1" }, { clock: systemClock })
  const delivery = new Delivery(
    { ...DEFAULT_DELIVERY, ordered: true, timeoutMs: 2000, backoff: { firstMs: 100, mostMs: 500 } },
    { queue, sink, clock: systemClock, random: Math.random },
  )
  const count = (outcome: string, times: number): void => {
    for (let route = 0; route < ROUTES; route++) {
      ledger.add(ledger.slot("requests", { route: `r${route}`, outcome }), times)
      ledger.observe(ledger.slot("duration", { route: `r${route}` }), 0.001 * (route + 1), times)
    }
  }
  const tick = async (): Promise<void> => {
    ledger.commit()
    await made.tick()
    await sleep(TICK_MS)
  }
  return { ledger, delivery, count, tick }
}

/** Until nothing waits. */
async function drained(delivery: Delivery<RemoteWriteBody>): Promise<void> {
  await expect.poll(() => delivery.counters.held, { timeout: 20_000 }).toBe(0)
}

describe.each(VERSIONS)("%s", (version) => {
  let folder: string
  let prometheus: Prometheus
  let options: PrometheusOptions
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "meshscope-remote-write-"))
    const listen = version === "prometheus" ? "127.77.9.10:9090" : "127.77.9.11:9090"
    options = {
      binary: await component(version),
      folder: join(folder, "prometheus"),
      listen,
      intervalMs: 1000,
      receives: true,
    }
    prometheus = await Prometheus.start(options)
  }, 120_000)
  afterAll(async () => {
    await prometheus.stop()
    await rm(folder, { recursive: true, force: true })
  })

  test("what is pushed is the ledger's, each point of an outage too, and increase() counts the first failures", async () => {
    const began = Date.now()
    const { ledger, delivery, count, tick } = rig(join(folder, "state"), `${prometheus.url}/api/v1/write`)
    await delivery.start()
    const gauge = ledger.slot("proxyUp", { proxy: "gone" })
    ledger.set(gauge, 1)
    for (let round = 0; round < 4; round++) {
      count("ok", 3)
      await tick()
    }
    await drained(delivery)
    expect(await prometheus.query("mesh_proxy_up")).toHaveLength(1)
    ledger.retire(gauge)
    await tick()
    await prometheus.stop()
    const away = Date.now()
    for (let round = 0; round < 4; round++) {
      count("ok", 2)
      if (round === 1) count("error", 5)
      await tick()
    }
    expect(delivery.counters).toMatchObject({ trouble: expect.stringContaining("ECONNREFUSED") })
    prometheus = await Prometheus.start(options)
    const back = Date.now()
    await tick()
    await drained(delivery)
    expect([...delivery.counters.dropped]).toEqual([])

    const total = async (query: string): Promise<number | undefined> =>
      (await prometheus.query(query))[0]?.samples[0]?.[1]
    expect(await total('sum(mesh_requests_total{agent="node-1",cluster="eu-1"})')).toBe(ROUTES * (12 + 8 + 5))
    expect(await total("count(mesh_requests_total)")).toBe(ROUTES * 2)
    expect(await total("sum(mesh_request_duration_seconds_count)")).toBe(ROUTES * 25)
    expect(await total('sum(mesh_request_duration_seconds_bucket{le="+Inf"})')).toBe(ROUTES * 25)
    expect(await total("sum(mesh_request_duration_seconds_sum)")).toBeCloseTo(
      (25 * 0.001 * (ROUTES * (ROUTES + 1))) / 2,
      6,
    )
    // The gauge that left is not told as present, though it was within the last minutes.
    expect(await prometheus.query("mesh_proxy_up")).toEqual([])
    // Points of the time when nobody was there to take them.
    const [route] = await prometheus.samples('mesh_requests_total{route="r7",outcome="ok"}')
    const times = (route?.samples ?? []).map(([seconds]) => Math.round(seconds * 1000))
    expect(times.filter((time) => time >= away && time <= back).length).toBeGreaterThanOrEqual(4)
    expect(times).toHaveLength(1 + 4 + 1 + 4 + 1)
    // A range that ends with the last sample: nothing is stretched at its end, and nothing below zero at its beginning.
    const last = (times.at(-1) ?? 0) / 1000
    const range = `${Math.round(last * 1000 - began + 5000)}ms`
    const risen = async (outcome: string): Promise<number[]> =>
      (await prometheus.query(`increase(mesh_requests_total{outcome="${outcome}"}[${range}])`, last)).map(
        ({ samples }) => Math.round((samples[0]?.[1] ?? 0) * 1e6) / 1e6,
      )
    expect(await risen("error")).toEqual(Array.from({ length: ROUTES }, () => 5))
    expect(await risen("ok")).toEqual(Array.from({ length: ROUTES }, () => 20))
    await delivery.stop(1000)
    ledger.close()
  }, 60_000)

  test("what it refuses for good is told with its reason, and the rest goes on", async () => {
    const url = `${prometheus.url}/api/v1/write`
    const sink = makeRemoteWriteSink({ url, version: "1" }, { clock: systemClock })
    const body = { payload: new Uint8Array([1, 2, 3]) }
    expect(await sink.write(body, AbortSignal.timeout(5000))).toMatchObject({
      kind: "rejected",
      reason: "invalid",
    })
    const nowhere = makeRemoteWriteSink(
      { url: `${prometheus.url}/nowhere`, version: "1" },
      { clock: systemClock },
    )
    expect(await nowhere.write(body, AbortSignal.timeout(5000))).toMatchObject({
      kind: "rejected",
      reason: "not_found",
    })
    await Promise.all([sink.stop(), nowhere.stop()])
  })
})
