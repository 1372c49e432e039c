import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { parseAgentConfig } from "../../../agent/config/parse.ts"
import { readOnce } from "../../../agent/once.ts"
import { makeLog } from "../../../agent/telemetry/log.ts"
import { envoyBinary } from "../../../demo/envoy-binary.ts"
import { type Stage, startStage } from "../../../demo/stage.ts"
import { systemClock } from "../../../mesh/clock.ts"
import { loadModel } from "../../../mesh/declare/load.ts"
import type { OnceReport } from "../../../mesh/once-report.ts"
import { freePort } from "../rig/free-port.ts"
import { streaming } from "./loggers.ts"

/** One look takes no stream and no forwarded line: it says so, and counts nothing else in their place. */
const YELB_FILE = join(import.meta.dirname, "../../../demo/yelb.yaml")
const GATEWAY = "yelb-gateway_yelb"
let stage: Stage
let runDir: string
let port: number

beforeAll(async () => {
  runDir = await mkdtemp(join(tmpdir(), "meshscope-once-"))
  port = await freePort()
  stage = await startStage({
    model: loadModel([{ file: YELB_FILE, text: await readFile(YELB_FILE, "utf8") }]).model,
    runDir,
    logs: { [GATEWAY]: "json", "*": "none" },
    envoy: await envoyBinary(),
    flushMs: 200,
    seed: 7,
    adapt: streaming(port, []),
  })
  await stage.run(40)
}, 120_000)

afterAll(async () => {
  await stage?.stop()
  await rm(runDir, { recursive: true, force: true })
})

/** @param receive what the agent of this configuration would take */
function look(receive: object): Promise<OnceReport> {
  const targets = stage.fleet.proxies.map(({ name, admin }) => ({
    name,
    admin,
    sent: true,
    labels: { container_id: "0123456789ab" },
  }))
  const text = JSON.stringify({
    discover: { static: { targets } },
    model: { files: [YELB_FILE] },
    receive,
  })
  const config = parseAgentConfig({ file: "agent.yaml", text, env: {}, hostName: "here" })
  const log = makeLog({ clock: systemClock, level: "error", stream: process.stderr })
  const { signal } = new AbortController()
  return readOnce(config, { clock: systemClock, log, env: {}, version: "0", nodeVersion: "24", signal })
}

const remarks = ({ proxies }: OnceReport): Readonly<Record<string, string>> =>
  Object.fromEntries(
    proxies.map(({ resource, provenance, problem }) => [resource, `${provenance}: ${problem}`]),
  )

test("what a running agent takes as a stream is not counted, from stats neither, and the row says so", async () => {
  const report = await look({ accessLogs: { listen: `127.0.0.1:${port}` } })
  expect(report.proxies.every(({ ok }) => ok)).toBe(true)
  for (const remark of Object.values(remarks(report)))
    expect(remark).toMatch(/^log: Not counted here: [^.]+\. It streams these to a running agent\./)
  expect(remarks(report)["yelb-ui-virtual-node"]).toContain("HTTP in, HTTP out")
  expect(report.requests).toEqual([])
  expect(report.proxies.flatMap(({ missing }) => missing)).not.toContain("entries")
})

test("lines that are sent are not counted either; who writes none is counted from stats", async () => {
  const report = await look({ forward: {} })
  expect(remarks(report)[GATEWAY]).toMatch(
    /^log: Not counted here: HTTP in[^.]*\. Its lines are sent to a running agent\./,
  )
  expect(remarks(report)["yelb-ui-virtual-node"]).toMatch(
    /^stats: Lacks a log of what comes in, a log of what goes out\./,
  )
  expect(report.requests.filter(({ reporter }) => reporter === "gateway")).toEqual([])
  expect(report.requests.filter(({ reporter }) => reporter === "destination")).not.toEqual([])
})
