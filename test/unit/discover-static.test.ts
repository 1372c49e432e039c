import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import type { Clock } from "#mesh/clock.ts"
import type { ProxyTarget } from "#mesh/proxy.ts"
import { fileDiscovery } from "../../agent/discover/static/file.ts"
import { inlineDiscovery } from "../../agent/discover/static/inline.ts"

const INTERVAL = 5000

/** Time that stands still until the test lets a sleep end. */
function steppedClock(): Clock & { wake: () => Promise<void>; asleep: () => Promise<number> } {
  let wake: (() => void) | undefined
  let asleepFor = Promise.withResolvers<number>()
  return {
    now: () => 0,
    monotonic: () => 0,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const end = (): void => resolve()
        signal?.addEventListener("abort", end, { once: true })
        wake = end
        asleepFor.resolve(ms)
      }),
    asleep: () => asleepFor.promise,
    wake: async () => {
      await asleepFor.promise
      asleepFor = Promise.withResolvers<number>()
      wake?.()
    },
  }
}

let folder = ""
let file = ""
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "discover-"))
  file = join(folder, "targets.yaml")
})
afterEach(() => rm(folder, { recursive: true }))

const listOf = (...names: string[]): string =>
  `targets:\n${names.map((name, at) => `  - { name: ${name}, admin: "127.0.0.1:${9901 + at}" }\n`).join("")}`

/** A discovery under way, and what it said so far. */
function started(env: Record<string, string> = {}) {
  const clock = steppedClock()
  const groups: string[][] = []
  const problems: string[] = []
  const stop = new AbortController()
  const discovery = fileDiscovery(
    { file, interval: INTERVAL },
    { clock, env, report: (error) => problems.push(error.message) },
  )
  const all: (readonly ProxyTarget[])[] = []
  const ended = discovery.run((targets) => {
    all.push(targets)
    groups.push(targets.map(({ name }) => name))
  }, stop.signal)
  return {
    groups,
    problems,
    all,
    /** Lets one whole look pass, the pause after a change included. */
    look: async () => {
      await clock.wake()
      if ((await clock.asleep()) !== INTERVAL) await clock.wake()
      await clock.asleep()
    },
    clock,
    end: async () => {
      stop.abort()
      await ended
    },
  }
}

describe("a targets file", () => {
  test("is emitted whole at start, and again only when it changed", async () => {
    await writeFile(file, listOf("a", "b"))
    const run = started()
    await run.clock.asleep()
    await run.look()
    expect(run.groups).toEqual([["a", "b"]])
    await writeFile(file, listOf("a", "b", "c"))
    await run.look()
    await run.look()
    expect(run.groups).toEqual([
      ["a", "b"],
      ["a", "b", "c"],
    ])
    await run.end()
    expect(run.problems).toEqual([])
  })

  test("is followed over a rename and over the links of a ConfigMap", async () => {
    const [one, two] = [join(folder, "..1"), join(folder, "..2")]
    await mkdir(one)
    await mkdir(two)
    await writeFile(join(one, "targets.yaml"), listOf("a"))
    await writeFile(join(two, "targets.yaml"), listOf("b"))
    await symlink(one, join(folder, "..data"))
    await symlink(join("..data", "targets.yaml"), file)
    const run = started()
    await run.clock.asleep()
    await symlink(two, join(folder, "..next"))
    await rename(join(folder, "..next"), join(folder, "..data"))
    await run.look()
    await writeFile(join(folder, "new"), listOf("c"))
    await rename(join(folder, "new"), file)
    await run.look()
    expect(run.groups).toEqual([["a"], ["b"], ["c"]])
    await run.end()
  })

  test("that is broken, gone or no file changes nothing and is reported each time", async () => {
    await writeFile(file, listOf("a"))
    const run = started()
    await run.clock.asleep()
    await writeFile(file, "targets:\n  - { name: b }\n")
    await run.look()
    await run.look()
    expect(run.problems).toEqual(
      Array(2).fill(
        `${file}:2:5: targets[0].admin is missing; expects host:port, [::1]:9901 or unix:/absolute/path (107 bytes at most)`,
      ),
    )
    await rm(file)
    await run.look()
    expect(run.problems.at(-1)).toMatch(/^The targets file .* cannot be read: it does not exist/)
    await mkdir(file)
    await run.look()
    expect(run.problems.at(-1)).toMatch(/is not a file of at most 16 MiB/)
    expect(run.groups).toEqual([["a"]])
    await rm(file, { recursive: true })
    await writeFile(file, listOf("a", "b"))
    await run.look()
    expect(run.groups).toEqual([["a"], ["a", "b"]])
    await run.end()
  })

  test("that is not there yet is waited for", async () => {
    const run = started()
    await run.clock.asleep()
    expect(run.problems).toHaveLength(1)
    await writeFile(file, listOf("a"))
    await run.look()
    expect(run.groups).toEqual([["a"]])
    await run.end()
  })

  test("is not taken while it is still being written", async () => {
    await writeFile(file, listOf("a", "b"))
    const run = started()
    await run.clock.asleep()
    await writeFile(file, listOf("a"))
    await run.clock.wake()
    expect(await run.clock.asleep()).toBeLessThan(INTERVAL)
    await writeFile(file, listOf("a", "b", "c"))
    await run.clock.wake()
    await run.clock.asleep()
    expect(run.groups).toEqual([["a", "b"]])
    await run.look()
    expect(run.groups).toEqual([
      ["a", "b"],
      ["a", "b", "c"],
    ])
    await run.end()
  })

  test("may refer to variables, and its relative logs count from its folder", async () => {
    await writeFile(file, `targets: [{ name: a, admin: "\${IP}:1", logs: [a.log, /var/b.log] }]`)
    const run = started({ IP: "10.0.0.1" })
    await run.clock.asleep()
    await run.end()
    expect(run.all).toEqual([
      [
        {
          name: "a",
          admin: { kind: "tcp", host: "10.0.0.1", port: 1 },
          logs: [join(folder, "a.log"), "/var/b.log"],
        },
      ],
    ])
  })

  test("is refused with duplicates", async () => {
    await writeFile(file, listOf("a", "a"))
    const run = started()
    await run.clock.asleep()
    await run.end()
    expect(run.groups).toEqual([])
    expect(run.problems).toEqual([`${file}:3:13: targets[1].name is a name that another target has ("a")`])
  })
})

describe("targets in the configuration", () => {
  test("are emitted once, and the run ends with the signal", async () => {
    const target: ProxyTarget = { name: "a", admin: { kind: "unix", path: "/a" }, logs: [] }
    const stop = new AbortController()
    const groups: (readonly ProxyTarget[])[] = []
    const ended = inlineDiscovery([target]).run((targets) => groups.push(targets), stop.signal)
    stop.abort()
    await ended
    expect(groups).toEqual([[target]])
  })

  test("end at once when whoever takes them asks for it, as a single look does", async () => {
    const stop = new AbortController()
    await inlineDiscovery([]).run(() => stop.abort(), stop.signal)
    expect(stop.signal.aborted).toBe(true)
  })

  test("are not emitted after the end", async () => {
    const groups: unknown[] = []
    await inlineDiscovery([]).run((targets) => groups.push(targets), AbortSignal.abort())
    expect(groups).toEqual([])
  })
})
