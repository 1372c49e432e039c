import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { parseCollectorConfig } from "../../collector/config.ts"
import { startCollector } from "../../collector/main.ts"
import type { Collector } from "../../collector/start.ts"
import { systemClock } from "../../mesh/clock.ts"
import { exposed } from "../live/rig/exposed.ts"
import { freePort } from "../live/rig/free-port.ts"
import { apiByRoute, truthByRoute } from "../live/rig/routes-told.ts"
import { type Stand, startStand } from "../live/rig/stand.ts"
import { REQUEST_NAMES, truthRequests } from "../live/rig/truth-counts.ts"
import { type Otelcol, startOtelcol } from "./otelcol.ts"

/**
 * A real OpenTelemetry Collector between our agent and our collector: it takes what the agent sends, writes it down, and
 * passes it on. Both ends must tell the truth.
 */
const REQUESTS = 3000
let folder: string
let otelcol: Otelcol
let collector: Collector
let stand: Stand

async function ask<T>(path: string): Promise<T> {
  return (await (await fetch(`${collector.url}/api/v1${path}`)).json()) as T
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "meshscope-otelcol-"))
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
  const settings = JSON.stringify({ listen: "127.0.0.1:0", store: { step: "1s" } })
  const config = parseCollectorConfig({ file: "collector.yaml", text: settings, env: {} })
  collector = await startCollector(config, { clock: systemClock, log })
  const port = await freePort()
  const pipeline = {
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${port}` } } } },
    exporters: {
      file: { path: join(folder, "metrics.json") },
      otlphttp: { endpoint: collector.url, sending_queue: { enabled: false } },
    },
    service: {
      telemetry: { metrics: { level: "none" } },
      pipelines: { metrics: { receivers: ["otlp"], exporters: ["file", "otlphttp"] } },
    },
  }
  otelcol = await startOtelcol(folder, pipeline, [`http://127.0.0.1:${port}/v1/metrics`])
  stand = await startStand({
    logs: { "*": "json" },
    seed: 19,
    agent: {
      publish: {
        prometheus: { listen: "127.0.0.1:0" },
        otlp: { endpoint: `http://127.0.0.1:${port}`, interval: "1s" },
      },
    },
  })
})

afterAll(async () => {
  await stand?.stop()
  await otelcol?.stop()
  await collector?.stop()
  await rm(folder, { recursive: true, force: true })
})

interface Point {
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue: string } }[]
  readonly asDouble: number
}
interface Written {
  readonly resourceMetrics: readonly {
    readonly scopeMetrics: readonly {
      readonly metrics: readonly {
        readonly name: string
        readonly sum?: {
          readonly dataPoints: readonly Point[]
          readonly aggregationTemporality: number
          readonly isMonotonic: boolean
        }
      }[]
    }[]
  }[]
}

/** The last value of each series of `mesh_requests_total` that the other collector wrote down, by our labels. */
async function written(): Promise<Record<string, number>> {
  const last = new Map<string, { readonly key: string; readonly value: number }>()
  for (const line of (await readFile(join(folder, "metrics.json"), "utf8"))
    .split("\n")
    .filter((text) => text.endsWith("}"))) {
    const batch = JSON.parse(line) as Written
    for (const metric of batch.resourceMetrics.flatMap(({ scopeMetrics }) =>
      scopeMetrics.flatMap(({ metrics }) => metrics),
    )) {
      if (metric.name !== "mesh_requests_total" || metric.sum === undefined) continue
      expect(metric.sum.isMonotonic).toBe(true)
      expect(metric.sum.aggregationTemporality).toBe(2)
      for (const point of metric.sum.dataPoints) {
        const labels = Object.fromEntries(point.attributes.map(({ key, value }) => [key, value.stringValue]))
        const key = REQUEST_NAMES.flatMap((name) =>
          labels[name] === undefined ? [] : [`${name}=${labels[name]}`],
        ).join(" ")
        last.set(JSON.stringify(labels), { key, value: point.asDouble })
      }
    }
  }
  const counts: Record<string, number> = {}
  for (const { key, value } of last.values()) counts[key] = (counts[key] ?? 0) + value
  return counts
}

test("what the other collector got from our agent is the truth, to the request", {
  timeout: 120_000,
}, async () => {
  await stand.stage.run(REQUESTS)
  const wanted = truthRequests((await stand.stage.truth()).requests)
  await expect
    .poll(() => exposed(stand.agent.pipeline.ledger.snapshot, "requests", REQUEST_NAMES), {
      timeout: 20_000,
      interval: 500,
    })
    .toEqual(wanted)
  await expect.poll(written, { timeout: 20_000, interval: 1000 }).toEqual(wanted)
})

test("what our collector got from the other one is the truth, to the request", async () => {
  const wanted = truthByRoute((await stand.stage.truth()).requests)
  await expect.poll(() => apiByRoute(ask), { timeout: 20_000, interval: 1000 }).toEqual(wanted)
})
