import { once } from "node:events"
import { createServer, type Server, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { Counts } from "../rig/counts.ts"
import { pageCounts, pageTotal } from "../rig/page-counts.ts"
import { REQUEST_NAMES, truthRequests } from "../rig/truth-counts.ts"
import { type AdminRelay, startRelay } from "./relay.ts"
import { type RobustAgent, type RobustRig, startRobustRig } from "./rig.ts"

/** SIGTERM while a collector takes connections and never answers, and while an admin interface hangs. */
const UI = "yelb-ui-virtual-node"
const V2 = "yelb-appserver-virtual-node-v2"
let rig: RobustRig
let relay: AdminRelay
let collector: Server
let endpoint: string
const sockets = new Set<Socket>()

beforeAll(async () => {
  rig = await startRobustRig({ "*": "json", [V2]: "none" }, { model: "plain", seed: 15, mix: "everyday" })
  const { base, proxies } = rig.stage.fleet
  relay = await startRelay(`127.${base}.8.1`, rig.own(UI).admin)
  await rig.target(
    proxies.map(({ pod }) => {
      const own = rig.own(pod.resource)
      return pod.resource === UI ? Object.assign(own, { admin: relay.address }) : own
    }),
  )
  collector = createServer((socket) => {
    sockets.add(socket)
    socket.on("error", () => socket.destroy())
    socket.resume()
  })
  collector.listen(4318, `127.${base}.8.2`)
  await once(collector, "listening")
  endpoint = `http://127.${base}.8.2:4318`
})
afterAll(async () => {
  await rig?.stop()
  await relay?.stop()
  for (const socket of sockets) socket.destroy()
  collector?.close()
})

const start = (): Promise<RobustAgent> =>
  rig.startAgent({
    scrape: { interval: "15s", timeout: "15s" },
    commit: "5s",
    publish: { prometheus: { listen: "127.0.0.1:0" }, otlp: { endpoint, interval: "1s", timeout: "30s" } },
  })
const truth = async (): Promise<Counts> => truthRequests((await rig.stage.truth()).requests)

test("it ends within 10 s, and the next one knows every request", { timeout: 80_000 }, async () => {
  const first = await start()
  await first.until(
    "all are up",
    (page) => pageTotal(page, "mesh_proxy_up") === rig.stage.fleet.proxies.length,
  )
  relay.mode = () => "hang"
  const asked = relay.asked.length
  await rig.stage.run(500)
  while (relay.asked.length === asked) await sleep(100)
  // The collector holds a request, an admin page is under way, and not all that was read is committed.
  expect(sockets.size).toBeGreaterThan(0)
  const before = performance.now()
  const { code, error } = await first.command.end("SIGTERM")
  const took = performance.now() - before
  expect(code).toBe(0)
  expect(took).toBeLessThan(10_000)
  expect(error).toContain("The agent has stopped.")
  const said = first.command.log.filter(({ level }) => level !== "info")
  expect(new Set(said.map(({ code: why }) => why))).toEqual(new Set(["EXPORT_UNAVAILABLE"]))

  relay.mode = () => "pass"
  const second = await start()
  await expect
    .poll(async () => pageCounts(await second.page(), "mesh_requests_total", REQUEST_NAMES), {
      timeout: 20_000,
    })
    .toEqual(await truth())
})
