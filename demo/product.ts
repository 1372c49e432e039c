import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { stringify } from "yaml"
import { MeshscopeError } from "#mesh/errors.ts"
import { Child } from "./child.ts"
import type { Counted } from "./compare.ts"
import { samplesOf } from "./exposition.ts"
import { freePort } from "./free-port.ts"
import { agentCounts, routeCounts } from "./product-counts.ts"

/** Agent and collector as a user would run them, and what they say. All that the demo knows of them is in this file. */
export interface Product {
  /** Prometheus page of the agent. */
  readonly metricsUrl: string
  /** Page and API of the collector. */
  readonly collectorUrl: string
  /** Resolves when the collector knows all proxies and each has been scraped: from then on nothing is missed. */
  ready(proxies: number): Promise<void>
  /** `mesh_requests_total` of the agent, with the truth's labels. */
  agentRequests(): Promise<readonly Counted[]>
  /** The same of the collector's routes view: by route key, reporter and outcome. */
  collectorRequests(): Promise<readonly Counted[]>
  /** Spans that came to the agent, by the way they came. */
  spans(): Promise<readonly Counted[]>
  /** The collector's summary as it is. */
  summary(): Promise<unknown>
  stop(): Promise<void>
}

export interface ProductOptions {
  readonly runDir: string
  readonly targetsFile: string
  readonly modelFile: string
  /** How the agent takes spans, as its configuration has it, and where it sends them. */
  readonly receive: object
  readonly publish: object
  /** Sentences for the user. */
  readonly say: (sentence: string) => void
}

const READY_MS = 30_000
const root = join(import.meta.dirname, "..")

export async function startProduct(options: ProductOptions): Promise<Product> {
  const { runDir, say } = options
  const collectorAddress = `127.0.0.1:${await freePort(4318, "collector", say)}`
  const agentAddress = `127.0.0.1:${await freePort(9464, "agent", say)}`
  const collectorUrl = `http://${collectorAddress}`
  const folder = join(runDir, "product")
  await mkdir(folder, { recursive: true })
  const collectorFile = join(folder, "collector.yaml")
  const agentFile = join(folder, "agent.yaml")
  await writeFile(collectorFile, stringify(collectorConfig(collectorAddress)))
  await writeFile(agentFile, stringify(agentConfig(options, folder, agentAddress, collectorUrl)))
  const collector = program("collector", collectorFile, folder)
  const agent = program("agent", agentFile, folder)
  const metricsUrl = `http://${agentAddress}/metrics`
  return {
    metricsUrl,
    collectorUrl,
    ready: (proxies) => ready(metricsUrl, collectorUrl, proxies, [agent, collector]),
    agentRequests: async () => agentCounts(await page(metricsUrl)),
    collectorRequests: async () =>
      routeCounts(await json(`${collectorUrl}/api/v1/routes?window=60m&limit=500`)),
    spans: async () => samplesOf(await page(metricsUrl), "mesh_agent_spans_total"),
    summary: () => json(`${collectorUrl}/api/v1/summary?window=60m`),
    async stop() {
      await agent.stop()
      await collector.stop()
    },
  }
}

const program = (name: "agent" | "collector", config: string, folder: string): Child =>
  new Child(name, [join(root, "cli/main.ts"), name, "--config", config], join(folder, `${name}.log`))

/** Everything as fast as it may be: the demo wants to show, and its end to agree. */
function agentConfig(
  { targetsFile, modelFile, receive, publish }: ProductOptions,
  folder: string,
  listen: string,
  collectorUrl: string,
): object {
  return {
    agent: { id: "demo", state: join(folder, "state") },
    discover: { static: { file: targetsFile } },
    scrape: { interval: "2s", timeout: "2s", clustersInterval: "10s" },
    logs: { poll: "200ms", start: "beginning" },
    model: { files: [modelFile] },
    commit: "500ms",
    receive,
    publish: { prometheus: { listen }, otlp: { endpoint: collectorUrl, interval: "1s" }, ...publish },
  }
}

const collectorConfig = (listen: string): object => ({
  listen,
  store: { step: "1s" },
  agents: { silentAfter: "15s" },
})

async function ready(
  metricsUrl: string,
  collectorUrl: string,
  proxies: number,
  children: readonly Child[],
): Promise<void> {
  const until = performance.now() + READY_MS
  for (;;) {
    for (const child of children) await child.expectRunning()
    try {
      const up = samplesOf(await page(metricsUrl), "mesh_proxy_up").filter(({ count }) => count === 1)
      await json(`${collectorUrl}/api/v1/summary`)
      if (up.length >= proxies) return
    } catch {
      // Not yet listening.
    }
    if (performance.now() > until) {
      throw new MeshscopeError(
        "ADMIN_TIMEOUT",
        `The agent has not read all ${proxies} proxies within ${READY_MS / 1000} s.`,
      )
    }
    await sleep(200)
  }
}

async function page(url: string): Promise<string> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(5000) })
  if (!answer.ok) throw new MeshscopeError("ADMIN_BAD_ANSWER", `${url} answers ${answer.status}.`)
  return answer.text()
}

const json = async (url: string): Promise<unknown> => JSON.parse(await page(url))
