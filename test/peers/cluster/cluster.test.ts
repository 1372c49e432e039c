import { readdirSync, readFileSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { parseAllDocuments } from "yaml"
import type { DeclaredModelView } from "../../../collector/view/declared-model.ts"
import type { ProxiesView } from "../../../collector/view/proxies.ts"
import { type Stage, stageOn } from "../../../demo/stage.ts"
import { parseKubernetesObjects } from "../../../mesh/declare/kubernetes.ts"
import type { DoctorReport } from "../../../mesh/doctor-report.ts"
import type { ModelDocument } from "../../../mesh/model-document.ts"
import { ROOT } from "../../fixtures/deploy/objects.ts"
import { pageCounts } from "../../live/rig/page-counts.ts"
import { Rising } from "../../live/rig/rising.ts"
import { apiByRoute, truthByRoute } from "../../live/rig/routes-told.ts"
import {
  HEALTH_CHECK_NAMES,
  REQUEST_NAMES,
  TCP_NAMES,
  truthConnections,
  truthHealthChecks,
  truthRequests,
} from "../../live/rig/truth-counts.ts"
import { ourImage } from "../deploy/our-image.ts"
import { appMeshDefinitions } from "./app-mesh-definitions.ts"
import { type Cluster, startCluster } from "./cluster.ts"
import { labImage } from "./lab-image.ts"
import { MESH, NAMESPACE } from "./mesh-pods.ts"
import { awaited, type KubePod, startPodFleet } from "./pod-fleet.ts"
import { install, RELEASE_NAMESPACE, type Release } from "./release.ts"

/**
 * A real Kubernetes of one node runs our image by our chart, and the demo's mesh in pods: real Envoys beside real
 * applications. The load generator stands outside and knows the truth.
 */
const MODEL = join(ROOT, "demo/yelb.yaml")
/** A machine that is busy for two seconds must not look like an application that is slow: what Envoy and the application
 * say of a try that ends just then is both true. */
const declared = async (): Promise<string> =>
  (await readFile(MODEL, "utf8")).replace(
    "perRetryTimeout: { unit: ms, value: 2000 }",
    "perRetryTimeout: { unit: s, value: 20 }",
  )
const SOON = { timeout: 30_000, interval: 500 }

let cluster: Cluster
let stage: Stage
let release: Release

beforeAll(async () => {
  const [lab, image] = [await labImage(), await ourImage()]
  cluster = await startCluster(lab.name)
  await cluster.importImage(lab.archive)
  await cluster.importImage(image.archive)
  const text = await declared()
  await declare(text)
  const { model } = parseKubernetesObjects(text, MODEL)
  const fleet = { cluster, model, logs: { "*": "json" }, image: lab.name } as const
  stage = await stageOn((events) => startPodFleet(fleet, events), { seed: 11, rate: 60 })
  release = await install(cluster, image)
  await awaited(cluster, "the agent has read every proxy", async () => {
    const up = pageCounts((await release.page()) ?? "", "mesh_proxy_up", ["proxy"])
    return Object.keys(up).length === stage.fleet.proxies.length ? up : undefined
  })
}, 1_200_000)

afterAll(async () => {
  await release?.stop()
  await stage?.stop()
  await cluster?.stop()
})

/** The definitions first; the API server knows a kind a moment after. */
async function declare(text: string): Promise<void> {
  const definitions = appMeshDefinitions()
  await cluster.kube.apply(definitions)
  const labels = { mesh: MESH, gateway: "yelb-gateway" }
  await cluster.kube.apply([{ apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE, labels } }])
  await awaited(cluster, "the definitions are in force", async () => {
    const group = await cluster.kube.get("/apis/appmesh.k8s.aws/v1beta2").catch(() => ({ resources: [] }))
    const kinds = (group as { resources: readonly { name: string }[] }).resources
    return kinds.filter(({ name }) => !name.includes("/")).length === definitions.length ? true : undefined
  })
  await cluster.kube.apply(parseAllDocuments(text).map((document) => document.toJS() as object))
}

const page = async (): Promise<string> => (await release.page()) ?? ""
const ask = <T>(path: string): Promise<T> => release.ask(`/api/v1${path}`)

/** Everything that was counted is exactly what happened. */
async function expectTruth(): Promise<void> {
  const truth = await stage.truth()
  const told = async (metric: string, names: readonly string[]) => pageCounts(await page(), metric, names)
  await expect
    .poll(() => told("mesh_requests_total", REQUEST_NAMES), SOON)
    .toEqual(truthRequests(truth.requests))
  await expect
    .poll(() => told("mesh_health_check_requests_total", HEALTH_CHECK_NAMES), SOON)
    .toEqual(truthHealthChecks(truth))
  await expect
    .poll(() => told("mesh_tcp_connections_opened_total", TCP_NAMES), SOON)
    .toEqual(truthConnections(truth))
  await expect.poll(() => apiByRoute(ask), SOON).toEqual(truthByRoute(truth.requests))
}

test("every proxy is found, named and read", async () => {
  const wanted = stage.fleet.proxies.map(({ pod }) => ({
    mesh: MESH,
    resource: pod.resource,
    role: pod.kind === "virtual_gateway" ? "gateway" : "sidecar",
    state: "live",
    problems: [],
  }))
  const inOrder = <T extends { resource: string }>(rows: readonly T[]): readonly T[] =>
    rows.toSorted((a, b) => a.resource.localeCompare(b.resource))
  const found = async () =>
    inOrder((await ask<ProxiesView>("/proxies?window=5m")).rows).map(
      ({ mesh, resource, role, state, problems }) => ({ mesh, resource, role, state, problems }),
    )
  await expect.poll(found, SOON).toEqual(inOrder(wanted))
})

test("the API server is asked for one list and one watch of pods", () => {
  expect(podRequests()).toEqual(["list", "watch"])
})

/** Verbs of what the agent asked about pods, in the order of the asking. */
function podRequests(): readonly string[] {
  interface Asked {
    readonly verb: string
    readonly user: { readonly username: string }
    readonly objectRef?: { readonly resource: string }
  }
  return readFileSync(cluster.auditLog, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Asked)
    .filter(({ user }) => user.username === `system:serviceaccount:${RELEASE_NAMESPACE}:meshscope-agent`)
    .filter(({ objectRef }) => objectRef?.resource === "pods")
    .map(({ verb }) => verb)
}

test("counts are the generator's, through rotations by the kubelet", async () => {
  await stage.run(900)
  const [gateway] = stage.fleet.proxies
  const files = readdirSync(join(gateway?.log ?? "", ".."))
  expect(files.filter((file) => file.startsWith("0.log.")).length).toBeGreaterThanOrEqual(2)
  expect(files.some((file) => file.endsWith(".gz"))).toBe(true)
  await expectTruth()
})

test("an agent that is killed, and one that is rescheduled, lose nothing and repeat nothing", async () => {
  const rising = new Rising("mesh_agent_")
  const fallen: string[] = []
  const looking = new AbortController()
  const looks = watchPages((text) => fallen.push(...rising.take(text)), looking.signal)
  const load = stage.run(1200)
  const { metadata } = await agentNow()
  // Killed in its pod: the kubelet starts it again there.
  for (const pid of cluster.processes("meshscope.mjs\0agent")) process.kill(pid, "SIGKILL")
  await awaited(cluster, "the agent is started again", async () => {
    const { status } = await agentNow()
    return status.containerStatuses?.[0]?.restartCount === 1 ? true : undefined
  })
  await sleep(3000)
  // Then its pod is gone without a word, and another one comes.
  const path = `/api/v1/namespaces/${RELEASE_NAMESPACE}/pods/${metadata.name}`
  await cluster.kube.send("DELETE", path, { gracePeriodSeconds: 0, kind: "DeleteOptions", apiVersion: "v1" })
  await awaited(cluster, "another agent answers", async () => {
    const now = await release.pod("agent")
    return now !== undefined && now.metadata.name !== metadata.name ? now : undefined
  })
  await load
  await expectTruth()
  looking.abort()
  expect(await looks).toBeGreaterThan(10)
  expect(fallen).toEqual([])
}, 120_000)

const agentNow = (): Promise<KubePod> => awaited(cluster, "there is an agent", () => release.pod("agent"))

/** Looks at the agent's page until the end, whenever there is one. @returns how often it saw one */
async function watchPages(take: (text: string) => void, end: AbortSignal): Promise<number> {
  let seen = 0
  while (!end.aborted) {
    const text = await release.page()
    if (text !== undefined) take(text)
    if (text !== undefined) seen++
    await sleep(500)
  }
  return seen
}

describe("the declared model", () => {
  const model = async (token?: string): Promise<Response> => {
    const { status } = (await release.pod("collector")) ?? { status: { podIP: "" } }
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    return fetch(`http://${status.podIP}:4318/model`, { headers })
  }
  const tokenOf = async (account: string, audience: string): Promise<string> => {
    const path = `/api/v1/namespaces/${RELEASE_NAMESPACE}/serviceaccounts/${account}/token`
    const spec = { audiences: [audience], expirationSeconds: 600 }
    const answer = await cluster.kube.send("POST", path, { spec })
    return (answer as { status: { token: string } }).status.token
  }

  test("is what the objects say, to agents alone", async () => {
    const wanted = parseKubernetesObjects(await declared(), MODEL)
    const answer = await model(await tokenOf("meshscope-agent", "meshscope"))
    const told = (await answer.json()) as ModelDocument
    expect(byName(told.model)).toEqual(byName(JSON.parse(JSON.stringify(wanted.model))))
    expect(told.notes).toEqual([])
    expect((await model()).status).toBe(401)
    expect((await model(await tokenOf("meshscope-collector", "meshscope"))).status).toBe(401)
    expect((await model(await tokenOf("meshscope-agent", "somebody-else"))).status).toBe(401)
  })

  test("is kept by the agent", async () => {
    const kept = JSON.parse(
      await readFile(join(cluster.folder, "state/model/collector.json"), "utf8"),
    ) as ModelDocument
    expect(kept.model.meshes.map(({ name }) => name)).toEqual([MESH])
  })
})

/** The API server lists by name, a file as it was written. */
function byName(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value
  if (!Array.isArray(value))
    return Object.fromEntries(Object.entries(value).map(([key, own]) => [key, byName(own)]))
  const name = (one: unknown): string => String((one as { name?: string }).name ?? "")
  return value.map(byName).toSorted((a, b) => name(a).localeCompare(name(b)))
}

describe("bad objects are told of, and disturb nothing else", () => {
  const GROUP = "appmesh.k8s.aws/v1beta2"
  const path = (plural: string, name = "") => `/apis/${GROUP}/namespaces/${NAMESPACE}/${plural}${name}`
  const seen = () => ask<DeclaredModelView>("/model")
  const make = (kind: string, plural: string, name: string, spec: object) =>
    cluster.kube.send("POST", path(plural), { apiVersion: GROUP, kind, metadata: { name }, spec })

  async function expectTold(about: string, words: RegExp): Promise<void> {
    const mine = async () => (await seen()).notes.filter((note) => note.includes(about)).join("\n")
    await expect.poll(mine, SOON).toMatch(words)
    const metrics = await release.text("/metrics")
    expect(pageCounts(metrics, "mesh_collector_model_notes", [])).toEqual({ "": (await seen()).notesTotal })
  }

  /** What was well before still is. */
  async function expectUndisturbed(): Promise<void> {
    await stage.run(60)
    await expectTruth()
    const { rows } = await ask<ProxiesView>("/proxies?window=5m")
    expect(rows.map(({ state }) => state)).toEqual(rows.map(() => "live"))
  }

  async function expectGone(plural: string, name: string): Promise<void> {
    await cluster.kube.send("DELETE", path(plural, `/${name}`))
    await expect.poll(async () => (await seen()).notes, SOON).toEqual([])
  }

  test("a virtual service that refers to nothing", async () => {
    await make("VirtualService", "virtualservices", "lost", {
      awsName: "lost",
      provider: { virtualNode: { virtualNodeRef: { name: "nobody" } } },
    })
    await expectTold("nobody", /referred to but not declared/)
    await expectUndisturbed()
    await expectGone("virtualservices", "lost")
  })

  test("two virtual nodes that select one pod", async () => {
    await make("VirtualNode", "virtualnodes", "twin", {
      podSelector: { matchLabels: { app: "yelb-db" } },
      listeners: [{ portMapping: { port: 5432, protocol: "tcp" } }],
      serviceDiscovery: { dns: { hostname: "twin.yelb.svc.cluster.local" } },
    })
    await expectTold("twin", /yelb-db/)
    await expectUndisturbed()
    await expectGone("virtualnodes", "twin")
  })

  test("an object of another shape, by a definition that takes anything", async () => {
    const definition =
      "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/virtualrouters.appmesh.k8s.aws"
    const { spec } = (await cluster.kube.get(definition)) as { spec: { versions: readonly object[] } }
    const anything = { type: "object", "x-kubernetes-preserve-unknown-fields": true }
    const lax = spec.versions.map((version) => ({ ...version, schema: { openAPIV3Schema: anything } }))
    await cluster.kube.send("PATCH", definition, { spec: { versions: lax } })
    const shapeless = { listeners: 7, routes: [{ name: { first: "a" } }, "all of them"] }
    await expect
      .poll(
        () => make("VirtualRouter", "virtualrouters", "shapeless", shapeless).then(() => "made", String),
        SOON,
      )
      .toBe("made")
    await expectTold("shapeless", /shapeless/)
    await expectUndisturbed()
    await expectGone("virtualrouters", "shapeless")
    await cluster.kube.send("PATCH", definition, { spec: { versions: spec.versions } })
  })
})

describe("rights", () => {
  const doctor = async (part: "agent" | "collector"): Promise<DoctorReport> => {
    const { metadata } = (await release.pod(part)) ?? { metadata: { name: "" } }
    const words = ["meshscope", "doctor", "--json", "--config", `/etc/meshscope/${part}.yaml`]
    return JSON.parse(await cluster.kube.exec(RELEASE_NAMESPACE, metadata.name, words)) as DoctorReport
  }
  const rightsMissing = ({ checks }: DoctorReport): readonly string[] =>
    checks
      .filter(({ area, state }) => area === "kubernetes" && state === "missing")
      .map(({ subject }) => subject)
      .toSorted()
  interface Rule {
    readonly apiGroups: readonly string[]
    readonly resources: readonly string[]
    readonly verbs: readonly string[]
  }

  test.each(["agent", "collector"] as const)(
    "doctor names exactly what is taken away of the %s's",
    async (part) => {
      expect(await doctor(part)).toMatchObject({ ok: true })
      const path = `/apis/rbac.authorization.k8s.io/v1/clusterroles/${RELEASE_NAMESPACE}-meshscope-${part}`
      const { rules } = (await cluster.kube.get(path)) as { rules: readonly Rule[] }
      for (const rule of rules) {
        for (const verb of rule.verbs) {
          const less = { ...rule, verbs: rule.verbs.filter((one) => one !== verb) }
          const left = rules.map((one) => (one === rule ? less : one)).filter(({ verbs }) => verbs.length > 0)
          await cluster.kube.send("PATCH", path, { rules: left })
          const [group = ""] = rule.apiGroups
          const names = rule.resources.map((name) => (group === "" ? name : `${name}.${group}`))
          const wanted = names.map((name) => `${verb} ${name} in all namespaces`).toSorted()
          await expect.poll(async () => rightsMissing(await doctor(part)), SOON).toEqual(wanted)
        }
      }
      await cluster.kube.send("PATCH", path, { rules })
      await expect.poll(() => doctor(part), SOON).toMatchObject({ ok: true })
    },
    180_000,
  )
})

test.each(["agent", "collector"] as const)(
  "the %s is held: nothing to write to, no capability",
  async (part) => {
    const { metadata } = (await release.pod(part)) ?? { metadata: { name: "" } }
    const script = `
    let written = "yes"
    try { fs.writeFileSync("/tmp/a", "") } catch (error) { written = error.code }
    const words = fs.readFileSync("/proc/self/status", "utf8")
    const of = (name) => new RegExp("^" + name + ":\\\\s+(\\\\S+)", "m").exec(words)[1]
    console.log(JSON.stringify([written, ...["CapEff", "CapPrm", "CapBnd", "NoNewPrivs", "Seccomp"].map(of)]))`
    const none = "0000000000000000"
    const told = await cluster.kube.exec(RELEASE_NAMESPACE, metadata.name, ["node", "-e", script])
    expect(JSON.parse(told)).toEqual(["EROFS", none, none, none, "1", "2"])
  },
)

test("helm uninstall leaves nothing of ours in the cluster", async () => {
  const { kube } = cluster
  await release.uninstall()
  await expect.poll(() => everyObject(kube, "app.kubernetes.io/instance=meshscope"), SOON).toEqual([])
  const secrets = await everyObject(kube, "owner=helm")
  expect(secrets).toEqual([])
})

/** Paths of all objects of all kinds with these labels. */
async function everyObject(kube: Cluster["kube"], labels: string): Promise<readonly string[]> {
  interface Known {
    readonly resources: readonly { readonly name: string; readonly verbs: readonly string[] }[]
  }
  const { groups } = (await kube.get("/apis")) as {
    groups: readonly { preferredVersion: { groupVersion: string } }[]
  }
  const roots = ["/api/v1", ...groups.map(({ preferredVersion }) => `/apis/${preferredVersion.groupVersion}`)]
  const found: string[] = []
  for (const root of roots) {
    const { resources } = (await kube.get(root)) as Known
    for (const { name } of resources.filter(({ verbs }) => verbs.includes("list"))) {
      const list = await kube.get(`${root}/${name}?labelSelector=${encodeURIComponent(labels)}`)
      const { items } = list as { items: readonly { metadata: { name: string } }[] }
      found.push(...items.map(({ metadata }) => `${name}/${metadata.name}`))
    }
  }
  return found
}
