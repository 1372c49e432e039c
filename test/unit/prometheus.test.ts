import { createServer, request as httpRequest } from "node:http"
import type { AddressInfo } from "node:net"
import { gunzipSync } from "node:zlib"
import { Counter, Gauge, Registry } from "prom-client"
import { expect, onTestFinished, test } from "vitest"
import { openLedger } from "../../agent/account/ledger.ts"
import { type MetricsHandlerDeps, makeMetricsHandler } from "../../agent/publish/prometheus/handler.ts"
import { acceptedFormat, acceptsGzip } from "../../agent/publish/prometheus/negotiate.ts"
import { asOpenMetrics } from "../../agent/publish/prometheus/own-text.ts"
import { putNumber } from "../../agent/publish/prometheus/text.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"
import { manualClock } from "../fixtures/ledger/manual-clock.ts"

const PROMETHEUS_3 =
  "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"

test.each([
  [undefined, "text"],
  ["*/*", "text"],
  ["text/plain", "text"],
  [PROMETHEUS_3, "openmetrics"],
  ["application/openmetrics-text; version=0.0.1", "text"],
  ["application/openmetrics-text", "openmetrics"],
  ["application/openmetrics-text;q=0.2, text/plain;q=0.5", "text"],
  ["application/openmetrics-text;q=0", "text"],
  ["application/openmetrics-text;q=nonsense", "text"],
  [`${"a,".repeat(5000)}application/openmetrics-text`, "text"],
])("Accept %s gives %s", (accept, format) => {
  expect(acceptedFormat(accept)).toBe(format)
})

test.each([
  [undefined, false],
  ["gzip", true],
  ["br, gzip;q=0.5", true],
  ["gzip;q=0", false],
  ["*", true],
  ["*, gzip;q=0", false],
  ["identity", false],
])("Accept-Encoding %s allows gzip: %s", (header, allowed) => {
  expect(acceptsGzip(header)).toBe(allowed)
})

test.each([0, 7, 9, 10, 99, 100, 2_147_483_647, 2_147_483_648, 2 ** 53, 0.1, -3, 1e21, 1e-7])(
  "the number %d reads back",
  (value) => {
    const bytes = Buffer.alloc(40)
    expect(Number(bytes.toString("latin1", 3, putNumber(bytes, 3, value)))).toBe(value)
  },
)

test("a registry's text as OpenMetrics: counters' comments lose `_total`", () => {
  const own = [
    '# HELP a_total An "a".',
    "# TYPE a_total counter",
    'a_total{x="# TYPE b counter"} 1',
    "# HELP b B.",
    "# TYPE b counter",
    "b 2",
    "# HELP c C.",
    "# TYPE c gauge",
    "c 3",
    "",
  ].join("\n")
  expect(asOpenMetrics(own)).toBe(
    [
      '# HELP a An \\"a\\".',
      "# TYPE a counter",
      'a_total{x="# TYPE b counter"} 1',
      "# HELP b B.",
      "# TYPE b unknown",
      "b 2",
      "# HELP c C.",
      "# TYPE c gauge",
      "c 3",
      "",
    ].join("\n"),
  )
})

async function served(deps: Partial<MetricsHandlerDeps> = {}) {
  const ledger = openLedger({ folder: temporaryFolder(), clock: manualClock() })
  const slot = ledger.slot("requests", { route: "r" })
  const handler = makeMetricsHandler({ snapshot: ledger.snapshot, ...deps })
  const server = createServer((request, response) => void handler.handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
    ledger.close()
  })
  const { port } = server.address() as AddressInfo
  const scrape = (headers: Record<string, string> = {}, method = "GET"): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const request = httpRequest({ port, host: "127.0.0.1", method, headers }, (response) => {
        const chunks: Buffer[] = []
        response.on("data", (chunk: Buffer) => chunks.push(chunk))
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks),
          }),
        )
      })
      request.on("error", reject)
      request.end()
    })
  return { ledger, slot, handler, scrape, port }
}

interface Answer {
  readonly status: number
  readonly headers: Record<string, unknown>
  readonly body: Buffer
}

function ownRegistry(): Registry {
  const registry = new Registry()
  new Counter({ name: "mesh_agent_lines_total", help: "Lines.", registers: [registry] }).inc(4)
  new Gauge({ name: "mesh_agent_targets", help: "Targets.", registers: [registry] }).set(2)
  return registry
}

test("serves the mesh's series and the agent's own, in the format that is asked for", async () => {
  const { ledger, slot, scrape } = await served({ own: ownRegistry() })
  ledger.add(slot, 3)
  ledger.commit()
  const text = await scrape()
  expect(text.headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8")
  expect(text.body.toString()).toBe(
    [
      "# HELP mesh_requests_total Requests by final answer, each counted once per reporter.",
      "# TYPE mesh_requests_total counter",
      'mesh_requests_total{route="r"} 3',
      "# HELP mesh_agent_lines_total Lines.",
      "# TYPE mesh_agent_lines_total counter",
      "mesh_agent_lines_total 4",
      "",
      "# HELP mesh_agent_targets Targets.",
      "# TYPE mesh_agent_targets gauge",
      "mesh_agent_targets 2",
      "",
    ].join("\n"),
  )
  const open = await scrape({ accept: PROMETHEUS_3 })
  expect(open.headers["content-type"]).toBe("application/openmetrics-text; version=1.0.0; charset=utf-8")
  expect(open.body.toString()).toMatch(
    /^# TYPE mesh_requests counter\n[^]*# TYPE mesh_agent_lines counter\n[^]*\n# EOF\n$/,
  )
})

test("gzip is one member with all of it, made once per commit", async () => {
  const { ledger, slot, scrape } = await served({ own: ownRegistry() })
  for (let round = 0; round < 3; round++) {
    ledger.add(slot, 1)
    ledger.commit()
    for (let again = 0; again < 2; again++) {
      const [plain, zipped] = [await scrape(), await scrape({ "accept-encoding": "gzip" })]
      expect(zipped.headers["content-encoding"]).toBe("gzip")
      expect(gunzipSync(zipped.body).equals(plain.body)).toBe(true)
    }
  }
})

test("an empty ledger is a valid answer", async () => {
  const { scrape } = await served()
  expect((await scrape()).body.toString()).toBe("")
  expect((await scrape({ accept: PROMETHEUS_3 })).body.toString()).toBe("# EOF\n")
  expect(gunzipSync((await scrape({ "accept-encoding": "gzip" })).body)).toHaveLength(0)
})

test("other methods are refused; HEAD has no body", async () => {
  const { ledger, scrape } = await served()
  ledger.commit()
  expect(await scrape({}, "POST")).toMatchObject({ status: 405 })
  const head = await scrape({}, "HEAD")
  expect(head).toMatchObject({ status: 200, body: Buffer.alloc(0) })
})

test("more scrapes at once than allowed get 503, and places come back", async () => {
  const { scrape, handler } = await served({ maxConcurrent: 1, own: slowRegistry() })
  const answers = await Promise.all([scrape(), scrape(), scrape()])
  expect(answers.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([200, 503, 503])
  expect((await scrape()).status).toBe(200)
  expect(handler.counters).toMatchObject({ scrapes: 2, refused: 2, failures: 0 })
})

function slowRegistry(): { metrics(): Promise<string> } {
  return { metrics: () => new Promise((resolve) => setTimeout(() => resolve(""), 50)) }
}

test("a failing registry is an error of this scrape only", async () => {
  let fail = true
  const own = { metrics: () => (fail ? Promise.reject(new Error("no")) : Promise.resolve("")) }
  const { scrape, handler } = await served({ own })
  expect((await scrape()).status).toBe(500)
  fail = false
  expect((await scrape()).status).toBe(200)
  expect(handler.counters.failures).toBe(1)
})

test("many series are rendered in slices: others run in between", async () => {
  const { ledger, scrape } = await served()
  for (let index = 0; index < 20_000; index++)
    ledger.add(ledger.slot("requests", { route: `route-${index}` }), index)
  ledger.commit()
  let turns = 0
  const turn = setInterval(() => turns++, 1)
  const lines = (await scrape()).body.toString().split("\n")
  clearInterval(turn)
  expect(lines).toHaveLength(20_000 + 1 + 2 + 1)
  expect(turns).toBeGreaterThan(1)
})
