import { spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { type AgentRun, bundle, memory, runAgent, type Way } from "./agent-run.ts"
import { captureProxies } from "./captured-proxies.ts"
import { type BenchResult, printAlone } from "./result.ts"
import { type StillFleet, startStillFleet } from "./still-fleet.ts"

const PROXIES = 50
const WARM_MS = 35_000
const MEASURED_MS = 75_000
const READ_EVERY_MS = 15_000

/**
 * P12: the whole agent as a process at a node of 50 proxies that nobody calls: pages of real Envoys every 15 s, a log
 * file each, its own page read every 15 s. From the bundle as an image runs it, and from source.
 */
export async function idleBench(): Promise<BenchResult[]> {
  bundle()
  const fleet = await startStillFleet(await captureProxies(), PROXIES)
  try {
    const [bundled, source, bare] = await Promise.all([
      measure("bundled", fleet),
      measure("source", fleet),
      bareMemory(),
    ])
    const of = (way: string, { cpu, now, highest }: Cost, goal: boolean): BenchResult[] => [
      {
        id: "P12",
        what: `idle agent of ${PROXIES} proxies, ${way}: resident memory (${highest.toFixed(0)} at its highest), against bare Node`,
        unit: "MB",
        ours: now,
        peer: bare,
        beside: "the peer only waits: the least that Node takes; no answer is compared. One reading each",
        ...(goal ? { goal: { most: 80 } } : {}),
      },
      {
        id: "P12",
        what: `idle agent of ${PROXIES} proxies, ${way}: share of a core`,
        unit: "%",
        ours: cpu * 100,
        ...(goal ? { goal: { most: 0.5 } } : {}),
      },
    ]
    return [...of("bundled", bundled, true), ...of("from source", source, false)]
  } finally {
    fleet.stop()
  }
}

interface Cost {
  /** Share of a core. */
  readonly cpu: number
  /** MB. */
  readonly now: number
  readonly highest: number
}

async function measure(way: Way, { proxies }: StillFleet): Promise<Cost> {
  const folder = mkdtempSync(join(tmpdir(), "bench-idle-"))
  mkdirSync(join(folder, "logs"))
  const targets = proxies.map(({ name, admin }) => {
    const log = join(folder, "logs", `${name}.log`)
    writeFileSync(log, "")
    return { name, admin, logs: [log] }
  })
  const config = {
    agent: { id: "bench", state: join(folder, "state") },
    discover: { static: { targets } },
    log: { level: "warn" },
  }
  const agent = await runAgent(way, folder, config)
  try {
    await agent.page((page) => page.match(/^mesh_proxy_up\{.*\} 1$/gm)?.length === proxies.length, 500)
    await sleep(WARM_MS)
    return await costOver(agent, MEASURED_MS)
  } finally {
    await agent.stop()
    rmSync(folder, { recursive: true })
  }
}

async function costOver(agent: AgentRun, ms: number): Promise<Cost> {
  const begun = performance.now()
  const before = agent.cpuSeconds()
  while (performance.now() - begun < ms) {
    await agent.page(() => true, READ_EVERY_MS)
    await sleep(READ_EVERY_MS)
  }
  const seconds = (performance.now() - begun) / 1000
  return { cpu: (agent.cpuSeconds() - before) / seconds, ...agent.memory() }
}

/** Node with nothing but a timer. */
async function bareMemory(): Promise<number> {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" })
  await sleep(2000)
  const { now } = memory(child)
  child.kill()
  return now
}

if (import.meta.main) await printAlone(idleBench)
