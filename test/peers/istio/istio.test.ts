import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { DeclaredModelView } from "../../../collector/view/declared-model.ts"
import type { RouteDetailView } from "../../../collector/view/route-detail.ts"
import type { RoutesView } from "../../../collector/view/routes.ts"
import type { TruthCount } from "../../../demo/truth.ts"
import { resourceList } from "../../live/meshes/answers.ts"
import { pageCounts } from "../../live/rig/page-counts.ts"
import { apiByRoute, truthByRoute } from "../../live/rig/routes-told.ts"
import { REQUEST_NAMES, truthBy } from "../../live/rig/truth-counts.ts"
import { countable } from "./counted.ts"
import { ADMIN_PORT, CALLS, FRONT, LEGACY, PAYMENTS, PODS, SITE, WEB } from "./places.ts"
import { planOf } from "./plan.ts"
import { type Stand, startStand } from "./stand.ts"
import { flagsTold, rowsTold } from "./told.ts"
import { carryOut } from "./truth.ts"

/** A real istiod configures stock Envoys from a real API server's objects; the plan's counts are exact. */
const SEED = 20_261_121
const REQUESTS = 640
/** Agents look at each Envoy once a second; two looks, and some time for a busy machine. */
const LOOKS_MS = 3000
let stand: Stand
/** All that happened until now. */
const rows: TruthCount[] = []

beforeAll(async () => {
  stand = await startStand()
}, 240_000)
afterAll(() => stand?.stop())

/** Two of them are no routes: a call that no service takes, and a visit that no route of the gateway takes. */
const ROWS = [
  "(undeclared) (unmatched) (source)",
  `${FRONT} (source)`,
  `${LEGACY} (source)`,
  `${PAYMENTS} (source)`,
  ...["(unmatched)", "site.shop/api", "site.shop/down", "site.shop/http[3]", "site.shop/sale"].map(
    (route) => `${SITE} ${route} (gateway)`,
  ),
  ...["again", "beta", "broken", "empty", "http[7]", "moved", "slow", "split"].map(
    (route) => `${WEB} ${route} (source)`,
  ),
]

/** Whether every proxy was read, and has its declared names. */
function known(page: string): boolean {
  const read = Object.values(pageCounts(page, "mesh_proxy_up", ["proxy"]))
  const missing = Object.keys(pageCounts(page, "mesh_proxy_info", ["missing"]))
  return read.length === PODS.length && !missing.some((words) => words.includes("declared_model"))
}

test("every request of the plan counts once, by route, subset, outcome and flag", async () => {
  await stand.lines.until(known)
  await stand.counters.until(known)
  const { flags, surprises, ...happened } = await carryOut(planOf(SEED, REQUESTS), stand.apps)
  rows.push(...happened.rows)
  expect(surprises).toEqual([])
  await expect
    .poll(() => apiByRoute(stand.ask), { timeout: 20_000, interval: 1000 })
    .toEqual(truthByRoute(rows))
  expect(await flagsTold(stand.ask)).toEqual(flags)
})

test("what is declared and what Envoys know go by the same names, and nothing declared is without its requests", async () => {
  expect((await resourceList(stand.ask)).filter((one) => one.endsWith(" (not declared)"))).toEqual([])
  const told = await rowsTold(stand.ask)
  expect(Object.keys(told).toSorted()).toEqual(ROWS)
  expect(Object.entries(told).filter(([, requests]) => requests === 0)).toEqual([])
  expect(await stand.ask<DeclaredModelView>("/model")).toMatchObject({
    known: true,
    notes: [],
    meshes: [{ mesh: "cluster.local", flavor: "istio", routes: 8, gatewayRoutes: 4 }],
  })
})

test("counters alone tell the same, and of routes that lead to one subset no more than that", async () => {
  const names = REQUEST_NAMES
  await expect
    .poll(async () => pageCounts((await stand.counters.page()) ?? "", "mesh_requests_total", names), {
      timeout: 20_000,
    })
    .toEqual(truthBy(countable(rows), names))
})

test("a weight that is changed through the API server is followed by the model and by the counts", async () => {
  expect(await shares()).toEqual({ [`${WEB}/v1`]: 0.75, [`${WEB}/v2`]: 0.25 })
  const path = "/apis/networking.istio.io/v1/namespaces/shop/virtualservices/web"
  const { spec } = (await stand.cluster.kube.send("GET", path)) as { spec: VirtualServiceSpec }
  const [one, two] = spec.http.find(({ name }) => name === "split")?.route ?? []
  Object.assign(one ?? {}, { weight: 10 })
  Object.assign(two ?? {}, { weight: 90 })
  await stand.cluster.kube.send("PATCH", path, { spec })
  await expect
    .poll(shares, { timeout: 15_000, interval: 100 })
    .toEqual({ [`${WEB}/v1`]: 0.1, [`${WEB}/v2`]: 0.9 })
  await expect
    .poll(async () => (await config(CALLS.host)).includes('"weight": 90'), { timeout: 15_000 })
    .toBe(true)
  const happened = await carryOut(planOf(SEED + 1, REQUESTS), stand.apps)
  expect(happened.surprises).toEqual([])
  const split = (subset: string): number =>
    happened.rows.filter(({ route, virtualNode }) => route === "split" && virtualNode === `${WEB}/${subset}`)
      .length
  expect(split("v2")).toBeGreaterThan(5 * split("v1"))
  rows.push(...happened.rows)
  await expect
    .poll(() => apiByRoute(stand.ask), { timeout: 20_000, interval: 1000 })
    .toEqual(truthByRoute(rows))
})

interface VirtualServiceSpec {
  readonly http: readonly { readonly name?: string; readonly route: readonly object[] }[]
}

const config = async (host: string): Promise<string> =>
  (await fetch(`http://${host}:${ADMIN_PORT}/config_dump`)).text()

/** What was declared for the targets of `split`. */
async function shares(): Promise<Record<string, number | null>> {
  const { rows: found } = await stand.ask<RoutesView>("/routes?search=split")
  const { targets } = await stand.ask<RouteDetailView>(`/routes/${found[0]?.id}`)
  return Object.fromEntries(targets.map(({ virtualNode, declaredShare }) => [virtualNode, declaredShare]))
}

test("once istiod has made its Envoys write JSON, every request counts once as before", async () => {
  stand.cluster.istiod.logs("JSON")
  for (const { ip } of PODS)
    await expect.poll(() => writesJson(ip), { timeout: 30_000, interval: 200 }).toBe(true)
  // Lines are read by the format that was in force at an agent's last look.
  await sleep(LOOKS_MS)
  const happened = await carryOut(planOf(SEED + 2, REQUESTS), stand.apps)
  expect(happened.surprises).toEqual([])
  rows.push(...happened.rows)
  await expect
    .poll(() => apiByRoute(stand.ask), { timeout: 20_000, interval: 1000 })
    .toEqual(truthByRoute(rows))
  // A route without a name is told by its path, and the format has one for two: callers may claim another. The gateway's
  // is told by its cluster, to which no other route leads.
  const unnamed = rows.filter(({ route }) => route === "http[7]")
  expect(await doubted()).toEqual({ "reason=forgeable": unnamed.length })
})

/** Whether no listener of the old configuration is left, not even to end its connections. */
async function writesJson(host: string): Promise<boolean> {
  const text = await config(host)
  return text.includes('"json_format"') && !text.includes('"inline_string"')
}

const doubted = async () =>
  pageCounts((await stand.lines.page()) ?? "", "mesh_unmapped_requests_total", ["reason"])
