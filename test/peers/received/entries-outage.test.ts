import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { Agent } from "../../../agent/start.ts"
import { envoyBinary } from "../../../demo/envoy-binary.ts"
import { type Stage, startStage } from "../../../demo/stage.ts"
import type { Truth } from "../../../demo/truth.ts"
import { type Clock, systemClock } from "../../../mesh/clock.ts"
import { parseKubernetesObjects } from "../../../mesh/declare/kubernetes.ts"
import { streaming } from "../../live/entries/loggers.ts"
import { type Counts, countsOf } from "../../live/rig/counts.ts"
import { exposed } from "../../live/rig/exposed.ts"
import { freePort } from "../../live/rig/free-port.ts"
import { startAgentHere } from "../../live/rig/here.ts"
import { truthBy } from "../../live/rig/truth-counts.ts"

/**
 * The agent is away while requests run: Envoy keeps none of their entries, and its own counters do not tell. What came before
 * and after is counted to the request; what is missing is told as unaccounted to the request, and in each proxy's state.
 */
const PART = 600
const MODEL = join(import.meta.dirname, "../../../demo/yelb-extended.yaml")
const SOON = { timeout: 20_000, interval: 250 }
/** Entries are sent after 0.2 s, stats are read each second. */
const SEEN_MS = 3000

let ahead = 0
const clock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + ahead }
let stage: Stage
let agent: Agent
let runDir: string
let port: number
const parts: Truth[] = []

const start = (): Promise<Agent> =>
  startAgentHere({
    runDir,
    modelFile: MODEL,
    targetsFile: stage.fleet.targetsFile,
    clock,
    changes: { receive: { accessLogs: { listen: `127.0.0.1:${port}` } }, commit: "500ms" },
  })

const told = (
  metric: "requests" | "unaccounted" | "proxyUp" | "proxyInfo",
  names: readonly string[],
): Counts => exposed(agent.pipeline.ledger.snapshot, metric, names)

async function everyProxyRead(): Promise<void> {
  const until = performance.now() + 30_000
  while (told("proxyUp", [])[""] !== stage.fleet.proxies.length) {
    if (performance.now() > until) throw new Error("not every proxy was read in time")
    await sleep(50)
  }
}

async function run(): Promise<void> {
  await stage.run(PART)
  await sleep(SEEN_MS)
  parts.push(await stage.truth())
}

beforeAll(async () => {
  runDir = await mkdtemp(join(tmpdir(), "meshscope-entries-"))
  port = await freePort()
  const { model } = parseKubernetesObjects(await readFile(MODEL, "utf8"), MODEL)
  stage = await startStage({
    model,
    runDir,
    logs: { "*": "none" },
    envoy: await envoyBinary(),
    seed: 11,
    adapt: streaming(port, ["x-canary"]),
  })
  agent = await start()
  await everyProxyRead()
  await run()
  await agent.stop()
  await run()
  agent = await start()
  await everyProxyRead()
  await run()
}, 300_000)

afterAll(async () => {
  await agent?.stop()
  await stage?.stop()
  await rm(runDir, { recursive: true, force: true })
})

/** Everything that the listeners saw, health checks too; a gateway passes each to itself. */
function seen({ requests, healthChecks }: Truth): Counts {
  const checks = healthChecks.flatMap(
    ({ virtualGateway, count }): (readonly [{ reporter: string }, number])[] =>
      virtualGateway === ""
        ? [[{ reporter: "destination" }, count]]
        : [
            [{ reporter: "gateway" }, count / 2],
            [{ reporter: "source" }, count / 2],
          ],
  )
  return countsOf(
    [...requests.map((row) => [{ reporter: row.reporter }, row.count] as const), ...checks],
    ["reporter"],
  )
}

const less = (from: Counts, what: Counts): Counts =>
  Object.fromEntries(Object.entries(from).map(([key, count]) => [key, count - (what[key] ?? 0)]))

test("what came before and after is counted to the request", async () => {
  const [before, away, after] = parts.map(({ requests }) => truthBy(requests, ["reporter"]))
  if (before === undefined || away === undefined || after === undefined) throw new Error("a part is missing")
  const lost = less(away, before)
  expect(Object.values(lost).every((count) => count > PART / 2)).toBe(true)
  await expect.poll(() => told("requests", ["reporter"]), SOON).toEqual(less(after, lost))
})

test("what is missing is told, to the request", { timeout: 90_000 }, async () => {
  const [before, away] = parts.map(seen)
  if (before === undefined || away === undefined) throw new Error("a part is missing")
  for (let look = 0; look < 8; look++) {
    await sleep(1500)
    ahead += 12_000
  }
  await expect.poll(() => told("unaccounted", ["reporter"]), SOON).toEqual(less(away, before))
})

test("each proxy's state says that some of what it streamed is lost", async () => {
  await expect
    .poll(() => told("proxyInfo", ["virtual_node", "virtual_gateway", "missing"]), SOON)
    .toMatchObject({
      "virtual_gateway=yelb-gateway_yelb missing=entries": 1,
      "virtual_node=yelb-ui-virtual-node missing=entries": 1,
      "virtual_node=yelb-appserver-virtual-node missing=entries": 1,
    })
})
