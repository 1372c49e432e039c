import { afterAll, beforeAll, expect, test } from "vitest"
import { makeInterner } from "#mesh/request.ts"
import { decodeConfigDump } from "../../../agent/decode/config-dump/decode.ts"
import { makeResolver, type Resolving } from "../../../agent/resolve/resolver.ts"
import { FRONT, SHOP_MODEL, WEB } from "../../fixtures/istio/shop.ts"
import { type Counts, countsOf, type Labels } from "../rig/counts.ts"
import { call, type Stand, startEnvoys } from "../rig/envoys.ts"
import { frontBootstrap, PORT, serveApps, siteAt, webBootstrap } from "./front-and-web.ts"
import { NAMES, planOf } from "./plan.ts"
import { watch } from "./watch.ts"

/** Counters of real Envoys under Istio's stat names and tag rules, without any log. */
const SITE = siteAt("127.31.2")
const plan = planOf(20_261_122, 200, { front: `${FRONT}/v1`, web: WEB })
let stand: Stand

beforeAll(async () => {
  stand = await startEnvoys()
  await serveApps(stand, SITE)
  await stand.envoy("front", frontBootstrap(SITE), `${SITE.front}:15000`)
  await stand.envoy("web", webBootstrap(SITE), `${SITE.web}:15000`)
})
afterAll(() => stand?.stop())

async function resolving(host: string): Promise<Resolving> {
  const answer = await fetch(`http://${host}:15000/config_dump`)
  return makeResolver({
    config: decodeConfigDump(Buffer.from(await answer.arrayBuffer())),
    identity: { proxy: host },
    declared: SHOP_MODEL,
    interner: makeInterner(),
    readableLogs: new Set(),
  })
}

/**
 * What counters can tell of the plan: several routes lead to one cluster, and what Envoy answered itself (a fault, a
 * redirect) is of no cluster.
 */
function counted(reporter: "source" | "destination"): Counts {
  const rows = plan.rows.filter(([labels]) => labels["reporter"] === reporter)
  return countsOf(
    rows.map(([labels, count]) => [seen(labels), count] as const),
    NAMES,
  )
}

const ITSELF = { virtual_service: "(unknown)", virtual_router: "", route: "(unmatched)", virtual_node: "" }
const SHARED = new Set(["main", "http[0]"])

function seen(labels: Labels): Labels {
  const { route = "" } = labels
  if (route === "moved" || route === "canary") return { ...labels, ...ITSELF }
  return SHARED.has(route) ? { ...labels, route: "(shared)" } : labels
}

test("both pages tell each request, by service and node", async () => {
  const admin = `${SITE.front}:15000`
  const front = await resolving(SITE.front)
  const web = await resolving(SITE.web)
  const raw = await watch(admin, front, "raw")
  const prometheus = await watch(admin, front, "prometheus")
  const arrived = await watch(`${SITE.web}:15000`, web, "prometheus")
  for (const one of plan.calls) await call({ host: SITE.front, port: PORT }, one)
  expect(await raw.told(NAMES)).toEqual(counted("source"))
  expect(await prometheus.told(NAMES)).toEqual(counted("source"))
  expect(await arrived.told(NAMES)).toEqual(counted("destination"))
  for (const one of [raw, prometheus, arrived]) one.end()
})
