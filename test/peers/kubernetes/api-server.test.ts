import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest"
import { kubernetesDiscovery } from "../../../agent/discover/kubernetes/discovery.ts"
import { systemClock } from "../../../mesh/clock.ts"
import type { ProxyTarget } from "../../../mesh/proxy.ts"
import { PODS } from "../../fake/kubernetes/fake-kube.ts"
import { appMeshEnvoy, type PodParts, podObject } from "../../fake/kubernetes/pods.ts"
import { until, watching } from "../../fake/kubernetes/watching.ts"
import { type ApiServer, startApiServer } from "../rig/api-server.ts"

let server: ApiServer
let folder = ""
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "kube-"))
  server = await startApiServer()
}, 600_000)
afterAll(async () => {
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const NODES = { group: "mesh.example", version: "v1", plural: "nodes" }
const RIGHTS = "/apis/rbac.authorization.k8s.io/v1"
const pathOf = (namespace: string) => `/api/v1/namespaces/${namespace}/pods`

/** A token of a service account with these verbs for pods, in a file. */
async function account(name: string, verbs: readonly string[]): Promise<string> {
  const metadata = { name }
  await server.send("POST", "/api/v1/namespaces/default/serviceaccounts", { metadata })
  if (verbs.length > 0) await grant(name, verbs)
  const path = `/api/v1/namespaces/default/serviceaccounts/${name}/token`
  const { status } = (await server.send("POST", path, { spec: { expirationSeconds: 600 } })) as {
    status: { token: string }
  }
  writeFileSync(join(folder, name), status.token)
  return join(folder, name)
}

async function grant(name: string, verbs: readonly string[]): Promise<void> {
  const metadata = { name }
  await server.send("POST", `${RIGHTS}/clusterroles`, {
    metadata,
    rules: [{ apiGroups: [""], resources: ["pods"], verbs }],
  })
  await server.send("POST", `${RIGHTS}/clusterrolebindings`, {
    metadata,
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name },
    subjects: [{ kind: "ServiceAccount", name, namespace: "default" }],
  })
}

/** Makes a pod on a node, and what its kubelet would say of it. */
async function put(parts: PodParts & { readonly name: string }): Promise<void> {
  const { metadata, spec, status } = podObject({ namespace: "default", ...parts })
  const { name, namespace, labels, annotations } = { annotations: undefined, ...metadata }
  await server.send("POST", pathOf(namespace), { metadata: { name, namespace, labels, annotations }, spec })
  await server.send("PATCH", `${pathOf(namespace)}/${name}/status`, { status })
}

function discovering(tokenFile: string) {
  const groups: (readonly ProxyTarget[])[] = []
  const problems: string[] = []
  const stop = new AbortController()
  const discovery = kubernetesDiscovery(
    {
      nodeName: "node-1",
      namespaces: { include: [], exclude: [] },
      labelSelector: "",
      containers: {},
      logs: folder,
      from: { kind: "api", access: { server: server.url, caFile: server.caFile, tokenFile } },
    },
    {
      clock: systemClock,
      random: Math.random,
      report: (error) => problems.push(error.message),
      mended: () => problems.push("mended"),
    },
  )
  const ended = discovery.run((targets) => groups.push(targets), stop.signal)
  onTestFinished(async () => {
    stop.abort()
    await ended
  })
  return { groups, problems, names: () => groups.at(-1)?.map(({ name }) => name) }
}

/** Who may do all. */
const administrator = () => ({ server: server.url, caFile: server.caFile, tokenFile: server.tokenFile })

describe("a real API server", () => {
  test("tells of the node's pods to a service account that may list and watch pods, and nothing else", async () => {
    const run = discovering(await account("agent", ["list", "watch"]))
    await until(() => run.groups.length === 1)
    expect(run.groups).toEqual([[]])
    const native = { ...appMeshEnvoy(), restartPolicy: "Always" }
    await put({ name: "a", ip: "10.0.0.1", containers: [{ name: "app" }, appMeshEnvoy()] })
    await put({ name: "b", ip: "10.0.0.2", ips: ["10.0.0.2", "fd00::2"], init: [native] })
    await put({ name: "c", node: "node-2", containers: [appMeshEnvoy()] })
    await put({ name: "d", ip: "10.0.0.4" })
    await until(() => run.names()?.length === 2, run.names)
    expect(run.groups.at(-1)?.map(({ name, admin, hint }) => [name, admin, hint?.resource])).toEqual([
      ["default/a", { kind: "tcp", host: "10.0.0.1", port: 9901 }, "web_shop"],
      ["default/b", { kind: "tcp", host: "10.0.0.2", port: 9901 }, "web_shop"],
    ])
    // Nobody but a kubelet ends it: until then it is being deleted, and stays.
    await server.send("DELETE", `${pathOf("default")}/a`)
    await systemClock.sleep(500)
    expect(run.names()).toEqual(["default/a", "default/b"])
    await server.send("DELETE", `${pathOf("default")}/a?gracePeriodSeconds=0`)
    await until(() => run.names()?.length === 1, run.names)
    expect(run.problems).toEqual([])
  })

  test("refuses in words that name the right, and is gone on with once it is given", async () => {
    const run = discovering(await account("poor", []))
    await until(() => run.problems.length === 1)
    expect(run.problems[0]).toBe(
      `The Kubernetes API server at ${server.url} does not let us list pods in all namespaces (403). Give our service account a ClusterRole with the verb list for pods. It says: pods is forbidden: User "system:serviceaccount:default:poor" cannot list resource "pods" in API group "" at the cluster scope`,
    )
    await grant("poor", ["list", "watch"])
    await until(
      () => run.problems.includes("mended") && run.groups.length === 1,
      () => run.problems,
    )
  })

  test("knows no token but its own", async () => {
    writeFileSync(join(folder, "wrong"), "wrong")
    const run = discovering(join(folder, "wrong"))
    await until(() => run.problems.length === 1)
    expect(run.problems[0]).toMatch(
      /does not know who asks \(401\)\. The token in .*wrong is not good\. It says: Unauthorized$/,
    )
  })

  test("lists in pages, and in one page of a node's pods out of its cache", async () => {
    await server.send("POST", "/api/v1/namespaces", { metadata: { name: "many" } })
    for (let at = 0; at < 60; at++)
      await server.send("POST", pathOf("many"), {
        metadata: { name: `p${at}` },
        spec: { nodeName: at % 2 === 0 ? "big" : "small", containers: [{ name: "a", image: "b" }] },
      })
    const all = watching(administrator(), PODS, { namespace: "many" }, { page: 25 })
    const half = watching(administrator(), PODS, { fieldSelector: "spec.nodeName=big" }, { page: 25 })
    await until(() => all.sets.length > 0 && half.sets.length > 0)
    expect([all.newest()?.length, half.newest()?.length]).toEqual([60, 30])
    expect(all.last().get("many/p0")?.metadata).not.toHaveProperty("managedFields")
  })

  test("knows a kind once its definition is there, and not any more when that is taken away", async () => {
    const run = watching(administrator(), NODES, {}, { unknownMs: 200 })
    await until(() => run.sets.length === 1)
    const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    const names = { kind: "MeshNode", plural: "nodes", singular: "node" }
    const schema = { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } }
    await server.send("POST", definitions, {
      metadata: { name: "nodes.mesh.example" },
      spec: {
        group: "mesh.example",
        names,
        scope: "Cluster",
        versions: [{ name: "v1", served: true, storage: true, schema }],
      },
    })
    await expect
      .poll(
        () =>
          server
            .send("POST", "/apis/mesh.example/v1/nodes", {
              apiVersion: "mesh.example/v1",
              kind: "MeshNode",
              metadata: { name: "n" },
            })
            .catch(() => undefined),
        { timeout: 10_000 },
      )
      .toBeDefined()
    await until(() => run.newest()?.includes("n") === true, run.newest)
    await server.send("DELETE", `${definitions}/nodes.mesh.example`)
    await until(() => run.newest()?.length === 0, run.newest)
    expect(run.problems).toEqual([])
  }, 30_000)

  test("may go away and come back: the set stays, and what changed meanwhile is seen", async () => {
    const run = watching(administrator(), PODS, { namespace: "many", fieldSelector: "metadata.name=p0" })
    await until(() => run.sets.length === 1)
    await server.restart()
    await until(
      () => run.problems.at(-1) === "mended",
      () => run.problems,
    )
    expect(run.sets).toEqual([["many/p0"]])
    await server.send("DELETE", `${pathOf("many")}/p0?gracePeriodSeconds=0`)
    await until(() => run.newest()?.length === 0, run.newest)
    expect(run.problems[0]).toMatch(/does not answer to watch pods in the namespace many: /)
  }, 60_000)
})
