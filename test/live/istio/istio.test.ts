import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { Agent } from "../../../agent/start.ts"
import { targetsYaml } from "../../../demo/targets.ts"
import { FRONT, SHOP_FILE, WEB } from "../../fixtures/istio/shop.ts"
import { call, type Stand, startEnvoys } from "../rig/envoys.ts"
import { exposed } from "../rig/exposed.ts"
import { committed, startAgentHere } from "../rig/here.ts"
import { frontBootstrap, PORT, serveApps, siteAt, webBootstrap } from "./front-and-web.ts"
import { NAMES, planOf } from "./plan.ts"

/** Real Envoys under Istio's names, stat names and stat rules, with Istio's own text log. */
const SITE = siteAt("127.31.1")
const SEED = 20_261_121
const plan = planOf(SEED, 300, { front: `${FRONT}/v1`, web: WEB })
let stand: Stand
let agent: Agent

beforeAll(async () => {
  stand = await startEnvoys()
  await serveApps(stand, SITE)
  const front = await stand.envoy("front", frontBootstrap(SITE), `${SITE.front}:15000`)
  const web = await stand.envoy("web", webBootstrap(SITE), `${SITE.web}:15000`)
  const targetsFile = join(stand.folder, "targets.yaml")
  const targets = [
    { name: "front-1", admin: `${SITE.front}:15000`, logs: [front.log] },
    { name: "web-1", admin: `${SITE.web}:15000`, logs: [web.log] },
  ]
  await writeFile(targetsFile, targetsYaml(targets))
  agent = await startAgentHere({
    runDir: stand.folder,
    modelFile: SHOP_FILE,
    targetsFile,
  })
})

afterAll(async () => {
  await agent?.stop()
  await stand?.stop()
})

const told = (metric: "requests" | "unmapped" | "proxyUp", names: readonly string[]) =>
  exposed(agent.pipeline.ledger.snapshot, metric, names)

test("every request of the plan counts once at each side, by Istio's text log", async () => {
  await expect
    .poll(() => told("proxyUp", ["proxy"]), { timeout: 10_000 })
    .toEqual({ "proxy=front-1": 1, "proxy=web-1": 1 })
  for (const one of plan.calls) await call({ host: SITE.front, port: PORT }, one)
  const lines = Object.values(plan.truth).reduce((all, count) => all + count, 0)
  await committed(agent, lines)
  expect(told("requests", NAMES)).toEqual(plan.truth)
  // Routes of `reviews` have no names, and the format has one path for two: its caller may claim another.
  const unnamed = plan.calls.filter(({ host }) => host === "reviews").length
  expect(told("unmapped", ["proxy", "reason"])).toEqual({ "proxy=front-1 reason=forgeable": unnamed })
})
