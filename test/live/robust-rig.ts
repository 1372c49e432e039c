import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { envoyBinary } from "../../demo/envoy-binary.ts"
import type { LogPlan } from "../../demo/logs.ts"
import { type Stage, startStage } from "../../demo/stage.ts"
import { type Target, targetsYaml } from "../../demo/targets.ts"
import { parseKubernetesObjects } from "../../mesh/declare/kubernetes.ts"
import { RunningCommand } from "./robust-command.ts"

const MODEL = join(import.meta.dirname, "../../demo/yelb-extended.yaml")

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

export async function startRobustRig(
  logs: LogPlan,
  options: { readonly seed: number; readonly mix?: "all" | "everyday" },
): Promise<RobustRig> {
  const runDir = await mkdtemp(join(tmpdir(), "meshscope-robust-"))
  const { model } = parseKubernetesObjects(await readFile(MODEL, "utf8"), MODEL)
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
      const file = join(runDir, "agent.yaml")
      await writeFile(file, JSON.stringify({ ...settings(runDir, targetsFile), ...changes }))
      const command = new RunningCommand(["agent", "--config", file], before)
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

const settings = (runDir: string, targetsFile: string): Readonly<Record<string, unknown>> => ({
  agent: { id: "robust", state: join(runDir, "state") },
  discover: { static: { file: targetsFile, interval: "200ms" } },
  scrape: { interval: "1s", timeout: "1s", maxPageBytes: "4MiB" },
  logs: { poll: "100ms", start: "beginning" },
  model: { files: [MODEL] },
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
