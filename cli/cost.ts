import { readFile } from "node:fs/promises"
import { resolve } from "node:path"
import { metricSets } from "#mesh/cloudwatch/metric-sets.ts"
import { checkConfiguration, inOrder, problemText } from "#mesh/configuration.ts"
import { estimate } from "#mesh/cost/estimate.ts"
import { type FlowOptions, flowOf } from "#mesh/cost/flow.ts"
import { metricCap, type PriceTable } from "#mesh/cost/prices.ts"
import { type OwnPrices, pricesSchema, priceTable } from "#mesh/cost/prices-schema.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import { plainJson } from "#mesh/plain-text.ts"
import { durationMs } from "#mesh/quantities.ts"
import { fileUnreadable } from "#mesh/system-reason.ts"
import type { AgentConfig } from "../agent/config/parse.ts"
import { readAgentConfig } from "../agent/config/read.ts"
import { askAgent } from "./agent-page.ts"
import { type Arguments, type Command, type ExitName, type Terminal, UsageError, widthOf } from "./command.ts"
import { costJson, costText } from "./cost-text.ts"

const DEFAULT_AGENT = "http://127.0.0.1:9464/metrics"

/** What is asked for: whom, for how long, and how it is sent and paid for. */
interface CostQuestion {
  readonly page: string
  readonly forMs: number
  readonly flow: FlowOptions
  readonly prices: PriceTable
}

export const costCommand: Command = {
  name: "cost",
  summary: "Show what sending to AWS would cost a month, each way.",
  synopsis: "[--agent URL | --config FILE] [--for 60s] [--sampling 5%] [--prices FILE] [--json]",
  about:
    "Reads a running agent's page twice and reckons with what moved in between. Sends nothing, and needs no AWS account.\nPrices are dated list prices; the answer says which are not known.",
  options: [
    {
      name: "agent",
      value: "URL",
      help: `Address of the agent's page for Prometheus. Default: ${DEFAULT_AGENT}.`,
    },
    {
      name: "config",
      short: "c",
      value: "FILE",
      help: "The agent's configuration: its address, metric sets and cap.",
    },
    { name: "for", value: "DURATION", help: "How long to look. Default: 60s." },
    {
      name: "sampling",
      value: "SHARE",
      help: "Share of requests that are traced. Default: by the spans that come to the agent; where none come 5%, as App Mesh's proxies do.",
    },
    { name: "prices", value: "FILE", help: "YAML file with prices of yours: region, asOf, prices." },
    { name: "json", help: "Print the answer as JSON." },
  ],
  examples: [
    "meshscope cost",
    "meshscope cost --config agent.yaml --for 5m",
    "meshscope cost --prices prices.yaml --json | jq '.ways[] | {name, usdMonth}'",
  ],
  positionals: { least: 0, most: 0, name: "no further word" },
  async run(args, terminal) {
    const question = await questionOf(args, terminal)
    return show(question, args.switches.has("json"), terminal)
  },
}

async function show(question: CostQuestion, json: boolean, terminal: Terminal): Promise<ExitName> {
  const { page, forMs, flow: options, prices } = question
  const { clock, signal } = terminal
  try {
    const before = await askAgent(page, signal)
    const beganMs = clock.monotonic()
    await lookOn(forMs, terminal)
    if (signal.aborted) return "interrupted"
    const after = await askAgent(page, signal)
    const seconds = (clock.monotonic() - beganMs) / 1000
    const flow = flowOf(before, after, seconds, options)
    const answer = { seconds, flow, estimate: estimate(flow, prices), prices }
    terminal.out(json ? `${plainJson(costJson(answer))}\n` : costText(answer, widthOf(terminal)))
    return "ok"
  } catch (error) {
    if (signal.aborted) return "interrupted"
    throw error
  }
}

/** Waits, and says on a terminal for how long still. */
async function lookOn(forMs: number, { tty, error, clock, signal }: Terminal): Promise<void> {
  const untilMs = clock.monotonic() + forMs
  for (let leftMs = forMs; leftMs > 0 && !signal.aborted; leftMs = untilMs - clock.monotonic()) {
    if (tty) error(`\r\u001B[KLooking at what flows, ${Math.ceil(leftMs / 1000)} s to go`)
    await clock.sleep(Math.min(leftMs, 1000), signal)
  }
  if (tty) error("\r\u001B[K")
}

async function questionOf(args: Arguments, { env }: Terminal): Promise<CostQuestion> {
  const { values } = args
  if (values.has("agent") && values.has("config"))
    throw new UsageError("--agent and --config both say whom to ask; give one.")
  const file = values.get("config")
  const config = file === undefined ? undefined : await readAgentConfig(file, env)
  const published = config?.publish
  const own = published?.cloudwatchMetrics
  const prices = priceTable((await ownPrices(values.get("prices"), env)) ?? own?.prices)
  return {
    page: published === undefined ? pageOf(values.get("agent") ?? DEFAULT_AGENT) : pageOfConfig(published),
    forMs: forOf(values.get("for") ?? "60s"),
    flow: {
      sets: metricSets(own?.names ?? "meshscope", own?.sets),
      cap: own === undefined ? undefined : metricCap(own.maxMetrics, own.maxDollarsMonth, prices),
      classicIntervalMs: own?.interval ?? 60_000,
      otlpIntervalMs: published?.cloudwatchOtlp?.interval ?? 60_000,
      otlpFullMs: published?.cloudwatchOtlp?.fullEvery ?? 240_000,
      sampling: samplingOf(values.get("sampling")),
    },
    prices,
  }
}

function pageOfConfig({ prometheus }: AgentConfig["publish"]): string {
  const { host, port } = prometheus.listen
  if (!prometheus.enabled)
    throw new UsageError(
      "This agent serves no page for Prometheus (publish.prometheus.enabled), which this command asks.",
    )
  const reached = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host
  return `http://${reached.includes(":") ? `[${reached}]` : reached}:${port}${prometheus.path}`
}

function pageOf(text: string): string {
  const url = URL.parse(text)
  if (url === null || !["http:", "https:"].includes(url.protocol))
    throw new UsageError(`--agent expects a URL such as ${DEFAULT_AGENT}.`)
  if (url.pathname === "/") url.pathname = "/metrics"
  return url.href
}

function forOf(text: string): number {
  const ms = durationMs(text)
  if (ms !== undefined && ms >= 1000 && ms <= 86_400_000) return ms
  throw new UsageError("--for expects a duration of 1s to 24h, such as 60s.")
}

function samplingOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const [, number] = /^(\d{1,3}(?:\.\d{1,6})?)%$/.exec(text) ?? []
  const share = Number(number) / 100
  if (share >= 0 && share <= 1) return share
  throw new UsageError("--sampling expects a share such as 5%.")
}

async function ownPrices(name: string | undefined, env: Terminal["env"]): Promise<OwnPrices | undefined> {
  if (name === undefined) return undefined
  const file = resolve(name)
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw fileUnreadable("The table of prices", file, cause)
  })
  const checked = checkConfiguration(pricesSchema, { file, text, env })
  if (checked.ok) return checked.value
  throw new MeshscopeError("CONFIG_INVALID", inOrder(checked.problems).map(problemText).join("\n"))
}
