import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { expect } from "vitest"
import { envoyBinary } from "../../../demo/envoy-binary.ts"
import type { LogPlan } from "../../../demo/logs.ts"
import { type Stage, startStage } from "../../../demo/stage.ts"
import { type Target, targetsYaml } from "../../../demo/targets.ts"
import { parseKubernetesObjects } from "../../../mesh/declare/kubernetes.ts"
import type { Counts } from "../rig/counts.ts"
import { pageCounts } from "../rig/page-counts.ts"
import { REQUEST_NAMES } from "../rig/truth-counts.ts"
import { RunningCommand } from "./command.ts"

const demo = (name: string): string => join(import.meta.dirname, "../../../demo", name)
/** The yelb with one of every kind of route, and the one that users of App Mesh had. */
const MODELS = { extended: demo("yelb-extended.yaml"), plain: demo("yelb.yaml") } as const

/** The yelb on real Envoys, and a place for an agent: `meshscope agent` as a process of its own. */
export interface RobustRig {
  readonly stage: Stage
  readonly runDir: string
  /** Writes the targets file, whole. */
  target(targets: readonly Target[]): Promise<void>
  /** The fleet's own targets, by the name of their resource. */
  own(resource: string): Target
  startAgent(changes?: Readonly<Record<string, unknown>>, before?: readonly string[]): Promise<RobustAgent>
  stop(): Promise<void>
}

export interface RobustAgent {
  readonly command: RunningCommand
  readonly url: string
  page(): Promise<string>
  /** Polls until the page satisfies; throws with the reason otherwise. */
  until(what: string, satisfied: (page: string) => boolean, timeoutMs?: number): Promise<string>
}

export interface RobustOptions {
  readonly seed: number
  readonly model?: keyof typeof MODELS
  readonly mix?: "all" | "everyday"
  readonly rate?: number
}

export async function startRobustRig(
  logs: LogPlan,
  { model: kind = "extended", ...options }: RobustOptions,
): Promise<RobustRig> {
  const file = MODELS[kind]
  const runDir = await mkdtemp(join(tmpdir(), "meshscope-robust-"))
  const { model } = parseKubernetesObjects(await readFile(file, "utf8"), file)
  const envoy = await envoyBinary()
  const stage = await startStage({ model, runDir, logs, envoy, flushMs: 100, ...options })
  const { targetsFile, proxies } = stage.fleet
  const agents: RunningCommand[] = []
  return {
    stage,
    runDir,
    target: (targets) => writeFile(targetsFile, targetsYaml(targets)),
    own(resource) {
      const found = proxies.find(({ pod }) => pod.resource === resource)
      if (found === undefined) throw new Error(`no proxy of ${resource}`)
      return { name: found.name, admin: found.admin, logs: [found.log] }
    },
    async startAgent(changes = {}, before = []) {
      const config = join(runDir, "agent.yaml")
      await writeFile(config, JSON.stringify({ ...settings(runDir, targetsFile, file), ...changes }))
      const command = new RunningCommand(["agent", "--config", config], before)
      agents.push(command)
      const [, url = ""] = await command.says(/"metrics":"([^"]+)"/)
      return agentAt(command, url)
    },
    async stop() {
      for (const command of agents) await command.end("SIGKILL")
      await stage.stop()
      await rm(runDir, { recursive: true, force: true })
    },
  }
}

const settings = (runDir: string, targetsFile: string, model: string): Readonly<Record<string, unknown>> => ({
  agent: { id: "robust", state: join(runDir, "state") },
  discover: { static: { file: targetsFile, interval: "200ms" } },
  scrape: { interval: "1s", timeout: "1s", maxPageBytes: "4MiB" },
  logs: { poll: "100ms", start: "beginning" },
  model: { files: [model] },
  commit: "500ms",
  publish: { prometheus: { listen: "127.0.0.1:0" } },
})

function agentAt(command: RunningCommand, url: string): RobustAgent {
  const page = async (): Promise<string> => (await fetch(url, { signal: AbortSignal.timeout(5000) })).text()
  return {
    command,
    url,
    page,
    async until(what, satisfied, timeoutMs = 20_000) {
      const until = performance.now() + timeoutMs
      for (;;) {
        const now = await page()
        if (satisfied(now)) return now
        if (performance.now() > until) throw new Error(`${what}: not within ${timeoutMs} ms`)
        await sleep(100)
      }
    },
  }
}

/** Waits until the agent's page counts requests as wanted. @returns the page */
export async function told(agent: RobustAgent, wanted: Counts, timeout = 12_000): Promise<string> {
  let page = ""
  await expect
    .poll(
      async () => {
        page = await agent.page()
        return pageCounts(page, "mesh_requests_total", REQUEST_NAMES)
      },
      { timeout, interval: 250 },
    )
    .toEqual(wanted)
  return page
}
