import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { systemClock } from "#mesh/clock.ts"
import { openLedger } from "../../agent/account/ledger.ts"
import { StatsAccountant } from "../../agent/account/stats/accountant.ts"
import { SharedGauges } from "../../agent/account/stats/shared-gauges.ts"
import { makeBodyPool } from "../../agent/collect/admin/body.ts"
import { AdminClient } from "../../agent/collect/admin/client.ts"
import { makeGate } from "../../agent/collect/admin/gate.ts"
import { ADMIN } from "../../agent/collect/admin/path.ts"
import { HistogramReader } from "../../agent/decode/stats/histogram-page.ts"
import { seriesName } from "../../agent/decode/stats/layout.ts"
import { LayoutPool } from "../../agent/decode/stats/layout-pool.ts"
import { type PageChange, PageReader } from "../../agent/decode/stats/page-reader.ts"
import { component } from "../../scripts/components/component.ts"
import { exposed } from "../fixtures/ledger/exposed.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"
import { IDENTITY, labPlan } from "../fixtures/stats/bench-proxy.ts"
import { type Lab, startLab } from "../fixtures/stats/lab.ts"
import { plainParse } from "../fixtures/stats/plain-parse.ts"

let lab: Lab
beforeAll(async () => {
  lab = await startLab(await component("envoy"), 240)
})
afterAll(async () => {
  await lab.stop()
})

const PLAN = labPlan(["ok", "other.dotted", "grpc", "none", "refused"], {
  grpc: ["grpc"],
  tcp: ["tcp", "tcp_refused"],
})
const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

function adminClient(): AdminClient {
  const address = { kind: "tcp", host: lab.host, port: lab.adminPort } as const
  return new AdminClient(address, { gate: makeGate(), bodies: makeBodyPool() })
}

function numbers({ layout, values }: PageChange): Map<string, number> {
  const found = new Map<string, number>()
  for (const [line, value] of values.entries()) {
    if (layout.text[layout.starts[line] ?? 0] !== 34) found.set(seriesName(layout, line), value)
  }
  return found
}

/** An agent's part for one proxy: scrapes, accounts, commits. */
async function watch(format: "raw" | "prometheus") {
  const ledger = openLedger({ folder: temporaryFolder(), clock: systemClock })
  const accountant = new StatsAccountant(IDENTITY, PLAN, {
    ledger,
    gauges: new SharedGauges(ledger),
    clock: systemClock,
    watchingSinceMs: Date.now(),
    accountedByLog: () => 0,
  })
  const client = adminClient()
  const reader = new PageReader(format, new LayoutPool())
  const histograms = new HistogramReader()
  const scrape = async () => {
    const reading = await client.read(format === "raw" ? ADMIN.stats : ADMIN.prometheus, ({ body }) =>
      accountant.scrape(reader.read(body)),
    )
    if (format === "raw") {
      await client.read(ADMIN.histograms, ({ body }) =>
        histograms.read(body, accountant.wantedHistograms, (index, one) =>
          accountant.takeHistogram(index, one),
        ),
      )
      accountant.histogramsTaken()
    }
    return reading
  }
  await scrape()
  return {
    accountant,
    scrape,
    /** What one look saw, the second agrees with. */
    async settle() {
      await delay(150)
      await scrape()
      await scrape()
    },
    series(metric: string): Record<string, number> {
      ledger.commit()
      const found: Record<string, number> = {}
      for (const [name, { value, counts }] of Object.entries(exposed(ledger.snapshot))) {
        if (!name.startsWith(`${metric}{`)) continue
        const labels = name
          .slice(metric.length + 1, -1)
          .split(",")
          .filter((label) => !/^(mesh|flavor|reporter|source|protocol|provenance|proxy)=/.test(label))
          .map((label) => label.replace(/^[^=]+=/, ""))
          .join(" ")
        const amount = counts === undefined ? value : counts.reduce((all, count) => all + count, 0)
        if (amount !== 0) found[labels] = amount
      }
      return found
    },
    end() {
      client.close()
      ledger.close()
    },
  }
}

function difference(later: Record<string, number>, earlier: Record<string, number>): Record<string, number> {
  const moved: Record<string, number> = {}
  for (const [name, value] of Object.entries(later)) {
    const by = value - (earlier[name] ?? 0)
    if (by !== 0) moved[name] = by
  }
  return moved
}

test("scrapes under load, with new codes appearing: the walk says what the plain parser says", async () => {
  const client = adminClient()
  for (const format of ["raw", "prometheus"] as const) {
    const reader = new PageReader(format, new LayoutPool())
    const hows: string[] = []
    const codes =
      format === "raw" ? [200, 201, 404, 418, 429, 500, 503, 302] : [202, 203, 405, 406, 501, 502, 301, 410]
    for (let round = 0; round < 16; round++) {
      const load = Array.from({ length: 25 }, (_, index) =>
        lab.request(
          `/${index % 2 === 0 ? "ok" : "other"}?code=${codes[Math.floor((round * codes.length) / 16)]}`,
        ),
      )
      await client.read(format === "raw" ? ADMIN.stats : ADMIN.prometheus, ({ body }) => {
        const copy = Buffer.from(body)
        const change = reader.read(body)
        hows.push(change.how)
        expect(numbers(change)).toEqual(plainParse(format, copy))
        body.fill(0)
      })
      await Promise.all(load)
    }
    expect(hows.filter((how) => how === "patched").length).toBeGreaterThan(2)
    expect(hows.filter((how) => how === "full").length).toBeLessThan(4)
  }
  client.close()
})

test("all pages of the allow-list answer", async () => {
  const client = adminClient()
  // `/metrics` is what listeners before an Envoy call the page; its own admin interface knows it by another name.
  for (const path of Object.values(ADMIN).filter((one) => one !== ADMIN.metrics)) {
    expect(await client.read(path, ({ status }) => [path.text, status])).toEqual([path.text, 200])
  }
  client.close()
})

type Case = readonly [
  name: string,
  provoke: () => Promise<unknown>,
  requests: Record<string, number>,
  failures: Record<string, number>,
]
const get = (path: string) => () => lab.request(path)
const CASES: readonly Case[] = [
  ["ok", get("/ok"), { "to-ok ok 2xx ok": 1 }, {}],
  [
    "dotted cluster",
    get("/other?code=404"),
    { "to-other.dotted other.dotted 4xx client_error": 1 },
    { "to-other.dotted other.dotted client_error - app": 1 },
  ],
  ["application's 500", get("/ok?code=500"), { "to-ok ok 5xx error": 1 }, { "to-ok ok error - app": 1 }],
  ["no route", get("/nowhere"), { "(unmatched) 4xx error": 1 }, { "(unmatched) error NR proxy": 1 }],
  ["no host", get("/none"), { "to-none none 5xx error": 1 }, { "to-none none error UH proxy": 1 }],
  [
    "refused",
    get("/refused"),
    { "to-refused refused 5xx error": 1 },
    { "to-refused refused error UF proxy": 1 },
  ],
  ["timeout", get("/fast?k=late&ms=900"), { "to-ok ok 5xx error": 1 }, { "to-ok ok error UT proxy": 1 }],
  ["retries", get("/retry?code=503"), { "to-ok ok 5xx error": 1 }, { "to-ok ok error - unknown": 1 }],
  [
    "cut before the headers",
    get("/ok?k=drop"),
    { "to-ok ok 5xx error": 1 },
    { "to-ok ok error - unknown": 1 },
  ],
  ["cut after the headers", get("/ok?k=cut"), { "to-ok ok 2xx error": 1 }, { "to-ok ok error - unknown": 1 }],
  [
    "timeout after the headers",
    get("/fast?k=slow"),
    { "to-ok ok 2xx error": 1 },
    { "to-ok ok error - unknown": 1 },
  ],
  [
    "maximum duration",
    get("/max?k=late&ms=800"),
    { "(unmatched) 5xx error": 1 },
    { "(unmatched) error - proxy": 1 },
  ],
  [
    "caller leaves",
    () => lab.leave("GET /ok?k=late&ms=1500 HTTP/1.1\r\nhost: x\r\n\r\n", 200),
    { "(unmatched) none aborted": 1 },
    { "(unmatched) aborted - unknown": 1 },
  ],
  [
    "bad request",
    () => lab.leave("GET /ok HTTP/1.1\r\nbad\r\n\r\n", 150),
    { "(unmatched) 4xx client_error": 1 },
    { "(unmatched) client_error DPE proxy": 1 },
  ],
  ["health check", get("/health"), {}, {}],
  [
    "100-continue",
    () =>
      lab.leave("POST /ok HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\nab", 300),
    { "to-ok ok 2xx ok": 1 },
    {},
  ],
  [
    "upgrade",
    () => lab.leave("GET /ok HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n", 500),
    { "to-ok ok 1xx ok": 1 },
    {},
  ],
  ["gRPC ok", () => lab.grpc("/grpc/M?c=0"), { "to-grpc grpc 2xx ok": 1 }, {}],
  [
    "gRPC unavailable",
    () => lab.grpc("/grpc/M?c=14"),
    { "to-grpc grpc 2xx error": 1 },
    { "to-grpc grpc error - unknown": 1 },
  ],
  [
    "gRPC not found",
    () => lab.grpc("/grpc/M?c=5"),
    { "to-grpc grpc 2xx client_error": 1 },
    { "to-grpc grpc client_error - unknown": 1 },
  ],
  [
    "gRPC without a route",
    () => lab.grpc("/nowhere/M"),
    { "(unmatched) 2xx error": 1 },
    { "(unmatched) error NR proxy": 1 },
  ],
]

for (const format of ["raw", "prometheus"] as const) {
  describe(`${format}: what each ending of a request becomes`, () => {
    test.each(CASES)("%s", async (_, provoke, requests, failures) => {
      const agent = await watch(format)
      await agent.settle()
      const [before, failedBefore] = [
        agent.series("mesh_requests_total"),
        agent.series("mesh_request_failures_total"),
      ]
      await provoke()
      await agent.settle()
      expect(difference(agent.series("mesh_requests_total"), before)).toEqual(requests)
      expect(difference(agent.series("mesh_request_failures_total"), failedBefore)).toEqual(failures)
      agent.end()
    })
  })
}

test("a caller that leaves after the headers: aborted, never a success", async () => {
  const agent = await watch("raw")
  await agent.settle()
  await lab.leave("GET /ok?k=slow HTTP/1.1\r\nhost: x\r\n\r\n", 300)
  await agent.settle()
  await agent.settle()
  await lab.request("/ok")
  await lab.request("/ok")
  await agent.settle()
  expect(agent.series("mesh_requests_total")).toEqual({ "to-ok ok 2xx aborted": 1, "to-ok ok 2xx ok": 2 })
  agent.end()
})

test("TCP connections, and those that cannot be made", async () => {
  const agent = await watch("raw")
  await lab.leave("GET /x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", 200, lab.tcpPort)
  await lab.leave("x", 200, lab.refusedTcpPort)
  await agent.settle()
  expect(agent.series("mesh_tcp_connections_opened_total")).toEqual({ tcp: 1, tcp_refused: 1 })
  expect(agent.series("mesh_tcp_connections_closed_total")).toEqual({ "tcp ok": 1, "tcp_refused error": 1 })
  expect(agent.series("mesh_connection_failures_total")).toEqual({ "tcp_refused refused": 1 })
  expect(agent.series("mesh_tcp_received_bytes_total")["tcp"]).toBe(47)
  agent.end()
})

test("durations, by both pages; the proxy's own gauges", async () => {
  // Envoy merges its histograms once a second here: what came before must be in the first look.
  for (const format of ["raw", "prometheus"] as const) {
    await delay(2300)
    const agent = await watch(format)
    await lab.request("/ok?k=late&ms=120")
    await lab.request("/ok?k=late&ms=20")
    await delay(2300)
    await agent.settle()
    expect(agent.series("mesh_upstream_duration_seconds")).toEqual({ ok: 2 })
    expect(agent.series("mesh_proxy_state")).toEqual({ "ui live": 1 })
    expect(agent.series("mesh_proxy_up")).toEqual({ ui: 1 })
    expect(agent.series("mesh_proxy_memory_bytes")["ui"]).toBeGreaterThan(1_000_000)
    agent.end()
  }
})

test("load without a pause: after it, every request is accounted exactly once", async () => {
  const agent = await watch("raw")
  const loading = { running: true }
  const scraping = (async () => {
    while (loading.running) {
      await agent.scrape()
      await delay(100)
    }
  })()
  const paths = ["/ok", "/ok?code=500", "/other?code=404", "/nowhere", "/none", "/ok?k=late&ms=30"]
  let asked = 0
  for (let round = 0; round < 60; round++) {
    await Promise.all(
      Array.from({ length: 10 }, (_, index) => lab.request(paths[(asked + index) % paths.length] ?? "/ok")),
    )
    asked += 10
  }
  loading.running = false
  await scraping
  await agent.settle()
  expect(agent.series("mesh_requests_total")).toEqual({
    "to-ok ok 2xx ok": 200,
    "to-ok ok 5xx error": 100,
    "to-other.dotted other.dotted 4xx client_error": 100,
    "(unmatched) 4xx error": 100,
    "to-none none 5xx error": 100,
  })
  agent.end()
})

test("a restart of Envoy gives no spike and loses nothing that a scrape could see", async () => {
  const agent = await watch("raw")
  for (let index = 0; index < 20; index++) await lab.request("/ok")
  await agent.settle()
  await lab.restart()
  for (let index = 0; index < 5; index++) await lab.request("/ok")
  expect(await agent.scrape()).toBe("whole")
  await agent.settle()
  expect(agent.series("mesh_requests_total")).toEqual({ "to-ok ok 2xx ok": 25 })
  agent.end()
})
