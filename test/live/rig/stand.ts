import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { parseAgentConfig } from "../../../agent/config/parse.ts"
import { type Agent, startAgent } from "../../../agent/start.ts"
import { makeLog } from "../../../agent/telemetry/log.ts"
import { parseCollectorConfig } from "../../../collector/config.ts"
import { startCollector } from "../../../collector/main.ts"
import type { Collector } from "../../../collector/start.ts"
import { envoyBinary } from "../../../demo/envoy-binary.ts"
import type { LogPlan } from "../../../demo/logs.ts"
import { type Stage, startStage } from "../../../demo/stage.ts"
import { systemClock } from "../../../mesh/clock.ts"
import { parseKubernetesObjects } from "../../../mesh/declare/kubernetes.ts"
import { exposed } from "./exposed.ts"

const EXTENDED = join(import.meta.dirname, "../../../demo/yelb-extended.yaml")

/** Real Envoys with load and truth, and our agent and collector on them, all in this process but Envoys and applications. */
export interface Stand {
  readonly stage: Stage
  readonly agent: Agent
  readonly collector: Collector
  readonly runDir: string
  /** The agent's configuration, as a user would have it. */
  readonly configFile: string
  /** An answer of the collector's API. */
  readonly ask: <T>(path: string) => Promise<T>
  stop(): Promise<void>
}

export interface StandOptions {
  /** Log settings by resource; `*` for all. */
  readonly logs: LogPlan
  readonly seed: number
  readonly mix?: "all" | "everyday"
  readonly rate?: number
  /** Changes to the agent's configuration, by top-level key. */
  readonly agent?: Readonly<Record<string, unknown>>
  readonly modelFile?: string
}

const FIRST_LOOK_MS = 30_000

/**
 * Discovery hands targets over in its own time, and a first look may fail on a busy machine. What a proxy counted before
 * its first page was read is only a baseline, so nothing may be sent until all have been read.
 */
async function everyProxyRead(agent: Agent, count: number): Promise<void> {
  const until = performance.now() + FIRST_LOOK_MS
  for (;;) {
    const up = Object.values(exposed(agent.pipeline.ledger.snapshot, "proxyUp", ["proxy"]))
    if (up.length === count && up.every((value) => value === 1)) return
    if (performance.now() > until) throw new Error(`${up.length} of ${count} proxies were read in time`)
    await sleep(50)
  }
}

/** Brings everything up; on an error all of it is stopped again. */
export async function startStand(options: StandOptions): Promise<Stand> {
  const { modelFile = EXTENDED } = options
  const runDir = await mkdtemp(join(tmpdir(), "meshscope-live-"))
  const undo: (() => Promise<void>)[] = [() => rm(runDir, { recursive: true, force: true })]
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step()
  }
  try {
    const { model } = parseKubernetesObjects(await readFile(modelFile, "utf8"), modelFile)
    const { logs, seed, mix = "all", rate } = options
    const stage = await startStage({
      model,
      runDir,
      logs,
      envoy: await envoyBinary(),
      flushMs: 200,
      seed,
      mix,
      ...(rate === undefined ? {} : { rate }),
    })
    undo.push(() => stage.stop())
    const deps = {
      clock: systemClock,
      log: makeLog({ clock: systemClock, level: "error", stream: process.stderr }),
    }
    const settings = JSON.stringify({ listen: "127.0.0.1:0", store: { step: "1s" } })
    const collector = await startCollector(
      parseCollectorConfig({ file: "collector.yaml", text: settings, env: {} }),
      deps,
    )
    undo.push(() => collector.stop())
    const text = JSON.stringify({
      agent: { id: "stand", state: join(runDir, "state") },
      discover: { static: { file: stage.fleet.targetsFile } },
      scrape: { interval: "1s", timeout: "1s" },
      logs: { poll: "100ms", start: "beginning" },
      model: { files: [modelFile] },
      commit: "500ms",
      publish: { prometheus: { listen: "127.0.0.1:0" }, otlp: { endpoint: collector.url, interval: "1s" } },
      ...options.agent,
    })
    const configFile = join(runDir, "agent.yaml")
    await writeFile(configFile, text)
    const config = parseAgentConfig({ file: configFile, text, env: {}, hostName: "stand" })
    const agent = await startAgent(config, { ...deps, env: {}, version: "0", nodeVersion: "24" })
    undo.push(() => agent.stop())
    await everyProxyRead(agent, stage.fleet.proxies.length)
    const ask = async <T>(path: string): Promise<T> => {
      const answer = await fetch(`${collector.url}/api/v1${path}`)
      if (!answer.ok) throw new Error(`${path} answers ${answer.status}: ${await answer.text()}`)
      return (await answer.json()) as T
    }
    return { stage, agent, collector, runDir, configFile, ask, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
