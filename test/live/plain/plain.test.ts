import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { Agent } from "../../../agent/start.ts"
import { pickWeighted, seeded } from "../../../demo/random.ts"
import { targetsYaml } from "../../../demo/targets.ts"
import { RECOMMENDED_JSON } from "../../../mesh/recommended-format.ts"
import { type Counts, countsOf, type Labels } from "../rig/counts.ts"
import { type App, type Call, call, type Stand, startEnvoys } from "../rig/envoys.ts"
import { exposed } from "../rig/exposed.ts"
import { committed, startAgentHere } from "../rig/here.ts"

/** An Envoy that somebody configured by hand: named and unnamed routes, weights, virtual clusters, answers of its own. */
const HOST = "127.31.3.7"
const PORT = 9080
const NAMES = ["reporter", "virtual_service", "route", "source", "virtual_node", "code_class", "outcome"]
const any = (name: string, value: object): object => ({
  "@type": `type.googleapis.com/envoy.${name}`,
  ...value,
})
const socket = (address: string, port_value: number): object => ({ socket_address: { address, port_value } })

interface Kind {
  readonly weight: number
  readonly call: Call
  readonly told: Labels
}
const ok = { code_class: "2xx", outcome: "ok" }
const shop = { virtual_service: "shop" }
const KINDS: readonly [Kind, ...Kind[]] = [
  {
    weight: 4,
    call: { path: "/cart/1", host: "shop" },
    told: { ...shop, route: "cart", virtual_node: "cart", ...ok },
  },
  {
    weight: 2,
    call: { path: "/cart/2?code=503", host: "shop:9080" },
    told: { ...shop, route: "cart", virtual_node: "cart", code_class: "5xx", outcome: "error" },
  },
  // Told apart by the line's route name: the header that decides is not logged.
  {
    weight: 2,
    call: { path: "/cart/3", host: "shop", headers: { "x-beta": "1" } },
    told: { ...shop, route: "beta", virtual_node: "beta", ...ok },
  },
  // Which of the two nodes it was, the applications tell.
  { weight: 4, call: { path: "/split", host: "shop" }, told: { ...shop, route: "split", ...ok } },
  { weight: 1, call: { path: "/robots.txt", host: "shop" }, told: { ...shop, route: "robots", ...ok } },
  {
    weight: 1,
    call: { path: "/old", host: "shop" },
    told: { ...shop, route: "path /old", code_class: "3xx", outcome: "ok" },
  },
  {
    weight: 1,
    call: { path: "/nowhere", host: "shop" },
    told: { ...shop, route: "(unmatched)", code_class: "4xx", outcome: "error" },
  },
  {
    weight: 1,
    call: { path: "/", host: "elsewhere" },
    told: { virtual_service: "(undeclared)", route: "(unmatched)", code_class: "4xx", outcome: "error" },
  },
]

const to = (cluster: string): object => ({ route: { cluster } })

function bootstrap(): object {
  const cluster = (name: string, address: string): object => ({
    name,
    type: "STATIC",
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socket(address, 8080) } }] }],
    },
  })
  const beta = { name: "x-beta", string_match: { exact: "1" } }
  const weighted_clusters = {
    clusters: [
      { name: "cart", weight: 50 },
      { name: "beta", weight: 50 },
    ],
  }
  const log = any("extensions.access_loggers.file.v3.FileAccessLog", {
    path: "/dev/stdout",
    log_format: { json_format: RECOMMENDED_JSON },
  })
  const manager = any("extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", {
    stat_prefix: "edge",
    access_log: [{ name: "envoy.access_loggers.file", typed_config: log }],
    http_filters: [{ name: "router", typed_config: any("extensions.filters.http.router.v3.Router", {}) }],
    route_config: {
      name: "local",
      virtual_hosts: [
        {
          name: "shop",
          domains: ["shop", "shop:9080"],
          virtual_clusters: [
            { name: "carts", headers: [{ name: ":path", string_match: { prefix: "/cart" } }] },
          ],
          routes: [
            { name: "beta", match: { prefix: "/cart", headers: [beta] }, ...to("beta") },
            { name: "cart", match: { prefix: "/cart" }, ...to("cart") },
            { name: "split", match: { path: "/split" }, route: { weighted_clusters } },
            { name: "robots", match: { path: "/robots.txt" }, direct_response: { status: 200 } },
            { match: { path: "/old" }, redirect: { path_redirect: "/cart" } },
          ],
        },
      ],
    },
  })
  const filter = { name: "envoy.filters.network.http_connection_manager", typed_config: manager }
  return {
    node: { id: "front-1", cluster: "front" },
    admin: { address: socket(HOST, 9901) },
    static_resources: {
      listeners: [{ name: "edge", address: socket(HOST, PORT), filter_chains: [{ filters: [filter] }] }],
      clusters: [cluster("cart", "127.31.3.8"), cluster("beta", "127.31.3.9")],
    },
  }
}

const random = seeded(20_261_123)
const kinds = Array.from({ length: 300 }, () => pickWeighted(random, KINDS))
let stand: Stand
let agent: Agent
let apps: readonly App[]

beforeAll(async () => {
  stand = await startEnvoys()
  apps = [await stand.app("127.31.3.8", 8080), await stand.app("127.31.3.9", 8080)]
  const { log } = await stand.envoy("front", bootstrap(), `${HOST}:9901`)
  const targetsFile = join(stand.folder, "targets.yaml")
  await writeFile(targetsFile, targetsYaml([{ name: "front-1", admin: `${HOST}:9901`, logs: [log] }]))
  agent = await startAgentHere({
    runDir: stand.folder,
    modelFile: "",
    targetsFile,
    changes: { model: undefined },
  })
})
afterAll(async () => {
  await agent?.stop()
  await stand?.stop()
})

const told = (metric: "requests" | "unmapped" | "proxyUp", names: readonly string[]): Counts =>
  exposed(agent.pipeline.ledger.snapshot, metric, names)

test("every request of the plan counts once, on its route and node", async () => {
  await expect.poll(() => told("proxyUp", ["proxy"]), { timeout: 10_000 }).toEqual({ "proxy=front-1": 1 })
  const splits = [0, 0]
  for (const one of kinds) {
    const before = apps.map((app) => app.served())
    await call({ host: HOST, port: PORT }, one.call)
    if (one.told["route"] !== "split") continue
    const at = apps.findIndex((app, index) => app.served() !== before[index])
    splits[at] = (splits[at] ?? 0) + 1
  }
  const common = { reporter: "source", source: "front" }
  const split: Labels = { ...common, ...shop, route: "split", ...ok }
  const truth = countsOf(
    [
      ...kinds.flatMap((one) =>
        one.told["route"] === "split" ? [] : [[{ ...common, ...one.told }, 1] as const],
      ),
      [{ ...split, virtual_node: "cart" }, splits[0] ?? 0],
      [{ ...split, virtual_node: "beta" }, splits[1] ?? 0],
    ],
    NAMES,
  )
  await committed(agent, kinds.length)
  expect(told("requests", NAMES)).toEqual(truth)
  expect(told("unmapped", ["reason"])).toEqual({})
})
