import { readFileSync, renameSync, writeFileSync } from "node:fs"
import { request as secureRequest } from "node:https"
import { join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { systemClock } from "#mesh/clock.ts"
import { MODEL_RESOURCES } from "#mesh/declare/model-resources.ts"
import type { ParsedModel } from "#mesh/declare/parsed.ts"
import { readModelFiles } from "#mesh/model-files.ts"
import { collectorModel } from "../../agent/model-collector.ts"
import { summarySchema } from "../../collector/api/view-schemas.ts"
import { parseCollectorConfig } from "../../collector/config.ts"
import { mountPages } from "../../collector/page/routes.ts"
import { type Collector, startCollector } from "../../collector/start.ts"
import type { DeclaredModelView } from "../../collector/view/declared-model.ts"
import type { ResourcesView } from "../../collector/view/resources.ts"
import { startFakeKube } from "../fake/kubernetes/fake-kube.ts"
import { podToken, startTokenReviews } from "../fake/kubernetes/token-reviews.ts"
import { testCertificates } from "../fixtures/http/certificates.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"

const YELB = readFileSync(new URL("../fixtures/declare/yelb.yaml", import.meta.url), "utf8")

const quiet = (): void => undefined
const resource = (plural: string) => ({ group: "appmesh.k8s.aws", version: "v1beta2", plural })
const node = (name: string) => ({
  metadata: { name, namespace: "a" },
  spec: { listeners: [{ portMapping: { port: 80, protocol: "http" } }] },
  status: { conditions: [] },
})

async function collector(settings: object, warned: string[] = []): Promise<Collector> {
  const text = JSON.stringify({ listen: "127.0.0.1:0", store: { step: "1s" }, ...settings })
  const config = parseCollectorConfig({ file: "/collector.yaml", text, env: {} })
  const log = { info: quiet, error: quiet, warn: (sentence: string) => void warned.push(sentence) }
  const started = await startCollector(config, { clock: systemClock, log, env: {}, version: "1", mountPages })
  onTestFinished(() => started.stop())
  return started
}

async function json<T>(url: string): Promise<T> {
  return (await (await fetch(url)).json()) as T
}

/** An agent's source of the model, and what it told. */
function agentOf(url: string, more: object = {}): ParsedModel[] {
  const models: ParsedModel[] = []
  const ending = new AbortController()
  const config = { url, headers: {}, tls: {}, interval: 50, timeout: 2000, ...more }
  const done = collectorModel(config, { clock: systemClock, env: {}, report: () => undefined }).run(
    (model) => models.push(model),
    ending.signal,
  )
  onTestFinished(async () => {
    ending.abort()
    await done
  })
  return models
}

test("a collector tells agents the model of its files, and its own views; both follow a change", async () => {
  const file = join(temporaryFolder(), "mesh.yaml")
  writeFileSync(file, YELB)
  const { url } = await collector({ model: { files: [file], interval: "500ms", cluster: "prod" } })
  const models = agentOf(url)
  await expect.poll(() => models).toEqual([await readModelFiles([file])])

  const plain = await fetch(`${url}/model`, { headers: { "accept-encoding": "identity" } })
  const etag = plain.headers.get("etag") ?? ""
  expect(etag).toMatch(/^"[\w-]{43}"$/)
  const text = await plain.text()
  expect((await fetch(`${url}/model`, { headers: { "if-none-match": etag } })).status).toBe(304)
  const zipped = await collector({ model: { files: [file] } })
  await expect.poll(async () => (await fetch(`${zipped.url}/model`)).status).toBe(200)
  const same = await fetch(`${zipped.url}/model`)
  expect(same.headers.get("content-encoding")).toBe("gzip")
  expect(same.headers.get("etag")).toBe(etag)
  expect(await same.text()).toBe(text)

  const routes = async (): Promise<string[]> => {
    const { meshes } = await json<ResourcesView>(`${url}/api/v1/resources`)
    const routers = meshes.flatMap(({ children }) => children).filter(({ kind }) => kind === "virtual_router")
    return routers.flatMap(({ children }) => children.map(({ name }) => name)).toSorted()
  }
  await expect.poll(routes, { timeout: 5000 }).not.toEqual([])
  const before = await routes()
  const [old = ""] = before
  writeFileSync(`${file}.new`, YELB.replaceAll(`name: ${old}`, "name: another-route"))
  renameSync(`${file}.new`, file)
  await expect.poll(routes, { timeout: 5000 }).toEqual([...before.slice(1), "another-route"].toSorted())
  await expect.poll(() => JSON.stringify(models.at(-1))).toContain('"another-route"')
})

test("a broken file and notes are shown everywhere, once, and the model stays", async () => {
  const file = join(temporaryFolder(), "mesh.yaml")
  const noted = YELB.replace("virtualServiceRef: {name: redis-server}", "virtualServiceRef: {name: nobody}")
  writeFileSync(file, noted)
  const warned: string[] = []
  const { url } = await collector({ model: { files: [file], interval: "500ms" } }, warned)
  const view = (): Promise<DeclaredModelView> => json(`${url}/api/v1/model`)
  await expect.poll(async () => (await view()).known).toBe(true)
  const { notes, sources } = await view()
  expect(notes.join()).toContain("nobody")
  expect(sources).toEqual([{ name: "files", state: "ok", objects: null, problem: null }])
  expect(warned.filter((sentence) => sentence.includes("nobody"))).toHaveLength(1)
  await expect.poll(async () => await (await fetch(`${url}/`)).text(), { timeout: 5000 }).toContain("nobody")

  writeFileSync(file, "kind: [")
  await expect.poll(async () => (await view()).sources[0]?.state, { timeout: 5000 }).toBe("problem")
  expect((await fetch(`${url}/model`)).status).toBe(200)
  const metrics = await (await fetch(`${url}/metrics`)).text()
  expect(metrics).toContain('mesh_collector_model_source_up{source="files"} 0')
  expect(metrics).toContain("mesh_collector_model_known 1")
  expect(metrics).toMatch(/mesh_collector_model_failures_total\{source="files"\} [1-9]/)
  expect(metrics).toMatch(/mesh_collector_model_notes [1-9]/)
  await expect
    .poll(
      async () =>
        (await json<{ model: { problems: string[] } }>(`${url}/api/v1/summary`)).model.problems.length,
      {
        timeout: 5000,
      },
    )
    .toBe(1)
  expect(summarySchema.safeParse(await json(`${url}/api/v1/summary`)).success).toBe(true)
})

test("a collector without a model says so; one that does not know it yet asks to come back", async () => {
  const none = await collector({})
  const missing = await fetch(`${none.url}/model`)
  expect([missing.status, await missing.text()]).toEqual([404, expect.stringContaining("no setting model")])
  const kube = await startFakeKube()
  onTestFinished(() => kube.stop())
  kube.troubles = [{ verb: "list", answer: "hang" }]
  const waiting = await collector({ model: { kubernetes: { api: { server: kube.url } } } })
  const answer = await fetch(`${waiting.url}/model`)
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "5"])
})

test("objects of a cluster make the model, and its changes reach agents; a role that lacks a right is named", async () => {
  const kube = await startFakeKube()
  onTestFinished(() => kube.stop())
  for (const { group, version, plural, kind } of MODEL_RESOURCES)
    if (group === "appmesh.k8s.aws")
      kube.store.define({ resource: { group, version, plural }, kind, namespaced: plural !== "meshes" })
  kube.store.put(resource("meshes"), { metadata: { name: "shop" }, spec: { namespaceSelector: {} } })
  kube.store.put(resource("virtualnodes"), node("one"))
  kube.forbid("list", "backendgroups")
  const { url } = await collector({
    model: { kubernetes: { api: { server: kube.url }, flavors: ["app-mesh"] } },
  })
  const models = agentOf(url)
  const names = (): string[] | undefined =>
    models.at(-1)?.model.meshes[0]?.virtualNodes.map(({ name }) => name)
  await expect.poll(names, { timeout: 10_000 }).toEqual(["one_a"])
  kube.store.put(resource("virtualnodes"), node("two"))
  await expect.poll(names, { timeout: 10_000 }).toEqual(["one_a", "two_a"])
  const { sources } = await json<DeclaredModelView>(`${url}/api/v1/model`)
  const state = new Map(sources.map((one) => [one.name, one]))
  expect(state.get("virtualnodes.appmesh.k8s.aws")).toMatchObject({ state: "ok", objects: 2 })
  expect(state.get("backendgroups.appmesh.k8s.aws")).toMatchObject({ state: "problem" })
  expect(state.get("backendgroups.appmesh.k8s.aws")?.problem).toContain("verb list for backendgroups")
})

test("the model is told to whoever may send, and to nobody else; /healthz is open", async () => {
  const folder = temporaryFolder()
  const file = join(folder, "mesh.yaml")
  const tokenFile = join(folder, "token")
  writeFileSync(file, YELB)
  writeFileSync(tokenFile, "s3cret\n")
  const { url } = await collector({ intake: { tokenFile }, model: { files: [file] } })
  expect((await fetch(`${url}/model`)).status).toBe(401)
  expect((await fetch(`${url}/model`, { headers: { authorization: "Bearer wrong" } })).status).toBe(401)
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
  const models = agentOf(url, { headers: { authorization: { file: tokenFile, prefix: "Bearer " } } })
  await expect.poll(() => models.length).toBe(1)
})

test("pods are known by their own token, over intake and model; Kubernetes away is no way in", async () => {
  const kube = await startTokenReviews()
  onTestFinished(() => kube.stop())
  const folder = temporaryFolder()
  const mesh = join(folder, "mesh.yaml")
  const tokenFile = join(folder, "token")
  writeFileSync(mesh, YELB)
  const sub = "system:serviceaccount:meshscope:agent"
  const pod = (jti: string): string =>
    podToken({ aud: ["meshscope"], sub, exp: Date.now() / 1000 + 600, jti })
  const [first, second, third] = ["1", "2", "3"].map(pod) as [string, string, string]
  for (const token of [first, second]) kube.known.set(token, { username: sub, audiences: ["meshscope"] })
  writeFileSync(tokenFile, first)
  const { url } = await collector({
    intake: { kubernetes: { serviceAccounts: ["meshscope/agent"], api: { server: kube.url } } },
    model: { files: [mesh], interval: "500ms" },
  })
  const models = agentOf(url, { headers: { authorization: { file: tokenFile, prefix: "Bearer " } } })
  await expect.poll(() => models.length, { timeout: 5000 }).toBe(1)
  // Kubernetes gives a new one each hour.
  writeFileSync(tokenFile, second)
  await expect.poll(() => kube.asked).toBe(2)
  writeFileSync(mesh, YELB.replaceAll("weight: 1", "weight: 5"))
  await expect.poll(() => models.length, { timeout: 5000 }).toBe(2)
  expect(kube.asked).toBe(2)
  const send = async (token: string): Promise<[number, string | null]> => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" }
    const answer = await fetch(`${url}/v1/metrics`, {
      method: "POST",
      headers,
      body: '{"resourceMetrics":[]}',
    })
    return [answer.status, answer.headers.get("retry-after")]
  }
  expect(await send(second)).toEqual([200, null])
  kube.trouble = 500
  expect(await send(second)).toEqual([200, null])
  expect(await send(third)).toEqual([503, "5"])
  kube.trouble = undefined
  expect(await send(third)).toEqual([401, null])
  const metrics = await (await fetch(`${url}/metrics`)).text()
  expect(metrics).toContain('mesh_collector_token_reviews_total{result="good"} 2')
  expect(metrics).toContain('mesh_collector_token_reviews_total{result="failed"} 1')
})

interface Asked {
  readonly status: number
  readonly body: string
  readonly issuer: string
}

/** One GET by https on a connection of its own. */
function ask(url: string, tls: object): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const sent = secureRequest(url, { ...tls, agent: false }, (response) => {
      const chunks: Buffer[] = []
      const socket = response.socket as unknown as { getPeerCertificate(): { serialNumber: string } }
      const issuer = socket.getPeerCertificate().serialNumber
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString(), issuer }),
      )
    })
    sent.on("error", reject)
    sent.end()
  })
}

test("TLS: agents trust our authority, certificates are read again, and clients may be asked for theirs", async () => {
  const folder = temporaryFolder()
  const [one, two] = [testCertificates(), testCertificates()]
  const put = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const mesh = put("mesh.yaml", YELB)
  const tls = {
    certFile: put("tls.crt", one.server.cert),
    keyFile: put("tls.key", one.server.key),
    clientCaFile: put("clients.pem", one.ca),
  }
  const warned: string[] = []
  const { url } = await collector({ tls, model: { files: [mesh] } }, warned)
  expect(url).toMatch(/^https:/)
  const both = { ca: [one.ca, two.ca] }
  const first = await ask(`${url}/healthz`, both)
  expect(first).toMatchObject({ status: 200, body: "ok" })
  expect(await ask(`${url}/model`, both)).toMatchObject({
    status: 401,
    body: expect.stringContaining("tls.clientCaFile"),
  })
  const certificate = {
    ca: put("ca.pem", one.ca),
    cert: put("client.pem", one.client.cert),
    key: put("client.key", one.client.key),
  }
  const models = agentOf(url, { tls: certificate })
  await expect.poll(() => models.length).toBe(1)
  expect((await ask(`${url}/model`, { ...both, cert: two.client.cert, key: two.client.key })).status).toBe(
    401,
  )

  put("tls.crt", "broken")
  await expect.poll(() => warned.at(-1), { timeout: 10_000 }).toContain("must be PEM and belong together")
  expect((await ask(`${url}/healthz`, both)).issuer).toBe(first.issuer)
  put("tls.crt", two.server.cert)
  put("tls.key", two.server.key)
  await expect
    .poll(async () => (await ask(`${url}/healthz`, both)).issuer, { timeout: 15_000 })
    .not.toBe(first.issuer)
}, 40_000)

test("a certificate that cannot be used is said at the start", async () => {
  const folder = temporaryFolder()
  const file = join(folder, "x.pem")
  writeFileSync(file, "nothing")
  await expect(collector({ tls: { certFile: file, keyFile: file } })).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    message: expect.stringContaining(file),
  })
})
