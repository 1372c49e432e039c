import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
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

test.each([
  [["--rate", "much"], /^--rate expects a number .* See npm run demo -- --help\.\n$/],
  [["--fault", "kill-app nobody@3s"], /^No virtual node is called "nobody"\. There are: .*yelb-ui.*\n$/],
])("what cannot be understood is refused before anything starts: %j", async (args, words) => {
  expect(await demo(...args)).toEqual({ code: 2, out: "", said: expect.stringMatching(words) })
})

test("beside a program on the usual port, with faults that are typed, until Ctrl-C: nothing is left", async () => {
  const other = createServer().listen(4318, "127.0.0.1")
  // Taken by whom does not matter.
  await Promise.race([once(other, "listening"), once(other, "error")])
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
