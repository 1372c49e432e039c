import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { connect, createServer, type Server } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { envoyBinary } from "../../../demo/envoy-binary.ts"
import { type Fleet, startFleet } from "../../../demo/fleet.ts"
import type { DeclaredMesh } from "../../../mesh/declared.ts"
import { RICH } from "../../unit/demo-model.ts"

/** Real Envoys take every shape that the demo's control plane can write. */
let fleet: Fleet
let runDir: string
let outside: Server

beforeAll(async () => {
  runDir = await mkdtemp(join(tmpdir(), "meshscope-shapes-"))
  fleet = await startFleet({
    model: { meshes: [RICH] },
    placement: { cart_ns: 2 },
    runDir,
    envoy: await envoyBinary(),
    flushMs: 100,
    statsTags: true,
  })
  outside = createServer((socket) => socket.on("data", (chunk: Buffer) => socket.end(`got ${chunk.length}`)))
  outside.listen(0, `127.${fleet.base}.4.1`)
  await once(outside, "listening")
})

afterAll(async () => {
  outside?.close()
  await fleet?.stop()
  await rm(runDir, { recursive: true, force: true })
})

const statusOf = async (path: string, headers: Record<string, string> = {}): Promise<number> =>
  (await fetch(`http://${fleet.gateway()}${path}`, { headers })).status

test.each([
  ["/", 200],
  ["/basket", 200],
  ["/cart/list", 200],
  ["/keep/it", 200],
  ["/nothing/x", 404],
  ["/call/cart.ns/8080/x", 200],
  ["/call/ghost.ns/8080/x", 404],
])("through the gateway %s gets %i", async (path, code) => {
  expect(await statusOf(path)).toBe(code)
})

test("Envoy shows the sections, names and metadata that App Mesh's own showed", async () => {
  const { admin } = fleet.proxies[1] ?? { admin: "" }
  const dump = await (await fetch(`http://${admin}/config_dump?include_eds`)).text()
  for (const part of [
    '"mesh/shop@111122223333/virtualNode/front_ns"',
    '"dynamic_active_clusters"',
    '"dynamic_route_configs"',
    '"dynamic_endpoint_configs"',
    '"lds_egress_0.0.0.0_15001"',
    "TargetVirtualService",
  ]) {
    expect(dump).toContain(part)
  }
  const stats = await (await fetch(`http://${admin}/stats/prometheus?usedonly`)).text()
  expect(stats).toContain('appmesh_virtual_node="front_ns"')
})

test("a call out of the mesh passes where ALLOW_ALL lets it, and is cut where it does not", async () => {
  expect(await callOutside()).toBe("got 5")
  const strict: DeclaredMesh = { ...RICH, egress: "DROP_ALL" }
  await fleet.applyModel({ meshes: [strict] })
  expect(await callOutside()).toBe("")
  await fleet.applyModel({ meshes: [RICH] })
  expect(await callOutside()).toBe("got 5")
})

/** A connection of the front application to a host that nobody declared, as iptables would hand it to the proxy. */
async function callOutside(): Promise<string> {
  const address = outside.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  const pod = fleet.placement.pods.find(({ resource }) => resource === "front_ns")
  const socket = connect(15_001, pod?.egressAddress)
  socket.write(`PROXY TCP4 ${pod?.appAddress} 127.${fleet.base}.4.1 40000 ${port}\r\nhello`)
  let answer = ""
  socket.on("data", (chunk: Buffer) => (answer += chunk.toString()))
  // A reset is an end like any other here.
  socket.on("error", () => {})
  await new Promise((resolve) => socket.on("close", resolve))
  return answer
}

test("two fleets at once do not meet", async () => {
  const other = await mkdtemp(join(tmpdir(), "meshscope-shapes-"))
  const small: DeclaredMesh = { ...RICH, virtualGateways: [] }
  const placement = { front_ns: 0, "cart-v2_ns": 1, cart_ns: 0, store_ns: 0, "store-v2_ns": 0, job_ns: 0 }
  const second = await startFleet({
    model: { meshes: [small] },
    placement,
    runDir: other,
    envoy: await envoyBinary(),
  })
  expect(second.base).not.toBe(fleet.base)
  const same = startFleet({
    model: { meshes: [small] },
    placement,
    runDir: other,
    envoy: "/none",
    base: fleet.base,
  })
  await expect(same).rejects.toThrow(`127.${fleet.base} is used`)
  await second.stop()
  await rm(other, { recursive: true, force: true })
})

test("an Envoy that cannot start says why, and nothing stays behind", async () => {
  const other = await mkdtemp(join(tmpdir(), "meshscope-shapes-"))
  const [front, ...rest] = RICH.virtualNodes
  const broken: DeclaredMesh = {
    ...RICH,
    virtualNodes: [
      { ...(front as NonNullable<typeof front>), accessLog: { path: "/dev/stdout", text: "%NO_SUCH_WORD%" } },
      ...rest,
    ],
  }
  const envoy = await envoyBinary()
  const placement = { door_ns: 0, cart_ns: 0, "cart-v2_ns": 0, store_ns: 0, "store-v2_ns": 0, job_ns: 0 }
  await expect(startFleet({ model: { meshes: [broken] }, placement, runDir: other, envoy })).rejects.toThrow(
    /NO_SUCH_WORD/,
  )
  await expect(
    startFleet({ model: { meshes: [RICH] }, placement, runDir: other, envoy: "/none" }),
  ).rejects.toThrow("cannot be started from /none")
  await rm(other, { recursive: true, force: true })
})
