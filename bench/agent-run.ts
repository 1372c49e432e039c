import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { readFileSync, writeFileSync } from "node:fs"
import { get } from "node:http"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { freePort } from "../test/live/rig/free-port.ts"

const root = join(import.meta.dirname, "..")

/** How the whole agent is run. `bundled` is how an image runs it; its compile cache is filled by an earlier run. */
export type Way = "bundled" | "bundled, bare" | "source"

/** Bundles the program into `dist`. */
export function bundle(): void {
  const built = spawnSync(process.execPath, ["scripts/build.ts"], { cwd: root, encoding: "utf8" })
  if (built.status !== 0) throw new Error(`the bundle could not be made: ${built.stderr}`)
}

/**
 * What stands before the program's own words. `--optimize-for-size` lets the collector of garbage give memory back; a
 * line of a log costs as much with it. Compilers that wait longer would save 8 MB more, and make each of the first
 * million lines cost half as much again, so they stay as they are.
 */
export const BUNDLED_FLAGS = ["--max-semi-space-size=4", "--optimize-for-size"]
/** One heap for all threads of glibc: else each keeps one of its own, a megabyte and more. */
export const BUNDLED_ENVIRONMENT = { MALLOC_ARENA_MAX: "1" }

const WORDS: Readonly<Record<Way, readonly string[]>> = {
  bundled: [...BUNDLED_FLAGS, "dist/meshscope.mjs"],
  "bundled, bare": ["dist/meshscope.mjs"],
  source: ["cli/main.ts"],
}

/** The agent as a process of its own. */
export interface AgentRun {
  /** Resolves with the page once it satisfies. */
  page(satisfies: (page: string) => boolean, everyMs: number): Promise<string>
  /** User and system time so far, s. */
  cpuSeconds(): number
  /** Resident memory now and at its highest, MB. */
  memory(): { readonly now: number; readonly highest: number }
  stop(): Promise<void>
}

/** @param config whole but for the address of the page */
export async function runAgent(way: Way, folder: string, config: object): Promise<AgentRun> {
  const listen = `127.0.0.1:${await freePort()}`
  const file = join(folder, "agent.yaml")
  writeFileSync(file, JSON.stringify({ ...config, publish: { prometheus: { listen } } }))
  const environment =
    way === "bundled" ? { ...BUNDLED_ENVIRONMENT, NODE_COMPILE_CACHE: join(root, "dist/.compile-cache") } : {}
  const child = spawn(process.execPath, [...WORDS[way], "agent", "--config", file], {
    cwd: root,
    env: { PATH: process.env["PATH"], ...environment },
    stdio: ["ignore", "ignore", "inherit"],
  })
  return {
    async page(satisfies, everyMs) {
      for (;;) {
        if (child.exitCode !== null) throw new Error("the agent has ended")
        const page = await read(`http://${listen}/metrics`)
        if (page !== undefined && satisfies(page)) return page
        await sleep(everyMs)
      }
    },
    cpuSeconds: () => cpuSeconds(child),
    memory: () => memory(child),
    async stop() {
      if (child.exitCode !== null) return
      const ended = once(child, "exit")
      child.kill("SIGTERM")
      await ended
    },
  }
}

function read(url: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    get(url, { agent: false }, (response) => {
      let text = ""
      response.setEncoding("utf8")
      response.on("data", (piece: string) => (text += piece))
      response.on("end", () => {
        resolve(response.statusCode === 200 ? text : undefined)
      })
    }).on("error", () => {
      resolve(undefined)
    })
  })
}

/** Linux counts in hundredths of a second there. */
const TICKS = 100

export function cpuSeconds({ pid }: Pick<ChildProcess, "pid">): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return (Number(fields[11]) + Number(fields[12])) / TICKS
}

export function memory({ pid }: Pick<ChildProcess, "pid">): { now: number; highest: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8")
  const of = (name: string): number =>
    (Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) * 1024) / 1e6
  return { now: of("VmRSS"), highest: of("VmHWM") }
}
