import { once } from "node:events"
import { createServer, type Server } from "node:net"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { pageCounts } from "../rig/page-counts.ts"
import { nodeRequests, resourceList, routeCounts } from "./answers.ts"
import { fetchPage, type MeshRig, startMesh } from "./rig.ts"

/** Two meshes that users of App Mesh had on Kubernetes, with App Mesh's default text logs, as the collector tells them. */
const LATE = { timeout: 12_000, interval: 500 }
const BYPASS = ["virtual_service", "source", "virtual_node", "provenance"]

const past = (source: string, provenance: string): string =>
  `virtual_service=(undeclared) source=${source} virtual_node=(undeclared) provenance=${provenance}`

async function listening(host: string): Promise<Server> {
  const server = createServer((socket) =>
    socket.on("data", (chunk: Buffer) => socket.end(`got ${chunk.length}`)),
  )
  server.listen(5000, host)
  await once(server, "listening")
  return server
}

describe("bys-dev: DROP_ALL, a route for one prefix, a service with a full domain name", () => {
  const MESH = "bys-dev-appmesh-eks-main"
  const IAM = "appmesh-vn-awssdk-iam-dev_aws"
  const STORAGE = "appmesh-vn-awssdk-storage-dev_aws"
  const SERVICE = "awssdk-storage-dev-svc.aws.svc.cluster.local"
  const ROUTE = `${SERVICE} > awssdk-dev-appmesh-virtual-router_aws > awssdk-dev-appmesh-route`
  let rig: MeshRig
  let outside: Server
  beforeAll(async () => {
    rig = await startMesh("bys-dev.yaml")
    outside = await listening(`127.${rig.fleet.base}.4.1`)
  })
  afterAll(async () => {
    outside?.close()
    await rig?.stop()
  })

  test("each call is told at its route, or as what the mesh refuses", { timeout: 60_000 }, async () => {
    expect(await rig.call(IAM, SERVICE, 10_013, "/aws/buckets", 20)).toEqual({ 200: 20 })
    expect(await rig.call(IAM, SERVICE, 10_013, "/gcp", 7)).toEqual({ 404: 7 })
    expect(await rig.call(IAM, "other-svc.aws", 10_013, "/aws/x", 5)).toEqual({ 404: 5 })
    expect((await rig.seen()).arrivals).toEqual({ [STORAGE]: 20 })
    await expect
      .poll(() => routeCounts(rig.ask), LATE)
      .toEqual({
        [ROUTE]: "20/0/0/0",
        [`${ROUTE} -> ${STORAGE}`]: "20/0/0/0",
        [`${IAM} => ${ROUTE}`]: "20/0/0/0",
        [`${SERVICE} > (unmatched) [unmatched]`]: "0/0/7/0",
        [`${IAM} => ${SERVICE} > (unmatched) [unmatched]`]: "0/0/7/0",
        "(undeclared) > (unmatched) [undeclared]": "0/0/5/0",
        [`${IAM} => (undeclared) > (unmatched) [undeclared]`]: "0/0/5/0",
      })
    expect(await nodeRequests(rig.ask)).toEqual({ [STORAGE]: 20 })
  })

  test("a connection to anywhere else is cut, and counts as no call that went out", async () => {
    expect(await rig.beyond(IAM, { host: `127.${rig.fleet.base}.4.1`, port: 5000, text: "hello" })).toBe("")
    expect(pageCounts(await fetchPage(rig.agent), "mesh_tcp_connections_opened_total", BYPASS)).toEqual({})
  })

  test("the declared resources are there, and no other", async () => {
    expect(await resourceList(rig.ask)).toEqual(
      [
        `mesh ${MESH}`,
        "route awssdk-dev-appmesh-route",
        `virtual_node ${IAM}`,
        `virtual_node ${STORAGE}`,
        "virtual_router awssdk-dev-appmesh-virtual-router_aws",
        `virtual_service ${SERVICE}`,
      ].toSorted((a, b) => (a < b ? -1 : 1)),
    )
  })
})

describe("mesh-1: ALLOW_ALL, default names, proxies that are told who they are by a full ARN", () => {
  const [ONE, TWO, X] = ["vnode-1_mesh-test", "vnode-2_mesh-test", "vnode-x_mesh-test"] as const
  const GATEWAY = "gateway-v_mesh-test"
  const ROUTE = "svc-v.mesh-test > vrouter-1_mesh-test > route-1"
  let rig: MeshRig
  let outside: Server
  beforeAll(async () => {
    rig = await startMesh("mesh-1.yaml", { identity: "arn" })
    outside = await listening(`127.${rig.fleet.base}.4.1`)
  })
  afterAll(async () => {
    outside?.close()
    await rig?.stop()
  })

  test("through the gateway and from a node: route, targets and callers to the request", {
    timeout: 60_000,
  }, async () => {
    expect(await rig.throughGateway("/a", 30)).toEqual({ 200: 30 })
    expect(await rig.call(X, "svc-v.mesh-test", 80, "/b", 20)).toEqual({ 200: 20 })
    expect(await rig.call(X, "svc-v", 80, "/b", 6)).toEqual({ 404: 6 })
    const { arrivals } = await rig.seen()
    expect((arrivals[ONE] ?? 0) + (arrivals[TWO] ?? 0)).toBe(50)
    await expect
      .poll(() => routeCounts(rig.ask), LATE)
      .toEqual({
        [`${GATEWAY} > gateway-v-route-v_mesh-test > svc-v.mesh-test`]: "30/0/0/0",
        [ROUTE]: "50/0/0/0",
        [`${ROUTE} -> ${ONE}`]: `${arrivals[ONE]}/0/0/0`,
        [`${ROUTE} -> ${TWO}`]: `${arrivals[TWO]}/0/0/0`,
        [`${GATEWAY} => ${ROUTE}`]: "30/0/0/0",
        [`${X} => ${ROUTE}`]: "20/0/0/0",
        "(undeclared) > (unmatched) [undeclared]": "0/0/6/0",
        [`${X} => (undeclared) > (unmatched) [undeclared]`]: "0/0/6/0",
      })
    await expect.poll(() => nodeRequests(rig.ask), LATE).toEqual(arrivals)
  })

  test("calls past the virtual service show up as such, with a text log and without one", async () => {
    const to = { host: `127.${rig.fleet.base}.4.1`, port: 5000, text: "hello" }
    for (const node of [ONE, X, X]) expect(await rig.beyond(node, to)).toBe("got 5")
    await expect
      .poll(
        async () => pageCounts(await fetchPage(rig.agent), "mesh_tcp_connections_opened_total", BYPASS),
        LATE,
      )
      .toEqual({ [past(ONE, "stats")]: 1, [past(X, "log")]: 2 })
    const doubts = pageCounts(await fetchPage(rig.agent), "mesh_unmapped_requests_total", ["reason"])
    expect(doubts["reason=direction"] ?? 0).toBe(0)
    expect(doubts["reason=cluster"] ?? 0).toBe(0)
  })

  test("the declared resources are there, and no other", async () => {
    expect(await resourceList(rig.ask)).toEqual(
      [
        "mesh mesh-1",
        `virtual_gateway ${GATEWAY}`,
        "gateway_route gateway-v-route-v_mesh-test",
        "virtual_service svc-v.mesh-test",
        "virtual_router vrouter-1_mesh-test",
        "route route-1",
        ...[ONE, TWO, X].map((name) => `virtual_node ${name}`),
      ].toSorted((a, b) => (a < b ? -1 : 1)),
    )
  })
})
