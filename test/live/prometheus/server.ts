import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createWriteStream } from "node:fs"
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { z } from "zod"

export interface PrometheusOptions {
  readonly binary: string
  /** Made when it does not exist. */
  readonly folder: string
  /** `host:port` of its own. */
  readonly listen: string
  /** `host:port` to scrape at /metrics. */
  readonly target?: string
  readonly intervalMs: number
  /** `--enable-feature` */
  readonly features?: readonly string[]
  /** Takes remote write at /api/v1/write. */
  readonly receives?: boolean
}

/** One series of an answer, oldest sample first; times in seconds. */
export interface PromSeries {
  readonly metric: Readonly<Record<string, string>>
  readonly samples: readonly (readonly [time: number, value: number])[]
}

const READY_MS = 20_000

/** What Prometheus's API promises of its answers: prometheus.io/docs/prometheus/latest/querying/api. */
const labels = z.record(z.string(), z.string())
const pair = z.tuple([z.number(), z.string()])
const vector = z.object({
  result: z.array(z.object({ metric: labels, value: pair.optional(), values: z.array(pair).optional() })),
})
const familyMetadata = z.object({ type: z.string(), help: z.string(), unit: z.string() })
const metadata = z.record(z.string(), z.array(familyMetadata))
const exemplarSeries = z.array(
  z.object({ seriesLabels: labels, exemplars: z.array(z.object({ labels, value: z.string() })) }),
)
const targets = z.object({
  activeTargets: z.array(z.object({ health: z.string(), lastError: z.string() })),
})
export type FamilyMetadata = z.infer<typeof familyMetadata>
export type ExemplarSeries = z.infer<typeof exemplarSeries>[number]

/** A real Prometheus that scrapes one target. */
export class Prometheus {
  readonly url: string
  readonly #child: ChildProcess
  readonly #log: string

  /** Resolves when it is ready to answer. */
  static async start(options: PrometheusOptions): Promise<Prometheus> {
    await mkdir(options.folder, { recursive: true })
    const interval = `${options.intervalMs}ms`
    const config = {
      global: { scrape_interval: interval, scrape_timeout: interval },
      scrape_configs:
        options.target === undefined
          ? []
          : [{ job_name: "meshscope", static_configs: [{ targets: [options.target] }] }],
    }
    await writeFile(join(options.folder, "prometheus.yml"), JSON.stringify(config))
    const running = new Prometheus(options)
    await running.#ready()
    return running
  }

  private constructor({ binary, folder, listen, features = [], receives = false }: PrometheusOptions) {
    this.url = `http://${listen}`
    this.#log = join(folder, "prometheus.log")
    const args = [
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
    ]
    args.push(`--web.listen-address=${listen}`, "--log.level=warn")
    if (receives) args.push("--web.enable-remote-write-receiver")
    if (features.length > 0) args.push(`--enable-feature=${features.join(",")}`)
    const child = spawn(binary, args, { stdio: ["ignore", "ignore", "pipe"] })
    child.stderr.pipe(createWriteStream(this.#log))
    this.#child = child
    process.once("exit", () => child.kill("SIGKILL"))
  }

  async #ready(): Promise<void> {
    const until = performance.now() + READY_MS
    while (performance.now() < until && this.#child.exitCode === null) {
      const answer = await fetch(`${this.url}/-/ready`).catch(() => undefined)
      if (answer?.ok === true) return
      await sleep(50)
    }
    const words = await readFile(this.#log, "utf8")
    throw new Error(`Prometheus is not ready. It says:\n${words.split("\n").slice(-5).join("\n")}`)
  }

  /** All raw samples of a selector within the last hour. */
  samples(selector: string): Promise<readonly PromSeries[]> {
    return this.query(`${selector}[1h]`)
  }

  /** An instant query, of a vector or a range vector, now or at `time` (seconds since epoch). */
  async query(query: string, time?: number): Promise<readonly PromSeries[]> {
    const body = new URLSearchParams({ query, ...(time === undefined ? {} : { time: String(time) }) })
    const { result } = await this.#data("/api/v1/query", vector, body)
    return result.map(({ metric, value, values }) => {
      const pairs = values ?? (value === undefined ? [] : [value])
      return { metric, samples: pairs.map(([at, text]) => [at, Number(text)] as const) }
    })
  }

  /** Exemplars of the last hour, by series. */
  exemplars(query: string): Promise<readonly ExemplarSeries[]> {
    const now = Date.now() / 1000
    return this.#data(
      "/api/v1/query_exemplars",
      exemplarSeries,
      new URLSearchParams({ query, start: `${now - 3600}`, end: `${now}` }),
    )
  }

  /** Type, help and unit of each family. */
  metadata(): Promise<Readonly<Record<string, readonly FamilyMetadata[]>>> {
    return this.#data("/api/v1/metadata", metadata)
  }

  /** What it knows of the one target. */
  async target(): Promise<{ readonly health: string; readonly lastError: string }> {
    const { activeTargets } = await this.#data("/api/v1/targets", targets)
    const [target] = activeTargets
    if (target === undefined) throw new Error("Prometheus has no target.")
    return target
  }

  async #data<T>(path: string, data: z.ZodType<T>, body?: URLSearchParams): Promise<T> {
    const answer = await fetch(`${this.url}${path}`, body === undefined ? {} : { method: "POST", body })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`Prometheus answers ${answer.status}: ${text}`)
    return z.object({ data }).parse(JSON.parse(text)).data
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, "exit")
    this.#child.kill("SIGKILL")
    await ended
  }
}

/** Every place where a value is lower than the one before it, in words; empty when all only rise. */
export function falls(series: readonly PromSeries[]): readonly string[] {
  return series.flatMap(({ metric, samples }) =>
    samples.flatMap(([time, value], at) => {
      const before = samples[at - 1]?.[1] ?? value
      return value < before ? [`${JSON.stringify(metric)} ${before} -> ${value} at ${time}`] : []
    }),
  )
}
