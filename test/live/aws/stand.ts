import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { TracerPlan } from "../../../demo/control-plane/tracing.ts"
import { envoyBinary } from "../../../demo/envoy-binary.ts"
import { samplesOf } from "../../../demo/exposition.ts"
import { type Stage, startStage } from "../../../demo/stage.ts"
import { parseKubernetesObjects } from "../../../mesh/declare/kubernetes.ts"
import { AgentProcess } from "../rig/agent-process.ts"

const MODEL = join(import.meta.dirname, "../../../demo/yelb-extended.yaml")

/** The yelb on real Envoys that log JSON, and `meshscope agent` as a process of its own. */
export interface AwsStand {
  readonly stage: Stage
  readonly agent: AgentProcess
  readonly runDir: string
  /** @param env what the agent has in its environment beside `PATH` and `HOME` */
  start(env: Readonly<Record<string, string>>): void
  /** Every proxy was read, so that what is sent now is counted by all. */
  ready(): Promise<void>
  stop(): Promise<void>
}

export interface AwsStandOptions {
  readonly seed: number
  readonly rate: number
  readonly tracers?: TracerPlan
  /** `publish`, `receive`, `spans` and what else differs, as a user writes it. */
  readonly config: { readonly publish: object; readonly [section: string]: unknown }
}

/** Brings up all but the agent, which waits to be started. On an error all of it is stopped again. */
export async function startAwsStand(options: AwsStandOptions): Promise<AwsStand> {
  const runDir = await mkdtemp(join(tmpdir(), "meshscope-aws-"))
  const undo: (() => Promise<unknown>)[] = [() => rm(runDir, { recursive: true, force: true })]
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step()
  }
  try {
    const { model } = parseKubernetesObjects(await readFile(MODEL, "utf8"), MODEL)
    const { seed, rate, tracers = {} } = options
    const stage = await startStage({
      model,
      runDir,
      logs: { "*": "json" },
      envoy: await envoyBinary(),
      flushMs: 100,
      seed,
      rate,
      // X-Ray takes no trace of another time.
      tracesBegan: Math.floor(Date.now() / 1000),
      tracers,
    })
    undo.push(() => stage.stop())
    const agent = await agentOf(options, stage, runDir)
    undo.push(() => agent.end("SIGKILL"))
    const up = (page: string): boolean =>
      samplesOf(page, "mesh_proxy_up").filter(({ count }) => count === 1).length ===
      stage.fleet.proxies.length
    return {
      stage,
      agent,
      runDir,
      start: (env) => agent.start({ PATH: process.env["PATH"], HOME: runDir, ...env }),
      ready: async () => void (await agent.until(up)),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function agentOf({ config }: AwsStandOptions, { fleet }: Stage, runDir: string): Promise<AgentProcess> {
  return AgentProcess.prepare(runDir, `127.${fleet.base}.9.1:9464`, {
    agent: { id: "here", state: join(runDir, "state") },
    discover: { static: { file: fleet.targetsFile } },
    scrape: { interval: "1s", timeout: "1s" },
    logs: { poll: "100ms", start: "beginning" },
    model: { files: [MODEL] },
    commit: "300ms",
    ...config,
  })
}
