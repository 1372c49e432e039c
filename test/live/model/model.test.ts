import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { Agent } from "../../../agent/start.ts"
import { makeLog } from "../../../agent/telemetry/log.ts"
import { parseCollectorConfig } from "../../../collector/config.ts"
import { startCollector } from "../../../collector/main.ts"
import type { Collector } from "../../../collector/start.ts"
import type { RouteDetailView } from "../../../collector/view/route-detail.ts"
import type { RoutesView } from "../../../collector/view/routes.ts"
import { envoyBinary } from "../../../demo/envoy-binary.ts"
import { type Stage, startStage } from "../../../demo/stage.ts"
import { targetsYaml } from "../../../demo/targets.ts"
import { systemClock } from "../../../mesh/clock.ts"
import { parseKubernetesObjects } from "../../../mesh/declare/kubernetes.ts"
import type { DeclaredMesh } from "../../../mesh/declared.ts"
import { type Counts, countsOf } from "../rig/counts.ts"
import { exposed } from "../rig/exposed.ts"
import { startAgentHere } from "../rig/here.ts"
import { REQUEST_NAMES, truthRequests } from "../rig/truth-counts.ts"

/**
 * A collector that has the declared model from a file, and two agents on real Envoys that have it from the collector.
 * The model changes under load; names and weights follow, and every request counts once.
 */
const MODEL = join(import.meta.dirname, "../../../demo/yelb-extended.yaml")
const STEP = 150
/** The collector looks at its file so often, and agents ask it so often, ms. */
const FILE_MS = 500
const ASK_MS = 1000
/** Two polls, and what making and telling it takes on a busy machine. */
const FOLLOWED_MS = 2 * (FILE_MS + ASK_MS) + 2000

let runDir: string
let stage: Stage
let collector: Collector
let agents: Agent[]
let text: string

beforeAll(async () => {
  runDir = await mkdtemp(join(tmpdir(), "meshscope-model-"))
  text = await readFile(MODEL, "utf8")
  await writeFile(join(runDir, "mesh.yaml"), text)
  stage = await startStage({
    model: parseKubernetesObjects(text, MODEL).model,
    runDir,
    logs: { "*": "json" },
    envoy: await envoyBinary(),
    flushMs: 200,
    seed: 11,
  })
  collector = await startHome()
  agents = [await startAgent("one", { publish: true }), await startAgent("two", {})]
}, 120_000)

afterAll(async () => {
  for (const agent of agents ?? []) await agent.stop()
  await collector?.stop()
  await stage?.stop()
  await rm(runDir, { recursive: true, force: true })
})

function startHome(): Promise<Collector> {
  const settings = {
    listen: "127.0.0.1:0",
    store: { step: "1s" },
    model: { files: [join(runDir, "mesh.yaml")], interval: `${FILE_MS}ms` },
  }
  const config = parseCollectorConfig({ file: "collector.yaml", text: JSON.stringify(settings), env: {} })
  const log = makeLog({ clock: systemClock, level: "error", stream: process.stderr })
  return startCollector(config, { clock: systemClock, log })
}

/** Half of the proxies each. */
function partOf(id: string): typeof stage.fleet.proxies {
  return stage.fleet.proxies.filter((_, at) => (at % 2 === 0) === (id === "one"))
}

async function startAgent(id: string, model: object): Promise<Agent> {
  const folder = join(runDir, id)
  await mkdir(folder, { recursive: true })
  const targetsFile = join(folder, "targets.yaml")
  await writeFile(
    targetsFile,
    targetsYaml(partOf(id).map(({ name, admin, log }) => ({ name, admin, logs: [log] }))),
  )
  return startAgentHere({
    runDir: folder,
    modelFile: "",
    targetsFile,
    changes: {
      agent: { id, state: join(folder, "state") },
      model: { collector: { url: collector.url, interval: `${ASK_MS}ms` }, ...model },
      commit: "500ms",
      publish: { prometheus: { enabled: false }, otlp: { endpoint: collector.url, interval: "1s" } },
    },
  })
}

function proxiesUp({ pipeline }: Agent): number {
  return Object.values(exposed(pipeline.ledger.snapshot, "proxyUp", ["proxy"])).filter((value) => value === 1)
    .length
}

/** What both agents counted together. */
function counted(): Counts {
  return countsOf(
    agents.flatMap(({ pipeline }) =>
      Object.entries(exposed(pipeline.ledger.snapshot, "requests", REQUEST_NAMES)).map(
        ([key, count]) => [{ key }, count] as const,
      ),
    ),
    ["key"],
  )
}

async function agrees(): Promise<void> {
  const truth = countsOf(
    Object.entries(truthRequests((await stage.truth()).requests)).map(
      ([key, count]) => [{ key }, count] as const,
    ),
    ["key"],
  )
  await expect.poll(counted, { timeout: 20_000, interval: 250 }).toEqual(truth)
}

/** Writes another model, as an editor does. */
async function declare(next: string): Promise<DeclaredMesh> {
  await writeFile(join(runDir, "mesh.yaml.new"), next)
  await rename(join(runDir, "mesh.yaml.new"), join(runDir, "mesh.yaml"))
  text = next
  const [mesh] = parseKubernetesObjects(next, MODEL).model.meshes
  if (mesh === undefined) throw new Error("no mesh")
  return mesh
}

async function ask<T>(path: string): Promise<T> {
  return (await (await fetch(`${collector.url}/api/v1${path}`)).json()) as T
}

/** Shares of the route's targets as the collector's page tells them. */
async function shares(route: string): Promise<readonly number[]> {
  const { rows } = await ask<RoutesView>(`/routes?search=${route}`)
  const id = rows.find(({ name }) => name === route)?.id
  if (id === undefined) return []
  const { targets } = await ask<RouteDetailView>(`/routes/${encodeURIComponent(id)}`)
  return inOrder(targets.map(({ declaredShare }) => declaredShare ?? 0))
}

const inOrder = (numbers: readonly number[]): readonly number[] => numbers.toSorted((a, b) => a - b)

const weightsOf = ({ pipeline }: Agent, route: string): Counts =>
  Object.fromEntries(
    Object.entries(exposed(pipeline.ledger.snapshot, "routeWeight", ["route", "virtual_node"])).filter(
      ([key]) => key.startsWith(`route=${route} `),
    ),
  )

test("agents have names from the collector's model, and count every request once", {
  timeout: 120_000,
}, async () => {
  // What a proxy counted before its first page was read is only a baseline.
  await expect
    .poll(() => agents.map(proxiesUp), { timeout: 30_000 })
    .toEqual(["one", "two"].map((id) => partOf(id).length))
  await stage.run(STEP)
  await agrees()
  // Whoever has the model from a collector leaves it to the collector to publish it.
  expect(Object.values(weightsOf(agents[0] as Agent, "getvotes"))).toEqual([1, 1])
  expect(weightsOf(agents[1] as Agent, "getvotes")).toEqual({})
  await expect.poll(() => shares("getvotes"), { timeout: 10_000 }).toEqual([0.5, 0.5])
})

test("a weight and a name that change are followed within two polls; counts stay exact", {
  timeout: 120_000,
}, async () => {
  const { virtualRouters } = parseKubernetesObjects(changed(text), MODEL).model.meshes[0] as DeclaredMesh
  await stage.change({ mesh: { ...stage.condition().mesh, virtualRouters } })
  const began = performance.now()
  await declare(changed(text))
  await expect
    .poll(() => inOrder(Object.values(weightsOf(agents[0] as Agent, "getvotes"))), {
      timeout: FOLLOWED_MS,
      interval: 50,
    })
    .toEqual([1, 3])
  await expect.poll(() => shares("getvotes"), { timeout: FOLLOWED_MS, interval: 50 }).toEqual([0.25, 0.75])
  await expect
    .poll(
      async () => JSON.parse(await readFile(join(runDir, "two/state/model/collector.json"), "utf8")).model,
      {
        timeout: FOLLOWED_MS,
        interval: 50,
      },
    )
    .toEqual(parseKubernetesObjects(text, MODEL).model)
  expect(performance.now() - began).toBeLessThan(FOLLOWED_MS)
  await stage.run(STEP)
  await agrees()
  expect(Object.keys(counted()).some((key) => key.includes("route=host-name"))).toBe(true)
})

test("a broken file changes nothing", { timeout: 120_000 }, async () => {
  const good = text
  await writeFile(join(runDir, "mesh.yaml"), `${good}\n---\nkind: [`)
  await expect
    .poll(async () => (await ask<{ model: { problems: string[] } }>("/summary")).model.problems.length, {
      timeout: 10_000,
    })
    .toBe(1)
  await stage.run(STEP)
  await agrees()
  expect(inOrder(Object.values(weightsOf(agents[0] as Agent, "getvotes")))).toEqual([1, 3])
  await declare(good)
})

test("an agent that starts while the collector is away has its names, and goes on counting", {
  timeout: 120_000,
}, async () => {
  await agents[1]?.stop()
  await collector.stop()
  await stage.run(STEP)
  agents[1] = await startAgent("two", {})
  await stage.run(STEP)
  await agrees()
  const [, two] = agents
  expect(
    [...(two?.pipeline.proxies ?? [])].flatMap(({ resolving }) => resolving?.missing ?? []),
  ).not.toContain("declared_model")
})

/** Three of four for the second target of `getvotes`, and another name for `hostname`. */
function changed(from: string): string {
  const renamed = from.replace("- name: hostname\n", "- name: host-name\n")
  const [head = "", tail = ""] = renamed.split("- name: getvotes\n")
  const weighed = tail.replace(
    "{ virtualNodeRef: { name: yelb-appserver-v2 }, weight: 1 }",
    "{ virtualNodeRef: { name: yelb-appserver-v2 }, weight: 3 }",
  )
  return `${head}- name: getvotes\n${weighed}`
}
