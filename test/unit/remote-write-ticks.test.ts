import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { uncompress } from "snappyjs"
import { expect, onTestFinished, test } from "vitest"
import { systemClock } from "#mesh/clock.ts"
import { openLedger } from "../../agent/account/ledger.ts"
import { makeRemoteWriteExport } from "../../agent/publish/remote-write/remote-write-export.ts"
import { makeRemoteWriteSink } from "../../agent/publish/remote-write/remote-write-sink.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"
import { manualClock } from "../fixtures/ledger/manual-clock.ts"
import { readWriteRequest, type SentSeries } from "../fixtures/remote-write/write-request.ts"

/** A ledger whose ticks are read back. */
function ticking(maxSamples: number, labels: Readonly<Record<string, string>> = {}) {
  const clock = manualClock()
  const ledger = openLedger({ folder: temporaryFolder(), clock, common: { mesh: "yelb" } })
  onTestFinished(() => ledger.close())
  const payloads: Uint8Array[] = []
  const made = makeRemoteWriteExport(
    { labels, maxSamples },
    {
      snapshot: ledger.snapshot,
      clock,
      outbox: { append: (_key, _timeMs, payload) => void payloads.push(payload) },
      restored: undefined,
    },
  )
  return {
    ledger,
    /** What a tick sends, by request. `meanwhile` happens after it began. */
    tick: async (meanwhile: () => void = () => undefined): Promise<(readonly SentSeries[])[]> => {
      clock.advance(30_000)
      ledger.commit()
      const ticked = made.tick()
      meanwhile()
      await ticked
      return payloads.splice(0).map((payload) => readWriteRequest(uncompress(payload)))
    },
  }
}

test("a gauge that is new is sent as it is: only counters were 0 before", async () => {
  const { ledger, tick } = ticking(2000)
  await tick()
  ledger.set(ledger.slot("proxyUp", { proxy: "a" }), 1)
  ledger.add(ledger.slot("requests", { route: "r" }), 5)
  const sent = (await tick()).flat()
  const values = (name: string) =>
    sent
      .filter(({ labels }) => labels.includes(`__name__=${name}`))
      .flatMap(({ samples }) => samples.map(([, value]) => value))
  expect(values("mesh_proxy_up")).toEqual([1])
  expect(values("mesh_requests_total")).toEqual([0, 5])
})

test("a histogram that would make a request too large begins the next one", async () => {
  const { ledger, tick } = ticking(70)
  for (let route = 0; route < 60; route++) ledger.add(ledger.slot("requests", { route: `r${route}` }), 1)
  ledger.observe(ledger.slot("duration", { route: "r1" }), 0.3)
  const requests = await tick()
  expect(requests.map((sent) => sent.length)).toEqual([60, 19, 60, 19])
  expect(Math.max(...requests.map((sent) => sent.length))).toBeLessThanOrEqual(70)
})

test("a label of a series stands above one of the same name that all have", async () => {
  const { ledger, tick } = ticking(2000, { mesh: "other", agent: "node-1" })
  ledger.set(ledger.slot("proxyUp", { proxy: "a" }), 1)
  expect((await tick()).flat().map(({ labels }) => labels)).toEqual([
    ["__name__=mesh_proxy_up", "agent=node-1", "mesh=yelb", "proxy=a"],
  ])
})

test("a series that leaves while a tick is made, and another in its place: none has the other's value", async () => {
  const { ledger, tick } = ticking(10)
  for (let proxy = 0; proxy < 40; proxy++) ledger.set(ledger.slot("proxyUp", { proxy: `p${proxy}` }), proxy)
  await tick()
  const sent = await tick(() => {
    ledger.retire(ledger.slot("proxyUp", { proxy: "p30" }))
    ledger.commit()
    ledger.set(ledger.slot("proxyUp", { proxy: "new" }), 777)
    ledger.commit()
  })
  const last = new Map<string, number>()
  for (const { labels, samples } of sent.flat()) {
    const proxy = labels.find((label) => label.startsWith("proxy="))?.slice(6) ?? ""
    expect(samples).toHaveLength(1)
    last.set(proxy, samples[0]?.[1] ?? -1)
  }
  const stayed = Array.from({ length: 40 }, (_, proxy) => proxy).filter((proxy) => proxy !== 30)
  expect(stayed.map((proxy) => last.get(`p${proxy}`))).toEqual(stayed)
  expect(last.get("p30")).toBeNaN()
  expect(last.get("new")).toBe(777)
})

test.each([
  [500, "retry"],
  [503, "retry"],
  [429, "retry"],
  [400, "rejected"],
  [401, "retry"],
  [403, "rejected"],
] as const)("status %d: %s", async (status, kind) => {
  const server = createServer((request, response) => {
    request.resume().on("end", () => response.writeHead(status).end())
  })
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve)
  })
  onTestFinished(() => void server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1/write`
  const sink = makeRemoteWriteSink({ url, version: "1" }, { clock: systemClock })
  onTestFinished(() => sink.stop())
  const [request] = sink.split([{ key: "", timeMs: 0, count: 1, payload: new Uint8Array(1) }], 0).requests
  if (request === undefined) throw new Error("no request")
  expect(await sink.write(request.body, AbortSignal.timeout(5000))).toMatchObject({ kind })
})
