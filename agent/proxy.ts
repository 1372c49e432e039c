import type { Clock } from "#mesh/clock.ts"
import type { DeclaredModel } from "#mesh/declared.ts"
import { type ErrorCode, MeshscopeError } from "#mesh/errors.ts"
import type { ClusterHost, ProxyConfig, ProxyIdentity, ProxyTarget } from "#mesh/proxy.ts"
import type { Doubt, Interner } from "#mesh/request.ts"
import type { Reporter } from "#mesh/resource.ts"
import { fileLoggers, lineReader, readableLogs, UNREAD_LOGGERS } from "./access-logs.ts"
import type { Ledger, Slot } from "./account/contract.ts"
import { StatsAccountant } from "./account/stats/accountant.ts"
import type { Reading } from "./account/stats/last-values.ts"
import type { SharedGauges } from "./account/stats/shared-gauges.ts"
import { accounted, makeTally, type Tally } from "./account/tally.ts"
import { type AdminAnswer, AdminClient, type AdminDeps } from "./collect/admin/client.ts"
import { ADMIN, type AdminPath } from "./collect/admin/path.ts"
import { ConfigCache } from "./config-cache.ts"
import { decodeCertificates } from "./decode/admin/certificates.ts"
import { decodeClusters } from "./decode/admin/clusters.ts"
import { decodeServerInfo } from "./decode/admin/server-info.ts"
import { decodeConfigDump } from "./decode/config-dump/decode.ts"
import { HistogramReader } from "./decode/stats/histogram-page.ts"
import type { LayoutPool } from "./decode/stats/layout-pool.ts"
import type { PageFormat } from "./decode/stats/line-value.ts"
import { PageReader } from "./decode/stats/page-reader.ts"
import { assertStatsPage } from "./decode/stats/stats-page.ts"
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
  readonly layouts: LayoutPool
  readonly gauges: SharedGauges
  /** Wall clock, ms: since when this node is watched, see `StatsAccountantDeps`. */
  readonly watchingSinceMs: number
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

/** A fault of ours on one proxy's page must not end the reading of all the others. */
function unexpected(page: string, cause: unknown): MeshscopeError {
  const why = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
  return new MeshscopeError("ADMIN_BAD_ANSWER", `The page ${page} could not be taken in: ${why}`, { cause })
}

/** A proxy whose dump nobody may read: who it is, and nothing else. */
function bareConfig(nodeId: string, version: string): ProxyConfig {
  return {
    node: { id: nodeId, cluster: nodeId, metadata: {}, version },
    listeners: [],
    routeConfigs: [],
    clusters: [],
    versions: {},
    updatedMs: undefined,
  }
}

/** What is handed over when the target of an Envoy changed. */
export interface Inheritance {
  readonly config: ProxyConfig | undefined
  readonly stats: Uint8Array | undefined
}

/** Every Envoy tells its node, if only its version: a dump without is something else, and would be named after nothing. */
function ofSomeone(config: ProxyConfig): ProxyConfig {
  const { id, version } = config.node
  if (id !== "" || version !== "") return config
  throw new MeshscopeError("ADMIN_BAD_ANSWER", "The config dump does not tell whose it is.")
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
  /** Problems that the log holds already, by page; forgotten when the page works again. */
  readonly #told = new Map<string, Set<ErrorCode>>()
  readonly #deps: ProxyDeps
  readonly #client: AdminClient
  readonly #cache: ConfigCache
  readonly #readable: ReadonlySet<string>
  readonly #doubts = new Map<Doubt, Slot>()
  readonly #histograms = new HistogramReader()
  /** `worked`: the page was read at least once. */
  #pages: { readonly format: "raw" | "prometheus"; readonly reader: PageReader; worked: boolean } | undefined
  #stats: StatsAccountant | undefined
  #hosts: readonly ClusterHost[] | undefined
  #hostsAt: number | undefined
  /** The configuration is to be read: nobody did yet, it moved, or the last attempt failed. */
  #configDue = true
  /** Stands for the proxy while nobody knows what it is. */
  #stranger: Slot | undefined
  /** Nobody asks any more: what is still under way says nothing about the proxy. */
  #ended = false

  /** When its stats were last read, wall clock ms. */
  answeredMs: number | undefined
  readonly #inherited: Inheritance | undefined

  /** @param inherited what the same Envoy's object knew, under another name or with other logs */
  constructor(target: ProxyTarget, deps: ProxyDeps, inherited?: Inheritance) {
    this.target = target
    this.#inherited = inherited
    this.#deps = deps
    this.#client = new AdminClient(target.admin, deps.admin)
    this.#readable = readableLogs(target.logs)
    this.#cache = new ConfigCache(target.name, deps.ledger.restored(`config/${target.name}`))
    deps.ledger.join(this.#cache)
    if (inherited?.config !== undefined) this.#cache.keep(inherited.config)
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

  /** One turn: configuration when it is not known or moved, stats, then hosts and certificates. Never rejects. */
  async look(): Promise<void> {
    try {
      await this.#look()
    } catch (error) {
      // What a decoder did not expect: the pages of one proxy must not end the agent.
      const { log } = this.#deps
      log.error("A look at a proxy failed.", { code: "ADMIN_BAD_ANSWER", target: this.target.name, error })
    }
  }

  async #look(): Promise<void> {
    if (this.#configDue) await this.#readConfig()
    await this.#readStats()
    const stats = this.#stats
    if (stats === undefined) return
    if (stats.takeConfigMoved() && !this.#configDue) {
      this.#configDue = true
      await this.#readConfig()
    }
    const moved = stats.takeMembershipMoved()
    const now = this.#deps.clock.monotonic()
    if (moved || this.#hostsAt === undefined || now - this.#hostsAt >= this.#deps.clustersMs) {
      this.#hostsAt = now
      await this.#readMembers(stats)
    }
  }

  async #readConfig(): Promise<void> {
    const config = await this.page("config_dump", ADMIN.configDumpWithEndpoints, ({ body }) =>
      ofSomeone(decodeConfigDump(body)),
    )
    if (config !== undefined) {
      this.#configDue = false
      if (JSON.stringify(config) !== JSON.stringify(this.config)) {
        this.#cache.keep(config)
        this.#bind(config)
      }
    } else if (this.config === undefined && this.problems.get("config_dump")?.code === "ADMIN_REFUSED") {
      const info = await this.page("server_info", ADMIN.serverInfo, ({ body }) => decodeServerInfo(body))
      if (info !== undefined && info.nodeId !== "") this.#bind(bareConfig(info.nodeId, info.version), true)
    }
    this.#describe()
  }

  /** @param blind nothing but the proxy's name is known */
  #bind(config: ProxyConfig, blind = false): void {
    const { interner, declared, healthChecks, log } = this.#deps
    const loggers = blind ? UNREAD_LOGGERS : fileLoggers(config, this.#readable)
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
    this.binding = { reader, resolver: resolving.resolver, provenances: resolving.provenances, blind }
    this.#doubts.clear()
    this.#account(resolving)
    this.#describe()
    for (const note of resolving.notes)
      log.info("A name needs a look.", { target: this.target.name, code: note, note })
    this.#deps.bound(this)
  }

  /** Gives the stats their plan; a proxy that became another resource begins anew. */
  #account(resolving: Resolving): void {
    const { ledger, gauges, clock, watchingSinceMs } = this.#deps
    const { plan, identity } = resolving
    const known = this.#stats
    if (known !== undefined && sameResource(known.identity, identity)) known.setPlan(plan)
    else {
      known?.close()
      const accountedByLog = (reporter: Reporter): number => accounted(this.tally, reporter)
      this.#stats = new StatsAccountant(identity, plan, {
        ledger,
        gauges,
        clock,
        watchingSinceMs,
        accountedByLog,
        ...(known === undefined && this.#inherited?.stats !== undefined
          ? { kept: this.#inherited.stats }
          : {}),
      })
    }
    this.#histograms.reset()
    if (this.#stranger !== undefined) ledger.retire(this.#stranger)
    this.#stranger = undefined
  }

  /** Says how this proxy is counted and what is missing; `config_dump`: what is in force now could not be read. */
  #describe(): void {
    if (this.resolving === undefined || this.#ended) return
    const { provenance, missing } = this.resolving
    const unread = this.problems.has("config_dump") ? ["config_dump", ...missing] : missing
    const version = this.config?.node.version ?? ""
    this.#stats?.describe({ version, provenance, missing: unread.join(",") })
  }

  async #readStats(): Promise<void> {
    const first = this.#format()
    let reading = await this.#readPage(first)
    const second = this.#format()
    // At once by the other page, so that one look is enough also where the cheap one is refused.
    if (reading === undefined && second !== first) reading = await this.#readPage(second)
    const stats = this.#stats
    if (this.#ended) return
    if (reading === undefined || stats === undefined) {
      stats?.failed()
      if (stats === undefined) this.#tellStranger(reading !== undefined)
      return
    }
    if (reading === "whole") this.#histograms.reset()
    if (this.#pages?.format !== "raw" || stats.wantedHistograms.size === 0) return
    await this.page("histograms", ADMIN.histograms, ({ body }) => {
      this.#histograms.read(body, stats.wantedHistograms, (wanted, histogram) => {
        stats.takeHistogram(wanted, histogram)
      })
      stats.histogramsTaken()
    })
  }

  /** One stats page into the accounts; undefined when there was none. */
  #readPage(format: PageFormat): Promise<Reading | undefined> {
    if (this.#pages?.format !== format) {
      this.#pages?.reader.close()
      this.#pages = { format, reader: new PageReader(format, this.#deps.layouts), worked: false }
      this.#histograms.reset()
    }
    const pages = this.#pages
    const path = format === "raw" ? ADMIN.stats : ADMIN.prometheus
    return this.page("stats", path, ({ body }) => {
      assertStatsPage(format, body)
      const page = pages.reader.read(body)
      pages.worked = true
      this.answeredMs = this.#deps.clock.now()
      return this.#stats?.scrape(page) ?? "baseline"
    })
  }

  /** The cheapest page that may be read: the other one where this one is refused, or never was a page of stats. */
  #format(): PageFormat {
    const { page } = this.#deps
    if (page !== "auto") return page === "text" ? "raw" : "prometheus"
    const { format, worked } = this.#pages ?? { format: "raw", worked: false }
    const code = this.problems.get("stats")?.code
    if (code !== "ADMIN_REFUSED" && (code !== "ADMIN_BAD_ANSWER" || worked)) return format
    return format === "raw" ? "prometheus" : "raw"
  }

  /** A proxy that nobody could name yet is still seen to be there or not. */
  #tellStranger(answers: boolean): void {
    const { ledger } = this.#deps
    this.#stranger ??= ledger.slot("proxyUp", { proxy: this.target.name })
    ledger.set(this.#stranger, answers ? 1 : 0)
  }

  async #readMembers(stats: StatsAccountant): Promise<void> {
    const hosts = await this.page("clusters", ADMIN.clusters, ({ body }) => decodeClusters(body))
    if (hosts !== undefined) {
      this.#hosts = hosts
      this.resolving?.setHosts(hosts)
      stats.takeHosts(hosts)
    }
    const certificates = await this.page("certs", ADMIN.certs, ({ body }) => decodeCertificates(body))
    if (certificates !== undefined) stats.takeCertificates(certificates)
  }

  /** Asks for one page. A failure is counted, kept and told once in the log; then there is no value. */
  async page<T>(name: string, path: AdminPath, use: (answer: AdminAnswer) => T): Promise<T | undefined> {
    const { clock, scraped, log } = this.#deps
    const started = clock.monotonic()
    let bytes = 0
    const seconds = (): number => (clock.monotonic() - started) / 1000
    try {
      const value = await this.#client.read(path, (answer) => {
        bytes = answer.body.length
        return this.#ended ? undefined : use(answer)
      })
      if (this.#ended) return undefined
      scraped(name, "ok", seconds(), bytes)
      this.#told.delete(name)
      const instead =
        path === ADMIN.prometheus ? "The stats can be read, from the page for Prometheus." : undefined
      if (this.problems.delete(name))
        log.info(instead ?? "The page can be read again.", { target: this.target.name, page: name })
      return value
    } catch (cause) {
      const error = cause instanceof MeshscopeError ? cause : unexpected(name, cause)
      if (this.#ended) return undefined
      scraped(name, RESULTS[error.code] ?? "bad_answer", seconds(), bytes)
      this.#tell(name, error)
      this.problems.set(name, error)
      return undefined
    }
  }

  /** Each kind of problem of a page once: a proxy that is gone for a day is one line. */
  #tell(page: string, { code, message }: MeshscopeError): void {
    const told = this.#told.get(page) ?? new Set()
    this.#told.set(page, told)
    if (!told.has(code)) this.#deps.log.warn(message, { code, target: this.target.name, page })
    told.add(code)
  }

  /** The agent stops: what is kept stays. What is under way ends at once and says nothing. */
  close(): void {
    this.#ended = true
    this.#client.close()
  }

  /** The proxy is gone from this node: its gauges leave, its kept state is removed. */
  end(): void {
    this.#stats?.close()
    this.#leave()
  }

  /** The Envoy stays, but its target changed: as `end`, and the next object goes on where this one was. */
  handOver(): Inheritance {
    const stats = this.#stats?.handOver()
    this.#leave()
    return { config: this.#cache.config, stats }
  }

  #leave(): void {
    this.close()
    this.#pages?.reader.close()
    this.#deps.ledger.leave(this.#cache.key)
    if (this.#stranger !== undefined) this.#deps.ledger.retire(this.#stranger)
  }
}

function sameResource(a: ProxyIdentity, b: ProxyIdentity): boolean {
  return a.mesh === b.mesh && a.flavor === b.flavor && a.role === b.role && a.resource === b.resource
}
