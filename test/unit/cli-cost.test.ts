import { writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { systemClock } from "#mesh/clock.ts"
import { openLedger } from "../../agent/account/ledger.ts"
import { makeMetricsHandler } from "../../agent/publish/prometheus/handler.ts"
import { parseArguments } from "../../cli/arguments.ts"
import type { Terminal } from "../../cli/command.ts"
import { costCommand } from "../../cli/cost.ts"
import type { CostAnswer } from "../../cli/cost-text.ts"
import { routeLabels } from "../fixtures/cloudwatch/telling.ts"
import { onLoopback } from "../fixtures/http/loopback.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"
import { keptTerminal } from "./cli-terminal.ts"

/** A ledger behind the agent's own page, where traffic comes with each look. */
async function agent(traffic: (add: (route: string, amount: number, outcome?: string) => void) => void) {
  const ledger = openLedger({ folder: temporaryFolder(), clock: systemClock })
  const own = [
    "# TYPE mesh_agent_build_info gauge",
    'mesh_agent_build_info{version="1"} 1',
    "# TYPE mesh_agent_log_bytes_total counter",
    "mesh_agent_log_bytes_total 40000",
    "# TYPE mesh_agent_lines_read_total counter",
    'mesh_agent_lines_read_total{kind="access"} 100',
    "",
  ].join("\n")
  const handler = makeMetricsHandler({
    snapshot: ledger.snapshot,
    own: { metrics: () => Promise.resolve(own) },
  })
  const server = createServer((request, response) => {
    traffic((route, amount, outcome = "ok") => {
      ledger.add(ledger.slot("requests", routeLabels(route, { outcome })), amount)
      ledger.observe(ledger.slot("duration", routeLabels(route)), 0.02, amount)
    })
    ledger.commit()
    void handler.handle(request, response)
  })
  const { url, port, stop } = await onLoopback(server)
  onTestFinished(async () => {
    await stop()
    ledger.close()
  })
  return { url: `${url}/metrics`, port }
}

async function cost(words: readonly string[], changes: Partial<Terminal> = {}) {
  const { terminal, written } = keptTerminal(changes)
  const exit = await costCommand.run(parseArguments(costCommand, words), terminal)
  return { exit, ...written }
}

test("prints each way with metrics, bytes and dollars, the prices' date, and what is not known", async () => {
  const { url } = await agent((add) => {
    for (let at = 0; at < 40; at++) add(`route-${at}`, 10)
    add("route-0", 1, "error")
  })
  const { exit, out, error } = await cost(["--agent", url, "--for", "1s"])
  expect(exit).toBe("ok")
  expect(error).toBe("")
  const emf = out.split("\n").find((line) => line.includes("embedded metric format"))
  // 40 routes with requests and duration, one of them with errors: 81 metrics of 30 cents.
  expect(emf).toMatch(/^Metrics: embedded metric format +81 .* metrics 24\.30, log data \d/)
  expect(out).toMatch(/OTLP, the whole catalogue +81 .* not known/)
  expect(out).toContain("us-east-1, as of 2025-10-28")
  expect(out).toContain(
    "Not known, so not told: the price per GB of OTLP metrics and the price per GB of spans.",
  )
  expect(out.split("\n").every((line) => !line.includes("undefined") && !line.includes("NaN"))).toBe(true)
})

test("as JSON: the same as data, with sources, and null for what is not known", async () => {
  const { url } = await agent((add) => add("r", 100))
  const { out } = await cost(["--agent", url, "--for", "1s", "--sampling", "10%", "--json"])
  const answer = JSON.parse(out)
  expect(answer.flow.classic.metrics).toBe(2)
  expect(answer.flow.traces.perSecond).toBeCloseTo((100 / answer.seconds) * 0.1)
  expect(
    answer.ways.map(({ key, usdMonth }: { key: string; usdMonth: unknown }) => [key, typeof usdMonth]),
  ).toEqual([
    ["emf", "number"],
    ["put-metric-data", "number"],
    ["otlp-metrics", "object"],
    ["logs-standard", "number"],
    ["logs-infrequent-access", "number"],
    ["xray", "number"],
    ["otlp-spans", "object"],
  ])
  expect(answer.prices.classicMetric.source).toContain("https://aws.amazon.com/cloudwatch/pricing/")
})

test("own prices stand in the answer", async () => {
  const { url } = await agent((add) => add("r", 100))
  const file = join(temporaryFolder(), "prices.yaml")
  writeFileSync(
    file,
    "region: eu-west-1\nasOf: 2026-11-01\nprices: {otlpMetrics: 2, spans: 1, classicMetric: 100}\n",
  )
  const { out } = await cost(["--agent", url, "--for", "1s", "--prices", file])
  expect(out).toContain("eu-west-1")
  expect(out).toContain("metrics 200.00")
  expect(out).not.toContain("not known")
  writeFileSync(file, "region: eu-west-1\nasOf: 2026-11-01\nprices: {otlp: 2}\n")
  await expect(cost(["--agent", url, "--prices", file])).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    message: expect.stringMatching(/prices\.yaml:3:10: prices\.otlp/),
  })
  await expect(cost(["--agent", url, "--prices", "/nowhere.yaml"])).rejects.toMatchObject({
    code: "FILE_UNREADABLE",
  })
})

test("an agent's configuration says where its page is, and how often CloudWatch is told all by OTLP", async () => {
  const { port } = await agent((add) => add("r", 1))
  const configured = async (publish: string): Promise<number> => {
    const file = join(temporaryFolder(), "agent.yaml")
    const page = `prometheus: {listen: "127.0.0.1:${port}"}`
    writeFileSync(file, `discover: {static: {targets: []}}\npublish: {${page}, ${publish}}\n`)
    const { exit, out } = await cost(["--config", file, "--for", "1s", "--json"])
    expect(exit).toBe("ok")
    return (JSON.parse(out) as CostAnswer).flow.otlp.pointsPerSecond
  }
  // Two series move. What goes to a collector costs nothing at AWS.
  expect(await configured('otlp: {endpoint: "http://127.0.0.1:1", interval: 5s}')).toBeCloseTo(2 / 60)
  expect(await configured("cloudwatchOtlp: {interval: 30s}")).toBeCloseTo(2 / 30)
})

test("on a terminal it says how long it still looks, and wraps to its width", async () => {
  const { url } = await agent((add) => add("r", 1))
  const { out, error } = await cost(["--agent", url, "--for", "1s"], { tty: true, columns: 70 })
  expect(error).toContain("1 s to go")
  expect(error.endsWith("\r\u001B[K")).toBe(true)
  expect(out).toContain("    of which metrics")
})

test("interrupted while it looks on: it ends as such", async () => {
  const { url } = await agent((add) => add("r", 1))
  const stop = new AbortController()
  setTimeout(() => stop.abort(), 100)
  expect((await cost(["--agent", url, "--for", "1h"], { signal: stop.signal })).exit).toBe("interrupted")
})

test.each([
  [["--agent", "ftp://x"], /--agent expects a URL/],
  [["--for", "5"], /--for expects a duration/],
  [["--for", "500ms"], /--for expects a duration/],
  [["--sampling", "0.05"], /--sampling expects a share/],
  [["--sampling", "101%"], /--sampling expects a share/],
  [["--agent", "http://127.0.0.1:1", "--config", "a.yaml"], /give one/],
])("%j is refused", async (words, sentence) => {
  await expect(cost(words)).rejects.toThrow(sentence)
})

test("nobody there, and somebody else there", async () => {
  const server = createServer((request, response) => {
    response.statusCode = request.url === "/metrics" ? 200 : 404
    response.end("up 1\n")
  })
  const { url, stop } = await onLoopback(server)
  await expect(cost(["--agent", url])).rejects.toMatchObject({ code: "AGENT_BAD_ANSWER" })
  await expect(cost(["--agent", `${url}/other`])).rejects.toMatchObject({ code: "AGENT_BAD_ANSWER" })
  await stop()
  await expect(cost(["--agent", url])).rejects.toMatchObject({ code: "AGENT_UNREACHABLE", retryable: true })
})

test("where nothing moves, that is said first", async () => {
  const { url } = await agent(() => {})
  const { out } = await cost(["--agent", url, "--for", "1s"])
  expect(out).toContain("\nNothing moved in 1 s, so this is what silence costs.")
})

test("on a narrow terminal no sentence is cut within a word", async () => {
  const { url } = await agent((add) => add("r", 100))
  const { out } = await cost(["--agent", url, "--for", "1s"], { tty: true, columns: 80 })
  const long = out.split("\n").filter((line) => line.length > 80)
  expect(long.filter((line) => !/^ *https:\S+$/.test(line))).toEqual([])
})
