import type { Clock } from "#mesh/clock.ts"
import type { DeclaredModel } from "#mesh/declared.ts"
import { type ErrorCode, MeshscopeError } from "#mesh/errors.ts"
import type { ClusterHost, ProxyConfig, ProxyIdentity, ProxyTarget } from "#mesh/proxy.ts"
import type { Doubt, Interner } from "#mesh/request.ts"
import { fileLoggers, lineReader, readableLogs } from "./access-logs.ts"
import type { Ledger, Slot } from "./account/contract.ts"
import { makeTally, type Tally } from "./account/tally.ts"
import { type AdminAnswer, AdminClient, type AdminDeps } from "./collect/admin/client.ts"
import { ADMIN, type AdminPath } from "./collect/admin/path.ts"
import { ConfigCache } from "./config-cache.ts"
import { decodeClusters } from "./decode/admin/clusters.ts"
import { decodeConfigDump } from "./decode/config-dump/decode.ts"
import type { LineBinding, LoggedProxy } from "./log-lines.ts"
import { type HealthCheckConfig } from "./resolve/health-checks.ts"
import { makeResolver, type Resolving } from "./resolve/resolver.ts"
import type { Log } from "./telemetry/log.ts"

export interface ProxyDeps {
  readonly clock: Clock
  readonly log: Log
  readonly ledger: Ledger
  readonly interner: Interner
  readonly admin: AdminDeps
  readonly declared: DeclaredModel
  readonly healthChecks: HealthCheckConfig
  readonly page: "auto" | "text" | "prometheus"
  /** Time between two looks at hosts and certificates, ms. */
  readonly clustersMs: number
  /** Told of every admin page that was asked for. */
  readonly scraped: (page: string, result: ScrapeResult, seconds: number, bytes: number) => void
  readonly doubted: (doubt: Doubt) => void
  /** Called when lines of this proxy can be read from now on. */
  readonly bound: (proxy: Proxy) => void
}

export type ScrapeResult = "ok" | "unreachable" | "refused" | "timeout" | "too_large" | "bad_answer"
const RESULTS: Readonly<Partial<Record<ErrorCode, ScrapeResult>>> = {
  ADMIN_UNREACHABLE: "unreachable",
  ADMIN_REFUSED: "refused",
  ADMIN_TIMEOUT: "timeout",
  ADMIN_TOO_LARGE: "too_large",
}

/** One Envoy in the agent: what is known of it, and how its pages and lines are read. */
export class Proxy implements LoggedProxy {
  readonly target: ProxyTarget
  readonly tally: Tally = makeTally()
  binding: LineBinding | undefined
  resolving: Resolving | undefined
  config: ProxyConfig | undefined
  /** The last problem of each page, by page; a page that works again leaves. */
  readonly problems = new Map<string, MeshscopeError>()
  readonly #deps: ProxyDeps
  readonly #client: AdminClient
  readonly #cache: ConfigCache
  readonly #readable: ReadonlySet<string>
  readonly #doubts = new Map<Doubt, Slot>()
  #hosts: readonly ClusterHost[] | undefined
  #hostsAt: number | undefined
  /** The configuration is the one of before the restart; nobody confirmed it yet. */
  #fromCache = true

  constructor(target: ProxyTarget, deps: ProxyDeps) {
    this.target = target
    this.#deps = deps
    this.#client = new AdminClient(target.admin, deps.admin)
    this.#readable = readableLogs(target.logs)
    const key = `config/${target.name}`
    this.#cache = new ConfigCache(target.name, deps.ledger.restored(key))
    deps.ledger.join(this.#cache)
    if (this.#cache.config !== undefined) this.#bind(this.#cache.config)
  }

  get identity(): ProxyIdentity | undefined {
    return this.resolving?.identity
  }

  doubt(doubt: Doubt): void {
    this.#deps.doubted(doubt)
    const { ledger } = this.#deps
    let slot = this.#doubts.get(doubt)
    if (slot === undefined) {
      slot = ledger.slot("unmapped", { ...this.#labels(), reason: doubt })
      this.#doubts.set(doubt, slot)
    }
    ledger.add(slot, 1)
  }

  /** Labels of series that are about this one Envoy. */
  #labels(): Readonly<Record<string, string>> {
    const { mesh = "", flavor = "", role, resource = "" } = this.identity ?? {}
    const owner = role === "gateway" ? { virtual_gateway: resource } : { virtual_node: resource }
    return Object.fromEntries(
      Object.entries({ mesh, flavor, ...owner, proxy: this.target.name }).filter(([, value]) => value !== ""),
    )
  }

  /** One turn: configuration when it is not known or moved, then hosts. Never rejects. */
  async look(): Promise<void> {
    if (this.config === undefined || this.#fromCache) await this.readConfig()
    const now = this.#deps.clock.monotonic()
    if (this.#hostsAt === undefined || now - this.#hostsAt >= this.#deps.clustersMs) {
      const hosts = await this.page("clusters", ADMIN.clusters, ({ body }) => decodeClusters(body))
      if (hosts !== undefined) {
        this.#hostsAt = now
        this.setHosts(hosts)
      }
    }
  }

  /** Reads the configuration and binds lines and stats to it. */
  async readConfig(): Promise<boolean> {
    const config = await this.page("config_dump", ADMIN.configDumpWithEndpoints, ({ body }) =>
      decodeConfigDump(body),
    )
    if (config === undefined) return false
    this.#fromCache = false
    this.#cache.keep(config)
    this.#bind(config)
    return true
  }

  #bind(config: ProxyConfig): void {
    const { interner, declared, healthChecks, log } = this.#deps
    const loggers = fileLoggers(config, this.#readable)
    const { reader, abilities } = lineReader(loggers)
    const resolving = makeResolver({
      config,
      identity: { proxy: this.target.name },
      declared,
      interner,
      readableLogs: this.#readable,
      healthChecks,
      ...(abilities === undefined ? {} : { abilities }),
      ...(this.#hosts === undefined ? {} : { hosts: this.#hosts }),
    })
    this.config = config
    this.resolving = resolving
    this.binding = { reader, resolver: resolving.resolver }
    this.#doubts.clear()
    for (const note of resolving.notes)
      log.info("A name needs a look.", { target: this.target.name, code: note, note })
    this.#deps.bound(this)
  }

  setHosts(hosts: readonly ClusterHost[]): void {
    this.#hosts = hosts
    this.resolving?.setHosts(hosts)
  }

  /** Asks for one page. A failure is counted, kept and told in the log; then there is no value. */
  async page<T>(name: string, path: AdminPath, use: (answer: AdminAnswer) => T): Promise<T | undefined> {
    const { clock, scraped, log } = this.#deps
    const started = clock.monotonic()
    let bytes = 0
    const seconds = (): number => (clock.monotonic() - started) / 1000
    try {
      const value = await this.#client.read(path, (answer) => {
        bytes = answer.body.length
        return use(answer)
      })
      scraped(name, "ok", seconds(), bytes)
      if (this.problems.delete(name))
        log.info("The page can be read again.", { target: this.target.name, page: name })
      return value
    } catch (error) {
      if (!(error instanceof MeshscopeError)) throw error
      scraped(name, RESULTS[error.code] ?? "bad_answer", seconds(), bytes)
      if (this.problems.get(name)?.code !== error.code)
        log.warn(error.message, { code: error.code, target: this.target.name, page: name })
      this.problems.set(name, error)
      return undefined
    }
  }

  close(): void {
    this.#client.close()
  }
}
