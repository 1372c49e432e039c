import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
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

async function demo(...args: readonly string[]): Promise<Ended> {
  const main = join(import.meta.dirname, "../../../demo/main.ts")
  const child = spawn(process.execPath, [main, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ENVOY: envoy },
  })
  let out = ""
  let said = ""
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()))
  await once(child, "close")
  return { code: child.exitCode, out, said }
}

test.each([
  ["logs of all kinds", ["--rate", "30"]],
  ["JSON everywhere, every kind of route", ["--rate", "30", "--mesh", "extended", "--logs", "json"]],
  [
    "an application that dies, and a shift",
    ["--rate", "30", "--fault", "kill-app@3s", "--fault", "heal@6s", "--fault", "weights 99:1@8s"],
  ],
])("every case often, %s: the product agrees to the request", async (_, args) => {
  const { code, out, said } = await demo("--for", "12s", "--mix", "all", "--json", ...args)
  expect(said).toContain("Gateway:")
  const { agree, truth, agentDiffers, collectorDiffers } = JSON.parse(out) as Record<string, unknown>
  expect({ agentDiffers, collectorDiffers }).toEqual({ agentDiffers: [], collectorDiffers: [] })
  expect(truth).toMatchObject({ mesh: "yelb", undecided: [] })
  expect({ agree, code }).toEqual({ agree: true, code: 0 })
  const runDir = /Run folder:\s+(\S+)/.exec(said)?.[1] ?? ""
  expect(runDir).toContain("meshscope-demo-")
  expect(existsSync(runDir)).toBe(false)
})

test("what cannot be understood is said, with a failing exit code", async () => {
  expect(await demo("--rate", "much")).toMatchObject({
    code: 1,
    said: expect.stringContaining("--rate expects"),
  })
})
