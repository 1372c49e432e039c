import { readdirSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import type { DeclaredModelView } from "../../../collector/view/declared-model.ts"
import type { ProxiesView } from "../../../collector/view/proxies.ts"
import type { ModelDocument } from "../../../mesh/model-document.ts"
import { pageCounts } from "../../live/rig/page-counts.ts"
import { Rising } from "../../live/rig/rising.ts"
import { byName, expectTruth, expectUndisturbed, SOON, watchPages } from "./expectations.ts"
import { MESH, NAMESPACE } from "./mesh-pods.ts"
import { awaited, type KubePod } from "./pod-fleet.ts"
import { askModel, doctor, everyObject, inside, podRequests, rightsMissing, tokenOf } from "./questions.ts"
import { RELEASE_NAMESPACE } from "./release.ts"
import { type Subject, startSubject } from "./subject.ts"

/**
 * A real Kubernetes of one node runs our image by our chart, and the demo's mesh in pods: real Envoys beside real
 * applications. The load generator stands outside and knows the truth. One cluster for all, so these stand in order.
 */
let subject: Subject
beforeAll(async () => {
  subject = await startSubject()
}, 1_200_000)
afterAll(() => subject?.stop())

interface Seen {
  readonly mesh: string
  readonly resource: string
  readonly role: string | null
  readonly state: string
}

const inOrder = (all: readonly Seen[]): readonly Seen[] =>
  all.toSorted((a, b) => a.resource.localeCompare(b.resource))

test("every proxy is found, named and read", async () => {
  const { stage, release } = subject
  const wanted = stage.fleet.proxies.map(({ pod }): Seen => {
    const role = pod.kind === "virtual_gateway" ? "gateway" : "sidecar"
    return { mesh: MESH, resource: pod.resource, role, state: "live" }
  })
  const found = async (): Promise<readonly Seen[]> => {
    const { rows } = await release.ask<ProxiesView>("/api/v1/proxies?window=5m")
    const read = rows.filter(({ problems }) => problems.length === 0)
    return read.map(({ mesh, resource, role, state }) => ({ mesh, resource, role, state }))
  }
  await expect.poll(async () => inOrder(await found()), SOON).toEqual(inOrder(wanted))
  const page = (await release.page()) ?? ""
  const up = pageCounts(page, "mesh_proxy_up", ["proxy"])
  expect(Object.values(up)).toEqual(wanted.map(() => 1))
})

test("the API server is asked for one list and one watch of pods", () => {
  expect(podRequests(subject)).toEqual(["list", "watch"])
})

test("counts are the generator's, through rotations by the kubelet", async () => {
  const { stage } = subject
  await stage.run(900)
  const [gateway] = stage.fleet.proxies
  const files = readdirSync(join(gateway?.log ?? "", ".."))
  expect(files.filter((file) => file.startsWith("0.log.")).length).toBeGreaterThanOrEqual(2)
  expect(files.some((file) => file.endsWith(".gz"))).toBe(true)
  await expectTruth(subject)
}, 150_000)

test("an agent that is killed, and one that is rescheduled, lose nothing and repeat nothing", async () => {
  const { cluster, stage, release } = subject
  const rising = new Rising("mesh_agent_")
  const fallen: string[] = []
  const looking = new AbortController()
  const looks = watchPages(release, (text) => fallen.push(...rising.take(text)), looking.signal)
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
  await expectTruth(subject)
  looking.abort()
  expect(await looks).toBeGreaterThan(10)
  expect(fallen).toEqual([])
}, 180_000)

const agentNow = (): Promise<KubePod> =>
  awaited(subject.cluster, "there is an agent", () => subject.release.pod("agent"))

describe("the declared model", () => {
  test("is what the objects say, to agents alone", async () => {
    const answer = await askModel(subject, await tokenOf(subject, "meshscope-agent", "meshscope"))
    const told = (await answer.json()) as ModelDocument
    expect(byName(told.model)).toEqual(byName(JSON.parse(JSON.stringify(subject.declared.model))))
    expect(told.notes).toEqual([])
    expect((await askModel(subject)).status).toBe(401)
    const others = [
      await tokenOf(subject, "meshscope-collector", "meshscope"),
      await tokenOf(subject, "meshscope-agent", "somebody-else"),
    ]
    for (const token of others) expect((await askModel(subject, token)).status).toBe(401)
  })

  test("is kept by the agent", async () => {
    const text = await readFile(join(subject.cluster.folder, "state/model/collector.json"), "utf8")
    const { model } = JSON.parse(text) as ModelDocument
    expect(model.meshes.map(({ name }) => name)).toEqual([MESH])
  })
})

const GROUP = "appmesh.k8s.aws/v1beta2"
const pathOf = (plural: string, name = ""): string =>
  `/apis/${GROUP}/namespaces/${NAMESPACE}/${plural}${name}`
const seen = (): Promise<DeclaredModelView> => subject.release.ask("/api/v1/model")
const make = (kind: string, plural: string, name: string, spec: object): Promise<unknown> =>
  subject.cluster.kube.send("POST", pathOf(plural), { apiVersion: GROUP, kind, metadata: { name }, spec })

/** The notes that are about something, and whether the metric counts as many as there are. */
async function notesAbout(about: string): Promise<string> {
  const { notes, notesTotal } = await seen()
  const metrics = await subject.release.text("/metrics")
  const { "": counted = 0 } = pageCounts(metrics, "mesh_collector_model_notes", [])
  const mine = notes.filter((note) => note.includes(about))
  return counted === notesTotal ? mine.join("\n") : `${counted} counted, ${notesTotal} told`
}

async function expectGone(plural: string, name: string): Promise<void> {
  await subject.cluster.kube.send("DELETE", pathOf(plural, `/${name}`))
  await expect.poll(async () => (await seen()).notes, SOON).toEqual([])
}

describe("bad objects are told of, and disturb nothing else", () => {
  test("a virtual service that refers to nothing", async () => {
    await make("VirtualService", "virtualservices", "lost", {
      awsName: "lost",
      provider: { virtualNode: { virtualNodeRef: { name: "nobody" } } },
    })
    await expect.poll(() => notesAbout("nobody"), SOON).toMatch(/referred to but not declared/)
    await expectUndisturbed(subject)
    await expectGone("virtualservices", "lost")
  })

  test("two virtual nodes that select one pod", async () => {
    await make("VirtualNode", "virtualnodes", "twin", {
      podSelector: { matchLabels: { app: "yelb-db" } },
      listeners: [{ portMapping: { port: 5432, protocol: "tcp" } }],
      serviceDiscovery: { dns: { hostname: "twin.yelb.svc.cluster.local" } },
    })
    await expect.poll(() => notesAbout("twin"), SOON).toMatch(/yelb-db/)
    await expectUndisturbed(subject)
    await expectGone("virtualnodes", "twin")
  })

  test("an object of another shape, by a definition that takes anything", async () => {
    const { kube } = subject.cluster
    const definition =
      "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/virtualrouters.appmesh.k8s.aws"
    const { spec } = (await kube.get(definition)) as { spec: { versions: readonly object[] } }
    const anything = { type: "object", "x-kubernetes-preserve-unknown-fields": true }
    const lax = spec.versions.map((version) => ({ ...version, schema: { openAPIV3Schema: anything } }))
    await kube.send("PATCH", definition, { spec: { versions: lax } })
    const shapeless = { listeners: 7, routes: [{ name: { first: "a" } }, "all of them"] }
    await expect
      .poll(
        () => make("VirtualRouter", "virtualrouters", "shapeless", shapeless).then(() => "made", String),
        SOON,
      )
      .toBe("made")
    await expect.poll(() => notesAbout("shapeless"), SOON).toMatch(/shapeless/)
    await expectUndisturbed(subject)
    await expectGone("virtualrouters", "shapeless")
    await kube.send("PATCH", definition, { spec: { versions: spec.versions } })
  })
})

interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
}

/** As doctor names them. */
function rightsOf({ apiGroups, resources }: Rule, verb: string): readonly string[] {
  const [group = ""] = apiGroups
  const names = resources.map((name) => (group === "" ? name : `${name}.${group}`))
  return names.map((name) => `${verb} ${name} in all namespaces`).toSorted()
}

test.each(["agent", "collector"] as const)(
  "doctor names exactly what is taken away of the %s's rights",
  async (part) => {
    const { kube } = subject.cluster
    expect(await doctor(subject, part)).toMatchObject({ ok: true })
    const path = `/apis/rbac.authorization.k8s.io/v1/clusterroles/${RELEASE_NAMESPACE}-meshscope-${part}`
    const { rules } = (await kube.get(path)) as { rules: readonly Rule[] }
    for (const rule of rules) {
      for (const verb of rule.verbs) {
        const less = { ...rule, verbs: rule.verbs.filter((one) => one !== verb) }
        const left = rules.map((one) => (one === rule ? less : one)).filter(({ verbs }) => verbs.length > 0)
        await kube.send("PATCH", path, { rules: left })
        await expect.poll(() => rightsMissing(subject, part), SOON).toEqual(rightsOf(rule, verb))
      }
    }
    await kube.send("PATCH", path, { rules })
    await expect.poll(() => doctor(subject, part), SOON).toMatchObject({ ok: true })
  },
  180_000,
)

/** Tries to write, and reads what the kernel lets this process do. */
const HELD = `
  let written = "yes"
  try { fs.writeFileSync("/tmp/a", "") } catch (error) { written = error.code }
  const words = fs.readFileSync("/proc/self/status", "utf8")
  const of = (name) => new RegExp("^" + name + ":\\\\s+(\\\\S+)", "m").exec(words)[1]
  console.log(JSON.stringify([written, ...["CapEff", "CapPrm", "CapBnd", "NoNewPrivs", "Seccomp"].map(of)]))`

test.each(["agent", "collector"] as const)(
  "the %s is held: nothing to write to, no capability",
  async (part) => {
    const none = "0000000000000000"
    const told = await inside(subject, part, ["node", "-e", HELD])
    expect(JSON.parse(told)).toEqual(["EROFS", none, none, none, "1", "2"])
  },
)

test("helm uninstall leaves nothing of ours in the cluster", async () => {
  const { release, cluster } = subject
  await release.uninstall()
  const left = (labels: string): Promise<readonly string[]> => everyObject(cluster.kube, labels)
  await expect.poll(() => left("app.kubernetes.io/instance=meshscope"), SOON).toEqual([])
  expect(await left("owner=helm")).toEqual([])
})
