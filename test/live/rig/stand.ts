import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { Agent } from "../../../agent/start.ts"
import type { Collector } from "../../../collector/start.ts"
import type { Replicas } from "../../../demo/control-plane/placement.ts"
import { envoyBinary } from "../../../demo/envoy-binary.ts"
import type { FleetOptions } from "../../../demo/fleet.ts"
import type { LogPlan } from "../../../demo/logs.ts"
import { type Stage, startStage } from "../../../demo/stage.ts"
import { type Clock, systemClock } from "../../../mesh/clock.ts"
import { parseKubernetesObjects } from "../../../mesh/declare/kubernetes.ts"
import { exposed } from "./exposed.ts"
import { startAgentHere, startCollectorHere, toCollector } from "./here.ts"

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
  /** Lets the agent's monotonic clock go ahead. */
  pass(ms: number): void
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
  /** See `FleetOptions`. */
  readonly adapt?: FleetOptions["adapt"]
  readonly placement?: Replicas
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
    const { logs, seed, mix = "all", rate, adapt, placement } = options
    const stage = await startStage({
      model,
      runDir,
      logs,
      envoy: await envoyBinary(),
      flushMs: 200,
      seed,
      mix,
      ...(rate === undefined ? {} : { rate }),
      ...(adapt === undefined ? {} : { adapt }),
      ...(placement === undefined ? {} : { placement }),
    })
    undo.push(() => stage.stop())
    const collector = await startCollectorHere()
    undo.push(() => collector.stop())
    let ahead = 0
    const clock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + ahead }
    const pass = (ms: number): void => {
      ahead += ms
    }
    const agent = await startAgentHere({
      runDir,
      modelFile,
      targetsFile: stage.fleet.targetsFile,
      changes: { ...toCollector(collector), ...options.agent },
      clock,
    })
    undo.push(() => agent.stop())
    await everyProxyRead(agent, stage.fleet.proxies.length)
    const ask = async <T>(path: string): Promise<T> => {
      const answer = await fetch(`${collector.url}/api/v1${path}`)
      if (!answer.ok) throw new Error(`${path} answers ${answer.status}: ${await answer.text()}`)
      return (await answer.json()) as T
    }
    return { stage, agent, collector, runDir, configFile: join(runDir, "agent.yaml"), ask, pass, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
