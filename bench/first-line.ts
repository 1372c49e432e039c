import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { bundle, runAgent, type Way } from "./agent-run.ts"
import { type CapturedProxy, captureProxies } from "./captured-proxies.ts"
import { type BenchResult, printAlone } from "./result.ts"
import { startStillFleet } from "./still-fleet.ts"

const ROUNDS = 7
const WAYS: readonly Way[] = ["bundled", "bundled, bare", "source"]
const LOOK_EVERY_MS = 5
const COUNTED = /^mesh_requests_total\{.*provenance="log".*\} 1$/m

/**
 * P16: from the start of the agent's process until the page shows the one request in a log file that was there before,
 * the waits for the look at the file (50 ms) and for the commit (100 ms) included. Median of several starts with no
 * state, against a start of Node that does nothing.
 */
export async function firstLineBench(): Promise<BenchResult[]> {
  bundle()
  const logging = (await captureProxies()).find(({ log }) => lineOf(log) !== undefined)
  if (logging === undefined) throw new Error("no proxy has logged a request in JSON")
  const fleet = await startStillFleet([logging], 1)
  const admin = fleet.proxies[0]?.admin ?? ""
  try {
    // The first start fills the compile cache.
    await firstLineMs("bundled", admin, logging)
    const times: Record<Way | "peer", number[]> = { bundled: [], "bundled, bare": [], source: [], peer: [] }
    for (let round = 0; round < ROUNDS; round++) {
      for (const way of WAYS) times[way].push(await firstLineMs(way, admin, logging))
      times.peer.push(bareStartMs())
    }
    const result = {
      id: "P16",
      unit: "ms",
      peer: median(times.peer),
      beside: `the peer starts and ends: the least that Node takes; no answer is compared. Medians of ${ROUNDS} starts, by the clock`,
    }
    const what = "start of the agent to first accounted line"
    return [
      {
        ...result,
        what: `${what}, bundled, against bare Node`,
        ours: median(times.bundled),
        goal: { most: 500 },
      },
      {
        ...result,
        what: `${what}, bundled, without compile cache and flags, against bare Node`,
        ours: median(times["bundled, bare"]),
      },
      { ...result, what: `${what}, from source, against bare Node`, ours: median(times.source) },
    ]
  } finally {
    fleet.stop()
  }
}

/** The last whole request in JSON. */
function lineOf(log: string): string | undefined {
  return log.split("\n").findLast((line) => line.startsWith("{") && line.endsWith("}"))
}

async function firstLineMs(way: Way, admin: string, logging: CapturedProxy): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "bench-start-"))
  const log = join(folder, "envoy.log")
  writeFileSync(log, `${lineOf(logging.log)}\n`)
  const targets = [{ name: logging.name, admin, logs: [log] }]
  const begun = performance.now()
  const agent = await runAgent(way, folder, {
    agent: { id: "bench", state: join(folder, "state") },
    discover: { static: { targets } },
    logs: { start: "beginning", poll: "50ms" },
    commit: "100ms",
    log: { level: "warn" },
  })
  try {
    await agent.page((page) => COUNTED.test(page), LOOK_EVERY_MS)
    return performance.now() - begun
  } finally {
    await agent.stop()
    rmSync(folder, { recursive: true })
  }
}

function bareStartMs(): number {
  const begun = performance.now()
  spawnSync(process.execPath, ["-e", "0"])
  return performance.now() - begun
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[ROUNDS >> 1] ?? Number.NaN
}

if (import.meta.main) await printAlone(firstLineBench)
