import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { parseAgentConfig } from "../../../agent/config/parse.ts"
import { type Agent, startAgent } from "../../../agent/start.ts"
import { makeLog } from "../../../agent/telemetry/log.ts"
import { parseCollectorConfig } from "../../../collector/config.ts"
import { startCollector } from "../../../collector/main.ts"
import type { Collector } from "../../../collector/start.ts"
import { type Clock, systemClock } from "../../../mesh/clock.ts"

export interface AgentHereOptions {
  /** Its state, and its configuration as a user would have it: `agent.yaml`. */
  readonly runDir: string
  readonly modelFile: string
  readonly targetsFile: string
  /** Changes to the configuration, by top-level key. */
  readonly changes?: Readonly<Record<string, unknown>>
  readonly clock?: Clock
}

/** An agent in this process, that looks often and reads logs from their beginning. Its errors go to stderr. */
export async function startAgentHere(options: AgentHereOptions): Promise<Agent> {
  const { runDir, modelFile, targetsFile, changes = {}, clock = systemClock } = options
  const file = join(runDir, "agent.yaml")
  const text = JSON.stringify({
    agent: { id: "here", state: join(runDir, "state") },
    discover: { static: { file: targetsFile } },
    scrape: { interval: "1s", timeout: "1s" },
    logs: { poll: "100ms", start: "beginning" },
    model: { files: [modelFile] },
    publish: { prometheus: { listen: "127.0.0.1:0" } },
    ...changes,
  })
  await writeFile(file, text)
  const config = parseAgentConfig({ file, text, env: {}, hostName: "here" })
  const log = makeLog({ clock: systemClock, level: "error", stream: process.stderr })
  return startAgent(config, { clock, log, env: {}, version: "0", nodeVersion: "24" })
}

/** Waits until the agent has read so many access lines in all, and commits them. */
export async function committed({ pipeline }: Agent, lines: number): Promise<void> {
  const until = performance.now() + 3000
  while (pipeline.lines.counters.access < lines && performance.now() < until) await sleep(5)
  pipeline.commit()
}

/**
 * A collector in this process.
 * @param changes to its configuration, by top-level key
 */
export function startCollectorHere(changes: Readonly<Record<string, unknown>> = {}): Promise<Collector> {
  const text = JSON.stringify({ listen: "127.0.0.1:0", store: { step: "1s" }, ...changes })
  const log = makeLog({ clock: systemClock, level: "error", stream: process.stderr })
  const config = parseCollectorConfig({ file: "collector.yaml", text, env: {} })
  return startCollector(config, { clock: systemClock, log })
}

/** What an agent's configuration needs to tell the collector all, soon. */
export const toCollector = (collector: Collector): Readonly<Record<string, unknown>> => ({
  commit: "500ms",
  publish: { prometheus: { listen: "127.0.0.1:0" }, otlp: { endpoint: collector.url, interval: "1s" } },
})
