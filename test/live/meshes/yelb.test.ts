import { afterAll, beforeAll, expect, test } from "vitest"
import { pageCounts } from "../rig/page-counts.ts"
import { nodeRequests, resourceList, routeCounts } from "./answers.ts"
import { fetchPage, type MeshRig, startMesh } from "./rig.ts"

/** The yelb as its users had it: names in AWS are not the objects' names, and no node has an access log. */
const LATE = { timeout: 15_000, interval: 500 }
const GATEWAY = "yelb-gateway_yelb"
const UI = "yelb-ui-virtual-node"
const [V1, V2] = ["yelb-appserver-virtual-node", "yelb-appserver-virtual-node-v2"] as const
const [REDIS, DATABASE] = ["redis-server-virtual-node", "yelb-db-virtual-node"] as const
const ROUTE = "yelb-appserver > yelb-appserver-virtual-router > route-to-yelb-appserver"
let rig: MeshRig

beforeAll(async () => {
  rig = await startMesh("yelb.yaml")
})
afterAll(async () => {
  await rig?.stop()
})

test("without any log, routes, targets and callers are told to the request", {
  timeout: 60_000,
}, async () => {
  expect(await rig.throughGateway("/", 12)).toEqual({ 200: 12 })
  expect(await rig.throughGateway("/api/api/getvotes", 30)).toEqual({ 200: 30 })
  expect(await rig.call(UI, "yelb-appserver", 4567, "/api/pageviews", 20)).toEqual({ 200: 20 })
  const { arrivals } = await rig.seen()
  expect((arrivals[V1] ?? 0) + (arrivals[V2] ?? 0)).toBe(50)
  await expect
    .poll(() => routeCounts(rig.ask), LATE)
    .toMatchObject({
      [ROUTE]: "50/0/0/0",
      [`${ROUTE} -> ${V1}`]: `${arrivals[V1]}/0/0/0`,
      [`${ROUTE} -> ${V2}`]: `${arrivals[V2]}/0/0/0`,
      [`${GATEWAY} => ${ROUTE}`]: "30/0/0/0",
      [`${UI} => ${ROUTE}`]: "20/0/0/0",
      "yelb-ui": "12/0/0/0",
      [`yelb-ui -> ${UI}`]: "12/0/0/0",
    })
  await expect
    .poll(() => nodeRequests(rig.ask), LATE)
    .toEqual({ [UI]: 12, [V1]: arrivals[V1], [V2]: arrivals[V2] })
})

const opened = async (): Promise<Record<string, number>> =>
  pageCounts(await fetchPage(rig.agent), "mesh_tcp_connections_opened_total", [
    "reporter",
    "virtual_service",
    "virtual_node",
  ])

test("connections of the TCP services are told by service and target", async () => {
  await expect.poll(opened, LATE).toEqual({
    [`reporter=source virtual_service=yelb-db virtual_node=${DATABASE}`]: 30,
    [`reporter=source virtual_service=redis-server virtual_node=${REDIS}`]: 20,
    [`reporter=destination virtual_node=${DATABASE}`]: 30,
    [`reporter=destination virtual_node=${REDIS}`]: 20,
  })
})

test("the declared resources are there, and no other; each proxy says that it has no log", async () => {
  expect(await resourceList(rig.ask)).toEqual(
    [
      "mesh yelb",
      `virtual_gateway ${GATEWAY}`,
      "gateway_route yelbapp-gatewayroute_yelb",
      "gateway_route yelbui-gatewayroute_yelb",
      ...["yelb-ui", "yelb-appserver", "yelb-db", "redis-server"].map((name) => `virtual_service ${name}`),
      "virtual_router yelb-appserver-virtual-router",
      "route route-to-yelb-appserver",
      ...[UI, V1, V2, REDIS, DATABASE].map((name) => `virtual_node ${name}`),
    ].toSorted((a, b) => (a < b ? -1 : 1)),
  )
  const page = await fetchPage(rig.agent)
  expect(page).not.toMatch(/^mesh_requests_total\{.*provenance="log"/m)
  expect(page.match(/^mesh_proxy_info\{.*provenance="stats"/gm)).toHaveLength(6)
})
