import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { appendFile, readFile } from "node:fs/promises"
import { createServer } from "node:net"
import { join } from "node:path"
import { beforeAll, expect, test } from "vitest"
import { envoyBinary } from "../../../demo/envoy-binary.ts"

/** The demo as a user runs it: Envoys, load, agent and collector, and the question whether they agree. */
let envoy: string

beforeAll(async () => {
  envoy = await envoyBinary()
})

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly said: string
}

/** The demo under way: `said` grows as it speaks. */
function started(...args: readonly string[]) {
  const main = join(import.meta.dirname, "../../../demo/main.ts")
  const child = spawn(process.execPath, [main, ...args], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ENVOY: envoy },
  })
  const words = { out: "", said: "" }
  child.stdout.on("data", (chunk: Buffer) => (words.out += chunk.toString()))
  child.stderr.on("data", (chunk: Buffer) => (words.said += chunk.toString()))
  const ended = once(child, "close").then((): Ended => ({ code: child.exitCode, ...words }))
  return { child, words, ended }
}

const demo = (...args: readonly string[]): Promise<Ended> => started(...args).ended
const runFolder = (said: string): string => /Files +(\S+)/.exec(said)?.[1] ?? ""

test.each([
  ["logs of all kinds", ["--rate", "30"]],
  ["JSON everywhere, every kind of route", ["--rate", "30", "--mesh", "extended", "--logs", "json"]],
  [
    "an application that dies, and a shift",
    ["--rate", "30", "--fault", "kill-app@3s", "--fault", "heal@6s", "--fault", "weights 99:1@8s"],
  ],
])("every case often, %s: the product agrees to the request", async (_, args) => {
  const { code, out, said } = await demo("--for", "12s", "--mix", "all", "--json", ...args)
  expect(said).toMatch(/Page +http:.*\n +Metrics +http:.*\n +Application +http:/)
  const { agree, truth, agentDiffers, collectorDiffers } = JSON.parse(out) as Record<string, unknown>
  expect({ agentDiffers, collectorDiffers }).toEqual({ agentDiffers: [], collectorDiffers: [] })
  expect(truth).toMatchObject({ mesh: "yelb", undecided: [] })
  expect({ agree, code }).toEqual({ agree: true, code: 0 })
  const runDir = runFolder(said)
  expect(runDir).toContain("meshscope-demo-")
  expect(existsSync(runDir)).toBe(false)
})

/** Whole lines of a log that tell of calls to other nodes. */
async function calls(log: string): Promise<readonly string[]> {
  const lines = (await readFile(log, "utf8")).split("\n").slice(0, -1)
  return lines.filter((line) => line.startsWith("{") && line.includes("cds_egress"))
}

// It waits all the 30 s that the demo gives what is on its way.
test("a line of a request that nobody sent: they do not agree, and it says where", {
  timeout: 90_000,
}, async () => {
  const { words, ended } = started("--for", "3s", "--rate", "30", "--logs", "json", "--json")
  await expect.poll(() => runFolder(words.said), { timeout: 40_000 }).not.toBe("")
  const log = join(runFolder(words.said), "log/pods/yelb_yelb-ui-virtual-node-0/envoy/stdout.log")
  await expect.poll(() => calls(log), { timeout: 10_000 }).not.toEqual([])
  await appendFile(log, `${(await calls(log))[0]}\n`)
  const { code, out } = await ended
  const told = JSON.parse(out) as Record<string, { readonly truth: number; readonly told: number }[]>
  const excess = (of: string) => told[of]?.map((one) => one.told - one.truth)
  expect({ code, agree: told["agree"] }).toEqual({ code: 1, agree: false })
  expect([excess("agentDiffers"), excess("collectorDiffers")]).toEqual([[1], [1]])
})

test.each([
  [["--rate", "much"], /^--rate expects a number .* See npm run demo -- --help\.\n$/],
  [["--fault", "kill-app nobody@3s"], /^No virtual node is called "nobody"\. There are: .*yelb-ui.*\n$/],
])("what cannot be understood is refused before anything starts: %j", async (args, words) => {
  expect(await demo(...args)).toEqual({ code: 2, out: "", said: expect.stringMatching(words) })
})

test("beside a program on the usual port, with faults that are typed, until Ctrl-C: nothing is left", async () => {
  const other = createServer().listen(4318, "127.0.0.1")
  // Taken by whom does not matter: when it cannot be had, another has it.
  await once(other, "listening").catch(() => {})
  const { child, words, ended } = started()
  const says = (pattern: RegExp) => expect.poll(() => words.said, { timeout: 40_000 }).toMatch(pattern)
  await says(/Port 4318 is in use by another program; the demo's collector takes \d+\./)
  await says(/Ctrl-C ends all\.\n {2}kill-app/)
  const page = /Page +(\S+)/.exec(words.said)?.[1] ?? ""
  expect((await fetch(page)).status).toBe(200)
  child.stdin.write("kill-app nobody\nkill-app v2\n")
  await says(
    /No virtual node is called "nobody"[^]*The applications of yelb-appserver-virtual-node-v2 are down\./,
  )
  child.kill("SIGINT")
  expect(await ended).toMatchObject({ code: 0, out: "" })
  expect(words.said).toMatch(/Stopping\.[^]*Stopped; nothing is left behind\.\n$/)
  expect(existsSync(runFolder(words.said))).toBe(false)
  await expect(fetch(page)).rejects.toThrow("fetch failed")
  other.close()
})
