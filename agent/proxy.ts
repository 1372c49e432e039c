import type { FormatAbilities } from "#mesh/access.ts"
import type { DeclaredModel } from "#mesh/declared.ts"
import type { MeshscopeError } from "#mesh/errors.ts"
import type { MeshEventKind } from "#mesh/mesh-event.ts"
import type { ClusterHost, ProxyConfig, ProxyIdentity, ProxyTarget, SocketAddress } from "#mesh/proxy.ts"
import type { Doubt, Interner } from "#mesh/request.ts"
import type { StatsPage } from "#mesh/stats.ts"
import {
  entryReader,
  fileLoggers,
  lineReader,
  readableLogs,
  streamedAbilities,
  streamedLogs,
  unreadLoggers,
} from "./access-logs.ts"
import { makeTally, type Tally } from "./account/tally.ts"
import { AdminPages, type AdminPagesDeps } from "./admin-pages.ts"
import { ADMIN } from "./collect/admin/path.ts"
import { ConfigCache } from "./config-cache.ts"
import { askConfig, askNode } from "./config-page.ts"
import { decodeClusters } from "./decode/admin/clusters.ts"
import { doubtCounter } from "./doubts.ts"
import { Glimpse, glimpsed, hintOf } from "./glimpse.ts"
import type { LineBinding, LoggedProxy } from "./log-lines.ts"
import { PageProblems } from "./page-problems.ts"
import { ProxyStats, type ProxyStatsDeps } from "./proxy-stats.ts"
import type { IdentityHint } from "./resolve/dialects/dialect.ts"
import { flavorOf } from "./resolve/dialects/dialects.ts"
import type { HealthCheckConfig } from "./resolve/health-checks.ts"
import { makeResolver, type Resolving } from "./resolve/resolver.ts"
import { gapsOf, servedBy } from "./served.ts"

export interface ProxyDeps extends AdminPagesDeps, ProxyStatsDeps {
  readonly interner: Interner
  readonly declared: DeclaredModel
  readonly healthChecks: HealthCheckConfig
  /** Time between two looks at hosts and certificates, ms. */
  readonly clustersMs: number
  readonly doubted: (doubt: Doubt) => void
  /** Called when lines of this proxy can be read from now on. */
  readonly bound: (proxy: Proxy) => void
  readonly happened: (kind: MeshEventKind, proxy: Proxy, why?: string) => void
  /** Which way its spans go, in words. */
  readonly spanWay: (proxy: Proxy) => string
  /** Whether what it streams to an address comes to this agent. */
  readonly leadsHere: (to: SocketAddress, target: ProxyTarget) => boolean
}

/** What is handed over when the target of an Envoy changed. */
export interface Inheritance {
  readonly config: ProxyConfig | undefined
  readonly stats: Uint8Array | undefined
}

/** How much of its configuration is known. */
interface How {
  readonly unread: boolean
  readonly named: boolean
}

/** One Envoy in the agent: what is known of it, and how its pages and lines are read. */
export class Proxy implements LoggedProxy {
  readonly target: ProxyTarget
  readonly tally: Tally = makeTally()
  binding: LineBinding | undefined
  resolving: Resolving | undefined
  config: ProxyConfig | undefined
  /** What its lines can tell; undefined where none can be read, or formats differ. */
  abilities: FormatAbilities | undefined
  readonly #deps: ProxyDeps
  readonly #pages: AdminPages
  readonly #stats: ProxyStats
  readonly #problems: PageProblems
  readonly #cache: ConfigCache
  /** Paths of loggers whose requests come here: its files and its output, and what it streams. */
  #readable: ReadonlySet<string>
  /** Where nobody can read its configuration: what its stats show instead. */
  readonly #glimpse: Glimpse | undefined
  #countDoubt: (doubt: Doubt) => void
  #hosts: readonly ClusterHost[] | undefined
  #hostsAt: number | undefined
  #declared: DeclaredModel
  /** The declared model changed, and the names are still those of the one before. */
  #namesDue = false
  #looking = false
  #how: How = { unread: false, named: false }
  /** The configuration is to be read: nobody did yet, it moved, or the last attempt failed. */
  #configDue = true
  /** What was last said of lost entries. */
  #toldLoss = false
  /** Whether its stats could be read at the last look. */
  #answers: boolean | undefined

  /** @param inherited what the same Envoy's object knew, under another name or with other logs */
  constructor(target: ProxyTarget, deps: ProxyDeps, inherited?: Inheritance) {
    const { ledger } = deps
    this.target = target
    this.#deps = deps
    this.#declared = deps.declared
    this.#pages = new AdminPages(target, deps)
    const owner = { target, tally: this.tally, pages: this.#pages, kept: inherited?.stats }
    this.#stats = new ProxyStats(owner, deps)
    this.#problems = new PageProblems(target.name, ledger)
    this.#readable = readableLogs(target)
    this.#countDoubt = doubtCounter(ledger, target.name, undefined)
    this.#cache = new ConfigCache(target.name, ledger.restored(`config/${target.name}`))
    ledger.join(this.#cache)
    this.#glimpse = servedBy(target).kind === "admin" ? undefined : new Glimpse()
    if (inherited?.config !== undefined) this.#cache.keep(inherited.config)
    this.#begin(this.#cache.config)
  }

  /** @param known the configuration that was in force when somebody looked last */
  #begin(known: ProxyConfig | undefined): void {
    if (this.#glimpse === undefined) {
      if (known !== undefined) this.#bind(known)
    } else this.#bindGlimpse(known?.names === undefined ? glimpsed() : known)
  }

  get identity(): ProxyIdentity | undefined {
    return this.resolving?.identity
  }

  /** The last problem of each page, by page; a page that works again leaves. */
  get problems(): ReadonlyMap<string, MeshscopeError> {
    return this.#pages.problems
  }

  /** When its stats were last read, wall clock ms. */
  get answeredMs(): number | undefined {
    return this.#stats.answeredMs
  }

  /** False where nothing listens that could be asked. */
  get #asked(): boolean {
    return servedBy(this.target).kind !== "nothing"
  }

  doubt(doubt: Doubt): void {
    this.#deps.doubted(doubt)
    this.#countDoubt(doubt)
  }

  /**
   * The declared model is another one. What is counted goes on; a configuration that was read stays read.
   * @param differs whether it is another one for this proxy's mesh; then its names are made anew
   */
  declare(model: DeclaredModel, differs: boolean): void {
    this.#declared = model
    if (!differs) return
    this.#namesDue = true
    if (!this.#looking) this.#nameAnew()
  }

  /** Between two looks only: a page that is under way was asked for by the rows as they were. */
  #nameAnew(): void {
    if (this.#namesDue && this.config !== undefined) this.#bind(this.config, this.#how)
  }

  /** One turn: configuration when it is not known or moved, stats, then hosts and certificates. Never rejects. */
  async look(): Promise<void> {
    this.#looking = true
    try {
      await this.#look()
    } catch (error) {
      // What a decoder did not expect: the pages of one proxy must not end the agent.
      const { log } = this.#deps
      log.error("A look at a proxy failed.", { code: "ADMIN_BAD_ANSWER", target: this.target.name, error })
    }
    this.#looking = false
    if (this.#pages.closed) return
    this.#nameAnew()
    this.#problems.tell(this.identity, this.problems)
    if (this.#asked) this.#tellAnswers(this.problems.get("stats"))
  }

  async #look(): Promise<void> {
    if (this.#glimpse !== undefined) {
      if (this.#asked) await this.#stats.read((page) => this.#see(page))
      return
    }
    if (this.#configDue) await this.#readConfig()
    await this.#stats.read()
    const { accountant } = this.#stats
    if (accountant === undefined) return
    if (this.#losesEntries() !== this.#toldLoss) this.#describe()
    if (accountant.takeConfigMoved() && !this.#configDue) {
      this.#configDue = true
      await this.#readConfig()
    }
    const moved = accountant.takeMembershipMoved()
    const now = this.#deps.clock.monotonic()
    if (moved || this.#hostsAt === undefined || now - this.#hostsAt >= this.#deps.clustersMs) {
      this.#hostsAt = now
      await this.#readHosts()
      await this.#stats.readCertificates()
    }
  }

  #tellAnswers(problem: MeshscopeError | undefined): void {
    const answers = problem === undefined
    if (answers === this.#answers) return
    this.#answers = answers
    this.#deps.happened(answers ? "proxy_answers" : "proxy_silent", this, problem?.message)
  }

  async #readConfig(): Promise<void> {
    const config = await askConfig(this.#pages)
    if (config !== undefined) {
      this.#configDue = false
      if (JSON.stringify(config) !== JSON.stringify(this.config)) {
        const known = this.config !== undefined
        this.#cache.keep(config)
        this.#bind(config)
        if (known) this.#deps.happened("configuration_changed", this)
      }
    } else if (this.config === undefined) {
      const bare = await askNode(this.#pages)
      if (bare !== undefined) this.#bind(bare, { unread: true, named: false })
    }
    this.#describe()
  }

  /** A page of stats of a proxy without a configuration: other names are another one. */
  #see(page: StatsPage): void {
    const config = this.#glimpse?.see(page)
    if (config === undefined || JSON.stringify(config) === JSON.stringify(this.#cache.config)) return
    this.#cache.keep(config)
    this.#bindGlimpse(config)
  }

  /** Names it where anybody knows whose it is; else it stays a stranger. */
  #bindGlimpse(config: ProxyConfig): void {
    const { resource = "", nodeId = "" } = hintOf(this.target, config)
    if (resource === "" && nodeId === "") this.#describe()
    else this.#bind(config, { unread: true, named: true })
  }

  async #readHosts(): Promise<void> {
    const hosts = await this.#pages.ask("clusters", ADMIN.clusters, ({ body }) => decodeClusters(body))
    if (hosts === undefined) return
    this.#hosts = hosts
    this.resolving?.setHosts(hosts)
    this.#stats.accountant?.takeHosts(hosts)
    this.#followStreams()
  }

  /** Where entries go is told by hosts for clusters that the configuration tells no endpoints of. */
  #followStreams(): void {
    const { config, binding } = this
    if (config === undefined || binding === undefined || this.#how.unread) return
    const now = this.#readableIn(config)
    if (now.size !== this.#readable.size || [...now].some((path) => !this.#readable.has(path)))
      this.#bind(config)
  }

  #readableIn(config: ProxyConfig): ReadonlySet<string> {
    const leadsHere = (to: SocketAddress): boolean => this.#deps.leadsHere(to, this.target)
    return new Set([...readableLogs(this.target), ...streamedLogs(config, this.#hosts, leadsHere)])
  }

  /**
   * @param how.unread nobody can read its configuration
   * @param how.named the names are those of the page of stats that follows
   */
  #bind(config: ProxyConfig, how: How = { unread: false, named: false }): void {
    const { unread, named } = how
    this.#how = how
    this.#namesDue = false
    const { ledger, log, bound } = this.#deps
    const { name } = this.target
    this.#readable = this.#readableIn(config)
    const hint = { ...hintOf(this.target, config), proxy: name }
    const loggers = unread ? unreadLoggers(flavorOf(config, hint)) : fileLoggers(config, this.#readable)
    const { reader, abilities: lineAbilities } = lineReader(loggers)
    const entries = entryReader(config, this.#readable)
    const abilities = streamedAbilities(config, this.#readable, entries) ?? lineAbilities
    const told = new Set(this.resolving?.notes)
    const resolving = this.#resolve(config, hint, abilities)
    this.config = config
    this.abilities = abilities
    this.resolving = resolving
    const { resolver, provenances } = resolving
    this.binding = { reader, entries, resolver, provenances, blind: !resolving.namesLines }
    this.#countDoubt = doubtCounter(ledger, name, resolving.identity)
    this.#stats.setPlan(resolving, named)
    this.#describe()
    for (const note of resolving.notes)
      if (!told.has(note)) log.info("A name needs a look.", { target: name, code: note, note })
    bound(this)
  }

  #resolve(config: ProxyConfig, identity: IdentityHint, abilities: FormatAbilities | undefined): Resolving {
    const { interner, healthChecks } = this.#deps
    return makeResolver({
      config,
      identity,
      unread: this.#how.unread,
      paged: this.#how.named && this.#asked,
      declared: this.#declared,
      interner,
      readableLogs: this.#readable,
      healthChecks,
      ...(abilities === undefined ? {} : { abilities }),
      ...(this.#hosts === undefined ? {} : { hosts: this.#hosts }),
    })
  }

  /** It streams, and requests are missing in what came: Envoy says nothing of entries that nobody took. */
  #losesEntries(): boolean {
    const { http, tcp } = this.binding?.provenances.streamed ?? {}
    const streams = [http?.inbound, http?.outbound, tcp?.inbound, tcp?.outbound].includes(true)
    return streams && (this.#stats.accountant?.lost ?? 0) > 0
  }

  /** Says how this proxy is counted and what is missing. */
  #describe(): void {
    if (this.#pages.closed || (this.resolving === undefined && this.#glimpse === undefined)) return
    const { provenance = "stats" } = this.resolving ?? {}
    const version = this.config?.node.version ?? ""
    const spans = this.#deps.spanWay(this)
    this.#toldLoss = this.#losesEntries()
    this.#stats.describe({ version, provenance, missing: this.missing.join(","), spans })
  }

  /** What its state says is missing. `config_dump`: what is in force now could not be read. */
  get missing(): readonly string[] {
    const unread = this.problems.has("config_dump") ? ["config_dump"] : []
    const lost = this.#losesEntries() ? ["entries"] : []
    const told = [...gapsOf(this.target), ...unread, ...lost, ...(this.resolving?.missing ?? [])]
    const stranger = this.#glimpse !== undefined && this.resolving === undefined ? ["identity"] : []
    return [...new Set([...told, ...stranger])]
  }

  /** The agent stops: what is kept stays. What is under way ends at once and says nothing. */
  close(): void {
    this.#pages.close()
  }

  /** The proxy is gone from this node: its gauges leave, its kept state is removed. */
  end(): void {
    this.close()
    this.#stats.end()
    this.#problems.end()
    this.#deps.ledger.leave(this.#cache.key)
  }

  /** The Envoy stays, but its target changed: as `end`, and the next object goes on where this one was. */
  handOver(): Inheritance {
    this.close()
    const stats = this.#stats.handOver()
    this.#problems.end()
    this.#deps.ledger.leave(this.#cache.key)
    return { config: this.#cache.config, stats }
  }
}
