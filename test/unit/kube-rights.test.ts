import { createServer } from "node:http"
import { afterEach, beforeEach, expect, test } from "vitest"
import { checkRights, modelRights, podRights, reviewRight } from "../../kubernetes/rights.ts"
import { onLoopback } from "../fixtures/http/loopback.ts"

/** What the server's role lacks, as `verb group/resource namespace`. */
let lacking: ReadonlySet<string>
let status = 201
let url: string
let stop: () => Promise<void>
const signal = new AbortController().signal

beforeEach(async () => {
  lacking = new Set()
  status = 201
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      const { spec } = JSON.parse(Buffer.concat(chunks).toString())
      const { verb, group, resource, namespace = "*" } = spec.resourceAttributes
      const allowed = !lacking.has(`${verb} ${group}/${resource} ${namespace}`)
      const fits = request.url === "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
      response.writeHead(fits ? status : 404, { "content-type": "application/json" })
      response.end(JSON.stringify({ status: { allowed } }))
    })()
  })
  ;({ url, stop } = await onLoopback(server))
})
afterEach(() => stop())

const states = async (rights: Parameters<typeof checkRights>[1]): Promise<readonly string[]> =>
  (await checkRights({ server: url }, rights, {}, signal)).map(({ state, subject }) => `${state}: ${subject}`)

test("each right that is needed is asked for, in the namespace where one is enough", async () => {
  expect(await states(podRights([], "discover.kubernetes"))).toEqual([
    "ok: list pods in all namespaces",
    "ok: watch pods in all namespaces",
  ])
  expect(await states(podRights(["shop"], "discover.kubernetes"))).toEqual([
    "ok: list pods in the namespace shop",
    "ok: watch pods in the namespace shop",
  ])
  const model = modelRights(
    { flavors: ["app-mesh"], namespaces: { include: ["shop"], exclude: [] } },
    "model",
  )
  const told = await states(model)
  expect(told).toContain("ok: list meshes.appmesh.k8s.aws in all namespaces")
  expect(told).toContain("ok: watch virtualnodes.appmesh.k8s.aws in the namespace shop")
  expect(told.join()).not.toContain("istio")
})

test("a verb that is taken away is named, with what gives it back", async () => {
  lacking = new Set(["watch /pods *", "create authentication.k8s.io/tokenreviews *"])
  const rights = [...podRights([], "discover.kubernetes"), reviewRight("intake.kubernetes")]
  const missing = (await checkRights({ server: url }, rights, {}, signal)).filter(
    ({ state }) => state === "missing",
  )
  expect(missing).toEqual([
    {
      area: "kubernetes",
      subject: "watch pods in all namespaces",
      state: "missing",
      sentence: "discover.kubernetes needs it, and our service account may not.",
      todo: 'Add to its ClusterRole: apiGroups: [""], resources: [pods], verbs: [watch].',
    },
    {
      area: "kubernetes",
      subject: "create tokenreviews.authentication.k8s.io in all namespaces",
      state: "missing",
      sentence: "intake.kubernetes needs it, and our service account may not.",
      todo: "Add to its ClusterRole: apiGroups: [authentication.k8s.io], resources: [tokenreviews], verbs: [create].",
    },
  ])
})

test("where nobody can be asked, that is said once", async () => {
  const away = await checkRights({}, podRights([], "discover.kubernetes"), {}, signal)
  expect(away).toHaveLength(1)
  expect(away[0]).toMatchObject({ state: "missing", subject: "discover.kubernetes" })
  expect(away[0]?.sentence).toMatch(/This is no pod/)
  status = 401
  const refused = await checkRights({ server: url }, podRights([], "discover.kubernetes"), {}, signal)
  expect(refused).toHaveLength(1)
  expect(refused[0]?.sentence).toMatch(/does not know who asks \(401\)/)
})
