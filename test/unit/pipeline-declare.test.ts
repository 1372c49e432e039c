import { appendFile, mkdtemp, rm } from "node:fs/promises"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { systemClock } from "#mesh/clock.ts"
import type { DeclaredMesh, DeclaredModel } from "#mesh/declared.ts"
import { parseAgentConfig } from "../../agent/config/parse.ts"
import { changedMeshes } from "../../agent/model-change.ts"
import { Pipeline } from "../../agent/pipeline.ts"
import { appMeshDump } from "../fixtures/config-dump/app-mesh-dump.ts"
import { declaredFixture } from "../fixtures/config-dump/resolving.ts"
import { onLoopback } from "../fixtures/http/loopback.ts"

const quiet = (): void => undefined
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet }
const { mesh: yelb } = declaredFixture("yelb.yaml")
/** Access logs in Envoy's own format. */
const mesh: DeclaredMesh = {
  ...yelb,
  virtualNodes: yelb.virtualNodes.map((node) =>
    Object.assign({}, node, { accessLog: { path: "/dev/stdout" } }),
  ),
}
const SERVICE = mesh.virtualServices.find(({ provider }) => provider.kind === "virtual_router")
const NODE = mesh.virtualNodes.find(({ name }) => name.startsWith("yelb-ui"))?.name ?? ""

/** Each route of the mesh under another name, and each weight half as large. */
function otherwise(from: DeclaredMesh): DeclaredModel {
  const routers = from.virtualRouters.map((router) => ({
    ...router,
    routes: router.routes.map((route) => ({
      ...route,
      name: `${route.name}-anew`,
      targets: route.targets.map((target) => ({ ...target, weight: target.weight / 2 })),
    })),
  }))
  return { meshes: [{ ...from, virtualRouters: routers }] }
}

interface Opened {
  readonly pipeline: Pipeline
  readonly lines: string
  readonly dumps: () => number
  /** While `pages` holds, answers wait. */
  readonly held: { pages: boolean; waiting: (() => void)[] }
}

async function open(model: DeclaredModel): Promise<Opened> {
  const folder = await mkdtemp(join(tmpdir(), "pipeline-declare-"))
  const dump = appMeshDump(mesh, NODE, 2022)
  let dumps = 0
  const held: Opened["held"] = { pages: false, waiting: [] }
  const { port, stop } = await onLoopback(
    createServer((request, response) => {
      const isDump = request.url?.startsWith("/config_dump") === true
      if (isDump) dumps++
      const answer = (): void =>
        void response.end(isDump ? dump : "server.uptime: 5\nserver.live: 1\nserver.hot_restart_epoch: 0\n")
      if (held.pages) held.waiting.push(answer)
      else answer()
    }),
  )
  const lines = join(folder, "ui.log")
  const text = `agent: {state: ${folder}}\nlogs: {start: beginning, poll: 50ms}\nscrape: {interval: 1s}
discover: {static: {targets: [{name: ui, admin: "127.0.0.1:${port}", logs: [${lines}]}]}}`
  const config = parseAgentConfig({ file: "agent.yaml", text, env: {}, hostName: "here" })
  const pipeline = new Pipeline(config, {
    clock: systemClock,
    log,
    model: { model, notes: [] },
    scraped: quiet,
    watchingSinceMs: 0,
  })
  onTestFinished(async () => {
    await pipeline.drain()
    pipeline.close()
    await stop()
    await rm(folder, { recursive: true })
  })
  await appendFile(lines, logged)
  pipeline.take([
    {
      name: "ui",
      admin: { kind: "tcp", host: "127.0.0.1", port },
      logs: [lines],
    },
  ])
  await pipeline.settled()
  return { pipeline, lines, dumps: () => dumps, held }
}

const logged = Array.from(
  { length: 7 },
  (_, at) =>
    `[2026-11-20T10:00:0${at}.001Z] "GET /api/getvotes HTTP/1.1" 200 - 0 512 12 11 "-" "curl/8.5.0" "id-${at}" "${SERVICE?.name}:4567" "10.0.7.12:4567"\n`,
).join("")

async function read(pipeline: Pipeline): Promise<void> {
  while (await pipeline.tail.poll()) {
    // Each round reads a bounded stretch.
  }
  pipeline.commit()
}

/** Values of a metric by one label. */
function by(pipeline: Pipeline, key: string, label: string): Record<string, number> {
  const { families, values } = pipeline.ledger.snapshot
  const sums: Record<string, number> = {}
  for (const { slot, labels } of families.find((family) => family.key === key)?.series ?? []) {
    const name = new Map(labels).get(label) ?? ""
    sums[name] = (sums[name] ?? 0) + (values[slot] ?? 0)
  }
  return sums
}
const total = (sums: Record<string, number>): number => Object.values(sums).reduce((a, b) => a + b, 0)

test("a model that changes while the line runs gives new names and gauges; counts go on, nothing counts twice", async () => {
  const { pipeline, lines, dumps } = await open({ meshes: [mesh] })
  await read(pipeline)
  const before = by(pipeline, "requests", "route")
  expect(total(before)).toBe(7)
  const weights = total(by(pipeline, "routeWeight", "route"))
  const objectives = Object.keys(by(pipeline, "objective", "route"))
  const asked = dumps()

  pipeline.declare({ model: otherwise(mesh), notes: [] })
  await read(pipeline)
  expect(by(pipeline, "requests", "route")).toEqual(before)
  expect(total(by(pipeline, "routeWeight", "route"))).toBe(weights / 2)
  expect(
    Object.keys(by(pipeline, "objective", "route")).filter(
      (name) => objectives.includes(name) && name !== "",
    ),
  ).toEqual([])

  await appendFile(lines, logged)
  await read(pipeline)
  const after = by(pipeline, "requests", "route")
  expect(total(after)).toBe(total(before) * 2)
  const named = Object.entries(before).filter(([route]) => route !== "" && !route.startsWith("("))
  expect(named).not.toEqual([])
  expect(named.map(([route]) => after[`${route}-anew`])).toEqual(named.map(([, count]) => count))
  expect(dumps()).toBe(asked)
})

test("a proxy whose mesh is declared as before keeps its names; one whose mesh was declared otherwise gets new ones", async () => {
  const { pipeline } = await open({ meshes: [mesh] })
  const [proxy] = pipeline.proxies
  const first = proxy?.resolving
  expect(first).toBeDefined()
  pipeline.declare({ model: { meshes: [structuredClone(mesh), { ...mesh, name: "another" }] }, notes: [] })
  expect(proxy?.resolving).toBe(first)
  pipeline.declare({ model: { meshes: [] }, notes: [] })
  expect(proxy?.resolving).not.toBe(first)
  expect(proxy?.resolving?.missing).toContain("declared_model")
  pipeline.commit()
  expect(by(pipeline, "resourceInfo", "kind")).toEqual({})
})

test("a look that is under way ends with the names that it began with", async () => {
  const { pipeline, held } = await open({ meshes: [mesh] })
  const [proxy] = pipeline.proxies
  held.pages = true
  await expect.poll(() => held.waiting.length, { timeout: 5000 }).toBeGreaterThan(0)
  const before = proxy?.resolving
  pipeline.declare({ model: otherwise(mesh), notes: [] })
  pipeline.declare({ model: { meshes: [mesh] }, notes: [] })
  pipeline.declare({ model: otherwise(mesh), notes: [] })
  expect(proxy?.resolving).toBe(before)
  held.pages = false
  for (const answer of held.waiting.splice(0)) answer()
  await expect.poll(() => proxy?.resolving).not.toBe(before)
})

test("meshes of one name are told apart by their flavor", () => {
  const istio = { ...mesh, flavor: "istio" } as const
  const differs = changedMeshes({ meshes: [mesh, istio] }, { meshes: [mesh] })
  const identity = { proxy: "", nodeId: "", mesh: mesh.name, role: "sidecar", resource: NODE } as const
  expect(differs({ ...identity, flavor: "app-mesh" })).toBe(false)
  expect(differs({ ...identity, flavor: "istio" })).toBe(true)
  expect(differs(undefined)).toBe(false)
})
