import { existsSync } from "node:fs"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { expect, onTestFinished, test } from "vitest"
import type { Agent } from "../../../agent/start.ts"
import { envoyBinary } from "../../../demo/envoy-binary.ts"
import type { FleetProxy } from "../../../demo/fleet.ts"
import { type Stage, startStage } from "../../../demo/stage.ts"
import { parseKubernetesObjects } from "../../../mesh/declare/kubernetes.ts"
import { PODS } from "../../fake/kubernetes/fake-kube.ts"
import { appMeshEnvoy, podObject } from "../../fake/kubernetes/pods.ts"
import { fakeKube } from "../../fake/kubernetes/watching.ts"
import { exposed } from "../../live/rig/exposed.ts"
import { startAgentHere } from "../../live/rig/here.ts"
import { REQUEST_NAMES, truthRequests } from "../../live/rig/truth-counts.ts"
import { ContainerOutput } from "./container-output.ts"

const MODEL = join(import.meta.dirname, "../../../demo/yelb-extended.yaml")
const NODE = "node-1"

/** Pods as their controller would have written them: who the Envoy is stands in its environment. */
function podOf({ name, pod, admin }: FleetProxy, mesh: string): ReturnType<typeof podObject> {
  const kind = pod.kind === "virtual_gateway" ? "virtualGateway" : "virtualNode"
  const arn = `mesh/${mesh}/${kind}/${pod.resource}`
  const [ip = "", port = ""] = admin.split(":")
  const envoy = appMeshEnvoy({ APPMESH_RESOURCE_ARN: arn, ENVOY_ADMIN_ACCESS_PORT: port })
  return podObject({ name, namespace: "yelb", node: NODE, ip, containers: [{ name: "app" }, envoy] })
}

async function everyProxyUp(agent: Agent, count: number): Promise<void> {
  const up = (): number[] => Object.values(exposed(agent.pipeline.ledger.snapshot, "proxyUp", ["proxy"]))
  await expect
    .poll(() => up().filter((one) => one === 1).length, { timeout: 30_000, interval: 50 })
    .toBe(count)
}

async function staged(runDir: string): Promise<Stage> {
  const { model } = parseKubernetesObjects(await readFile(MODEL, "utf8"), MODEL)
  const envoy = await envoyBinary()
  const stage = await startStage({
    model,
    runDir,
    logs: { "*": "json" },
    envoy,
    flushMs: 200,
    seed: 11,
    mix: "all",
  })
  onTestFinished(() => stage.stop())
  return stage
}

test("real Envoys in pods are found, named and counted to the request from the kubelet's files, over rotations and with the agent away", async () => {
  const runDir = await mkdtemp(join(tmpdir(), "meshscope-live-"))
  onTestFinished(() => rm(runDir, { recursive: true, force: true }))
  const stage = await staged(runDir)
  const { proxies } = stage.fleet
  const logs = join(runDir, "kubelet/pods")
  const outputs = proxies.map(({ name, log }) => {
    const output = new ContainerOutput(log, join(logs, `yelb_${name}_uid-of-${name}`, "envoy"))
    onTestFinished(() => output.stop())
    return output
  })
  const kube = await fakeKube()
  for (const proxy of proxies) kube.store.put(PODS, podOf(proxy, stage.fleet.mesh().name))
  kube.store.put(PODS, podObject({ name: "unmeshed", node: NODE, ip: "127.0.0.9" }))
  kube.store.put(PODS, podObject({ name: "elsewhere", node: "node-2", containers: [appMeshEnvoy()] }))

  let running: Agent | undefined
  onTestFinished(() => running?.stop())
  const start = async (): Promise<Agent> => {
    const discover = { kubernetes: { nodeName: NODE, logs, api: { server: kube.url } } }
    const agent = await startAgentHere({ runDir, modelFile: MODEL, targetsFile: "", changes: { discover } })
    running = agent
    await everyProxyUp(agent, proxies.length)
    return agent
  }
  const first = await start()
  expect([...first.pipeline.proxies].map(({ target }) => target.name).toSorted()).toEqual(
    proxies.map(({ name }) => `yelb/${name}`).toSorted(),
  )
  await stage.run(600)
  await sleep(500)
  await first.stop()
  running = undefined

  await stage.run(300)
  for (const output of outputs) output.rotate()
  await stage.run(300)
  const second = await start()
  await stage.run(300)
  // What was rotated first is compressed, and read by now.
  await sleep(500)
  for (const output of outputs) output.rotate()
  await stage.run(300)
  const wanted = truthRequests((await stage.truth()).requests)
  await expect
    .poll(() => exposed(second.pipeline.ledger.snapshot, "requests", REQUEST_NAMES), {
      timeout: 30_000,
      interval: 250,
    })
    .toEqual(wanted)

  expect(
    existsSync(
      join(logs, `yelb_${proxies[0]?.name}_uid-of-${proxies[0]?.name}`, "envoy/0.log.20261121-100000.gz"),
    ),
  ).toBe(true)
  expect(second.pipeline.lines.drops()).toEqual({ line_too_long: 0, bad_frame: 0 })
  expect(second.pipeline.tail.counters).toMatchObject({ lost_rotations: 0, errors: 0 })
  expect(
    [...second.pipeline.proxies].map(({ identity, target }) => [target.hint?.resource, identity?.mesh]),
  ).toEqual([...second.pipeline.proxies].map(({ identity }) => [identity?.resource, stage.fleet.mesh().name]))
  // Each agent: one list and one watch.
  expect(kube.counts).toEqual({ lists: 2, pages: 0, watches: 2, gets: 0, refused: 0 })
}, 180_000)
