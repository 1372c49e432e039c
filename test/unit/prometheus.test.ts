import { createServer, request as httpRequest } from "node:http"
import { setTimeout as sleep } from "node:timers/promises"
import { gunzipSync } from "node:zlib"
import { Counter, Gauge, Registry } from "prom-client"
import { expect, onTestFinished, test } from "vitest"
import { openLedger } from "../../agent/account/ledger.ts"
import { type MetricsHandlerDeps, makeMetricsHandler } from "../../agent/publish/prometheus/handler.ts"
import { acceptedFormat, acceptsGzip } from "../../agent/publish/prometheus/negotiate.ts"
import { asOpenMetrics } from "../../agent/publish/prometheus/own-text.ts"
import { HISTOGRAM_LINES } from "../../agent/publish/prometheus/series-lines.ts"
import { putNumber } from "../../agent/publish/prometheus/text.ts"
import { onLoopback } from "../fixtures/http/loopback.ts"
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
  const { port, stop } = await onLoopback(server)
  onTestFinished(async () => {
    await stop()
    ledger.close()
  })
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

/** What Prometheus sends. */
const as = (name: string, more: Record<string, string> = {}): Record<string, string> => ({
  "x-prometheus-scrape-timeout-seconds": "10",
  "user-agent": name,
  ...more,
})

/** The samples of a page by their name and labels. */
function samples(answer: Answer): Record<string, string> {
  const zipped = answer.headers["content-encoding"] === "gzip"
  const text = (zipped ? gunzipSync(answer.body) : answer.body).toString()
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"))
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf("} ") + 1
      return [line.slice(0, at), line.slice(at + 1)]
    }),
  )
}

test.each([
  ["as text", {}],
  ["as OpenMetrics", { accept: PROMETHEUS_3 }],
  ["as text, packed", { "accept-encoding": "gzip" }],
  ["as OpenMetrics, packed", { accept: PROMETHEUS_3, "accept-encoding": "gzip" }],
])(
  "%s: a series that is born between two scrapes is 0 once for each scraper, and true for all others",
  async (_, more) => {
    const { ledger, slot, scrape } = await served({ own: ownRegistry() })
    const read = async (name: string) => samples(await scrape(as(name, more)))
    ledger.add(slot, 3)
    ledger.commit()
    const old = { 'mesh_requests_total{route="r"}': "3" }
    expect(await read("a")).toMatchObject(old)
    ledger.add(ledger.slot("requests", { route: "s" }), 4)
    ledger.set(ledger.slot("activeRequests", { source: "s" }), 5)
    const duration = ledger.slot("duration", { route: "s" })
    ledger.observe(duration, 0.03, 6)
    ledger.exemplify(duration, "ab".repeat(16), 0.03)
    ledger.commit()
    const truth = samples(await scrape(more))
    expect(truth).toMatchObject({ ...old, 'mesh_requests_total{route="s"}': "4" })
    const zeroed = Object.entries(truth).map(([line, value]) => {
      return [line, line.includes('route="s"') ? "0" : value]
    })
    const first = await read("a")
    expect(first).toEqual(Object.fromEntries(zeroed))
    expect(Object.keys(first).filter((line) => line.includes('route="s"'))).toHaveLength(1 + HISTOGRAM_LINES)
    expect(await read("b")).toEqual(truth)
    expect(await read("a")).toEqual(truth)
    expect(samples(await scrape(more))).toEqual(truth)
  },
)

test("what is shown as 0 and what is true are packed apart", async () => {
  const { ledger, slot, scrape } = await served()
  ledger.add(slot, 1)
  ledger.commit()
  const zipped = { "accept-encoding": "gzip" }
  await Promise.all([scrape(as("a")), scrape(as("b"))])
  for (let round = 1; round < 4; round++) {
    ledger.add(ledger.slot("requests", { route: `new-${round}` }), round)
    ledger.commit()
    const [a, truth, b] = [
      await scrape(as("a", zipped)),
      await scrape(zipped),
      await scrape(as("b", zipped)),
    ].map(samples)
    expect(a).toEqual({ ...truth, [`mesh_requests_total{route="new-${round}"}`]: "0" })
    expect(b).toEqual(a)
    expect(samples(await scrape(as("a", zipped)))).toEqual(truth)
  }
})

test("HEAD, and a scrape that was refused, show nothing, so the next answer still begins at 0", async () => {
  let fail = false
  const own = { metrics: () => (fail ? Promise.reject(new Error("no")) : Promise.resolve("")) }
  const { ledger, slot, scrape } = await served({ own })
  await scrape(as("a"))
  ledger.add(slot, 3)
  ledger.commit()
  await scrape(as("a"), "HEAD")
  fail = true
  expect(await scrape(as("a"))).toMatchObject({ status: 500 })
  fail = false
  expect(samples(await scrape(as("a")))).toEqual({ 'mesh_requests_total{route="r"}': "0" })
  expect(samples(await scrape(as("a")))).toEqual({ 'mesh_requests_total{route="r"}': "3" })
})

test("an answer that was cut is not seen: the next one begins at 0", async () => {
  const { ledger, slot, scrape, port, handler } = await served()
  await scrape(as("a"))
  ledger.add(slot, 3)
  // More than sockets hold.
  for (let index = 0; index < 15_000; index++)
    ledger.add(ledger.slot("requests", { route: `${index}`.padEnd(1000, "x") }), 1)
  ledger.commit()
  await new Promise<void>((resolve) => {
    const request = httpRequest({ port, host: "127.0.0.1", headers: as("a") }, (response) => {
      response.once("data", () => {
        response.destroy()
        resolve()
      })
      response.on("error", () => undefined)
    })
    request.on("error", () => undefined)
    request.end()
  })
  await expect.poll(() => handler.counters.lastBytes).toBeGreaterThan(15_000_000)
  const shown = async () =>
    /^mesh_requests_total\{route="r"\} (\d)$/m.exec((await scrape(as("a"))).body.toString())?.[1]
  expect(await shown()).toBe("0")
  // The client has it all before the server is told so.
  await sleep(50)
  expect(await shown()).toBe("3")
})

test("many births at once are zeroed in slices: others run in between", async () => {
  const { ledger, scrape } = await served()
  await scrape(as("a"))
  for (let index = 0; index < 5000; index++)
    ledger.observe(ledger.slot("duration", { route: `route-${index}` }), 0.03)
  ledger.commit()
  await scrape()
  let turns = 0
  const turn = setInterval(() => turns++, 1)
  const shown = samples(await scrape(as("a")))
  clearInterval(turn)
  expect(Object.keys(shown)).toHaveLength(5000 * HISTOGRAM_LINES + 1)
  expect(new Set(Object.values(shown))).toEqual(new Set(["0"]))
  expect(turns).toBeGreaterThan(1)
})
