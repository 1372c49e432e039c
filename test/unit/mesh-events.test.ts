import { mkdtemp, rm } from "node:fs/promises"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { parseAgentConfig } from "../../agent/config/parse.ts"
import { Pipeline } from "../../agent/pipeline.ts"
import { makeHecEventProducer } from "../../agent/publish/splunk/event-producer.ts"
import { systemClock } from "../../mesh/clock.ts"
import type { MeshEvent } from "../../mesh/mesh-event.ts"
import type { ProxyTarget } from "../../mesh/proxy.ts"

const quiet = (): void => undefined
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet }

/** A line without files whose proxies are looked at as fast as it goes. */
async function openPipeline(): Promise<{ pipeline: Pipeline; events: MeshEvent[] }> {
  const state = await mkdtemp(join(tmpdir(), "meshscope-events-"))
  const text = `agent: {state: ${state}}\ndiscover: {static: {targets: []}}\nscrape: {interval: 1s}`
  const config = parseAgentConfig({ file: "agent.yaml", text, env: {}, hostName: "here" })
  const pipeline = new Pipeline(config, {
    clock: systemClock,
    log,
    model: { model: { meshes: [] }, notes: [] },
    scraped: quiet,
  })
  const events: MeshEvent[] = []
  pipeline.happened = (event) => events.push(event)
  onTestFinished(async () => {
    await pipeline.drain()
    pipeline.close()
    await rm(state, { recursive: true })
  })
  return { pipeline, events }
}

const kinds = (events: readonly MeshEvent[]): string[] => events.map(({ kind, proxy }) => `${kind} ${proxy}`)

test("what happens to a proxy is told once: found, silent with the reason, answering, gone", async () => {
  const { pipeline, events } = await openPipeline()
  const server = createServer((_, response) => response.end("server.uptime: 5\nserver.live: 1\n"))
  const listening = new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)))
  await listening
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  const target: ProxyTarget = { name: "ui", admin: { kind: "tcp", host: "127.0.0.1", port }, logs: [] }

  pipeline.take([target])
  await expect.poll(() => kinds(events)).toEqual(["proxy_found ui", "proxy_silent ui"])
  expect(events[1]?.why).toContain(`127.0.0.1:${port}`)

  await new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve(undefined)))
  await expect.poll(() => kinds(events).at(-1), { timeout: 5000 }).toBe("proxy_answers ui")
  pipeline.take([{ ...target, name: "ui-2" }])
  expect(kinds(events)).toHaveLength(3)
  pipeline.take([])
  expect(kinds(events).at(-1)).toBe("proxy_gone ui-2")
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

test("an event for Splunk has the proxy's names as metrics have them, whatever they hold", () => {
  const sent: { timeMs: number; text: string }[] = []
  const producer = makeHecEventProducer(
    { place: { host: "h", source: "meshscope", sourcetype: "meshscope:event", index: "" }, cluster: "prod" },
    { outbox: { append: (_key, timeMs, payload) => sent.push({ timeMs, text: payload.toString() }) } },
  )
  const identity = {
    proxy: 'gw"-0',
    nodeId: "mesh/yelb/virtualGateway/gw",
    flavor: "app-mesh",
    mesh: "yelb",
    role: "gateway",
    resource: "gw",
  } as const
  producer.event({ kind: "proxy_silent", timeMs: 1500, proxy: 'gw"-0', identity, why: "no answer\uD800" })
  expect(sent.map(({ timeMs, text }) => [timeMs, JSON.parse(text)])).toEqual([
    [
      1500,
      {
        time: 1.5,
        host: "h",
        source: "meshscope",
        sourcetype: "meshscope:event",
        event: {
          event: "proxy_silent",
          mesh: "yelb",
          flavor: "app-mesh",
          virtual_gateway: "gw",
          proxy: 'gw"-0',
          cluster: "prod",
          why: "no answer\uFFFD",
        },
      },
    ],
  ])
})
