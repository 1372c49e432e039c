import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { systemClock } from "#mesh/clock.ts"
import type { ParsedModel } from "#mesh/declare/parsed.ts"
import { parseAgentConfig } from "../../agent/config/parse.ts"
import { modelNow, openModel } from "../../agent/model-sources.ts"
import { makeTelemetry } from "../../agent/telemetry/telemetry.ts"
import { type FakeKube, startFakeKube } from "../fake/kubernetes/fake-kube.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"

const NODES = { group: "appmesh.k8s.aws", version: "v1beta2", plural: "virtualnodes" }
const MESHES = { ...NODES, plural: "meshes" }
const quiet = (): void => undefined

const node = (name: string, port: number) => ({
  metadata: { name, namespace: "a" },
  spec: { listeners: [{ portMapping: { port, protocol: "http" } }] },
})

async function cluster(): Promise<FakeKube> {
  const kube = await startFakeKube()
  onTestFinished(() => kube.stop())
  kube.store.define({ resource: MESHES, kind: "Mesh", namespaced: false })
  kube.store.define({ resource: NODES, kind: "VirtualNode", namespaced: true })
  kube.store.put(MESHES, { metadata: { name: "shop" }, spec: { namespaceSelector: {} } })
  kube.store.put(NODES, node("one", 80))
  return kube
}

/** An agent's configuration of the model alone, and what it is opened with. */
function agentOf(folder: string, model: object) {
  const text = JSON.stringify({ agent: { state: folder }, discover: { static: { targets: [] } }, model })
  const config = parseAgentConfig({ file: join(folder, "agent.yaml"), text, env: {}, hostName: "h" })
  const warned: string[] = []
  const telemetry = makeTelemetry({ version: "1", nodeVersion: "24", processMetrics: false })
  onTestFinished(() => telemetry.close())
  const log = {
    debug: quiet,
    info: quiet,
    error: quiet,
    warn: (sentence: string) => void warned.push(sentence),
  }
  return { config, warned, telemetry, deps: { clock: systemClock, env: {}, log, telemetry } }
}

const names = (model: ParsedModel | undefined): string[] =>
  (model?.model.meshes ?? []).flatMap(({ virtualNodes }) => virtualNodes.map(({ name }) => name))

test("an agent that watches by itself keeps what it saw, for a start while the API server is away", async () => {
  const kube = await cluster()
  const folder = temporaryFolder()
  const { config, deps, warned, telemetry } = agentOf(folder, {
    kubernetes: { api: { server: kube.url }, flavors: ["app-mesh"] },
  })
  expect(config.model.publish).toBe(true)
  const ending = new AbortController()
  const opened = await openModel(config, deps)
  expect(names(opened.first)).toEqual([])
  const models: ParsedModel[] = []
  const done = opened.source.run((model) => models.push(model), ending.signal)
  await expect.poll(() => names(models.at(-1)), { timeout: 5000 }).toEqual(["one_a"])
  kube.store.put(NODES, node("two", 80))
  await expect.poll(() => names(models.at(-1)), { timeout: 5000 }).toEqual(["one_a", "two_a"])
  ending.abort()
  await done
  await kube.stop()

  const again = await openModel(config, deps)
  expect(names(again.first)).toEqual(["one_a", "two_a"])
  const later = new AbortController()
  const running = again.source.run((model) => models.push(model), later.signal)
  await expect.poll(() => warned.join(), { timeout: 5000 }).toContain("does not answer")
  expect(names(models.at(-1))).toEqual(["one_a", "two_a"])
  expect(await telemetry.text("prometheus")).toMatch(
    /mesh_agent_model_failures_total\{source="kubernetes"\} \d/,
  )
  later.abort()
  await running
})

test("files rank before what was watched, and one look asks every source", async () => {
  const kube = await cluster()
  const folder = temporaryFolder()
  const object = { apiVersion: "appmesh.k8s.aws/v1beta2", kind: "VirtualNode", ...node("one", 9999) }
  const mesh = { ...object, kind: "Mesh", metadata: { name: "shop" }, spec: { namespaceSelector: {} } }
  writeFileSync(join(folder, "mesh.yaml"), [mesh, object].map((one) => JSON.stringify(one)).join("\n---\n"))
  const { config, deps } = agentOf(folder, {
    files: ["mesh.yaml"],
    kubernetes: { api: { server: kube.url }, flavors: ["app-mesh"] },
  })
  kube.store.put(NODES, node("two", 80))
  const now = await modelNow(config, deps, AbortSignal.timeout(10_000))
  expect(names(now)).toEqual(["one_a", "two_a"])
  expect(now.model.meshes[0]?.virtualNodes[0]?.listeners).toEqual([{ port: 9999, protocol: "http" }])
  expect(now.notes.join()).toContain("one_a")
})

test("one look takes what was kept where a source does not answer, and files that are broken stop it", async () => {
  const folder = temporaryFolder()
  const { config, deps, warned } = agentOf(folder, { collector: { url: "http://127.0.0.1:9" } })
  expect(config.model.publish).toBe(false)
  expect(names(await modelNow(config, deps, AbortSignal.timeout(10_000)))).toEqual([])
  expect(warned.join()).toContain("Nobody listens")
  writeFileSync(join(folder, "broken.yaml"), "kind: [")
  const broken = agentOf(folder, { files: ["broken.yaml"] })
  await expect(openModel(broken.config, broken.deps)).rejects.toMatchObject({ code: "MODEL_INVALID" })
  const missing = agentOf(folder, { files: ["nowhere.yaml"] })
  await expect(openModel(missing.config, missing.deps)).rejects.toMatchObject({ code: "FILE_UNREADABLE" })
})
