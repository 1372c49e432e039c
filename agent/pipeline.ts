import { adminAddressText } from "#mesh/address.ts"
import type { Clock } from "#mesh/clock.ts"
import type { ParsedModel } from "#mesh/declare/parsed.ts"
import type { DeclaredModel } from "#mesh/declared.ts"
import type { ErrorCode } from "#mesh/errors.ts"
import type { MeshEvent } from "#mesh/mesh-event.ts"
import type { ProxyTarget } from "#mesh/proxy.ts"
import { type Doubt, makeInterner } from "#mesh/request.ts"
import { readBootId } from "./account/boot-id.ts"
import type { Ledger } from "./account/contract.ts"
import { openLedger } from "./account/ledger.ts"
import { makeRequestAccountant } from "./account/requests.ts"
import { ownerOf } from "./account/series-owner.ts"
import { SharedGauges } from "./account/stats/shared-gauges.ts"
import { addTally, makeTally, type Tally } from "./account/tally.ts"
import { makeBodyPool } from "./collect/admin/body.ts"
import { makeGate } from "./collect/admin/gate.ts"
import { TailSource } from "./collect/tail/tail-source.ts"
import type { AgentConfig } from "./config/parse.ts"
import { LayoutPool } from "./decode/stats/layout-pool.ts"
import { LogLines } from "./log-lines.ts"
import { publishModel } from "./model.ts"
import { changedMeshes } from "./model-change.ts"
import { NOT_TAKEN } from "./not-taken.ts"
import { type Inheritance, Proxy, type ProxyDeps } from "./proxy.ts"
import { ScrapeSchedule } from "./scrape-schedule.ts"
import { type Answering, SeenAddresses } from "./seen-addresses.ts"
import type { Log } from "./telemetry/log.ts"
import { watchSince } from "./watch.ts"

export interface PipelineDeps {
  readonly clock: Clock
  readonly log: Log
  readonly model: ParsedModel
  readonly scraped: ProxyDeps["scraped"]
  /** Absent: since the state was begun. 0: for ever, so that a first look counts everything. */
  readonly watchingSinceMs?: number
}

/** Who else follows the proxies of the line. */
export interface ProxyFollower {
  /** A proxy's configuration is known, or another than before. */
  bind(proxy: Proxy): void
  /** The declared model is another one than at the start or before. */
  declare(model: DeclaredModel): void
  drop(target: string): void
  /** Which way the spans of a proxy go, in words. */
  wayOf(proxy: Proxy): string
}

/** The declared model's own series have no proxy behind them. */
const DECLARED: ReadonlySet<string> = new Set(["resourceInfo", "routeWeight", "objective"])
/** How often series without a proxy behind them are looked for, and after which time they leave. */
const EXPIRE_LOOK_MS = 60_000
const EXPIRE_MS = 3_600_000
/** Proxies that left whose tallies are kept apart. */
const MOST_PAST = 100

/**
 * The line: discovered targets are looked at and tailed, what they say is named and counted, and all of it is committed
 * together. Publishing reads the ledger's snapshot and is no part of it.
 */
export class Pipeline {
  readonly ledger: Ledger
  readonly tail: TailSource
  readonly lines: LogLines
  readonly doubts = new Map<Doubt, number>()
  /** One for the whole agent, so that spans have the same routes as metrics. */
  readonly interner = makeInterner()
  /** Called after each commit, when what is exposed has moved on. */
  committed: () => void = () => undefined
  /** Told of what happens to proxies. To be set before they come. */
  happened: (event: MeshEvent) => void = () => undefined
  /** Whether what a proxy streams to an address comes to this agent. To be set before proxies come. */
  leadsHere: ProxyDeps["leadsHere"] = () => false
  /** Where the stats of a proxy are that sends them. To be set before proxies come. */
  pushed: ProxyDeps["pushed"] = () => NOT_TAKEN
  /** To be set before proxies come. */
  follower: ProxyFollower | undefined
  readonly #config: AgentConfig
  readonly #deps: PipelineDeps
  #proxyDeps: ProxyDeps
  /** Slots of the declared model's gauges. */
  #declared: ReadonlySet<number> = new Set()
  readonly #proxies = new Map<string, Proxy>()
  readonly #schedule: ScrapeSchedule
  readonly #seen: SeenAddresses
  /** What was accounted for proxies that left: the latest, whose files may still be read to their end, and the sum. */
  readonly #past: Tally[] = []
  readonly #base = makeTally()
  #commits: NodeJS.Timeout | undefined
  #soon: NodeJS.Immediate | undefined
  #frozen: string | undefined
  #expired = 0

  /** @throws MeshscopeError STATE_LOCKED, STATE_FUTURE, STATE_UNWRITABLE */
  constructor(config: AgentConfig, deps: PipelineDeps) {
    const { clock, log, model } = deps
    this.#config = config
    this.#deps = deps
    const bootId = readBootId()
    this.ledger = openLedger({
      folder: config.agent.state,
      clock,
      maxSeries: config.limits.series,
      ...(config.agent.cluster === "" ? {} : { common: { cluster: config.agent.cluster } }),
      ...(bootId === undefined ? {} : { bootId }),
      note: (code: ErrorCode, sentence: string) => {
        log.warn(sentence, { code })
      },
    })
    this.#publish(model)
    // The first page that anyone reads holds the declared model too, not only what was restored. Before the tail joins:
    // its positions are worth keeping only once it has looked at its files.
    this.ledger.commit()
    const accountant = makeRequestAccountant({ ledger: this.ledger, responses: config.count.codes })
    this.lines = new LogLines(accountant, { framing: "auto", maxLineBytes: config.logs.maxLineBytes })
    this.tail = new TailSource(
      { clock, consumer: this.lines, restored: this.ledger.restored("tail") },
      {
        pollMs: config.logs.poll,
        start: config.logs.start,
        bufferBytes: Math.max(256 * 1024, config.logs.maxLineBytes + 1024),
      },
    )
    this.ledger.join(this.tail)
    this.#proxyDeps = {
      clock,
      log,
      ledger: this.ledger,
      interner: this.interner,
      admin: {
        gate: makeGate(),
        bodies: makeBodyPool(),
        limits: { maxPageBytes: config.scrape.maxPageBytes, timeoutMs: config.scrape.timeout },
      },
      declared: model.model,
      healthChecks: { agents: config.logs.healthCheckAgents, paths: config.logs.healthCheckPaths },
      page: config.scrape.page,
      layouts: new LayoutPool(),
      gauges: new SharedGauges(this.ledger),
      watchingSinceMs: deps.watchingSinceMs ?? watchSince(this.ledger, clock),
      clustersMs: config.scrape.clustersInterval,
      scraped: deps.scraped,
      doubted: (doubt) => this.doubts.set(doubt, (this.doubts.get(doubt) ?? 0) + 1),
      bound: (proxy) => {
        this.follower?.bind(proxy)
        this.#follow(proxy)
      },
      happened: (kind, proxy, why) => this.#tell(kind, proxy, why),
      spanWay: (proxy) => this.follower?.wayOf(proxy) ?? "",
      leadsHere: (to, target) => this.leadsHere(to, target),
      pushed: (target) => this.pushed(target),
    }
    this.#schedule = new ScrapeSchedule({ clock, intervalMs: config.scrape.interval })
    this.#seen = new SeenAddresses(this.ledger, clock, () => this.#answering())
  }

  get proxies(): Iterable<Proxy> {
    return this.#proxies.values()
  }

  /**
   * The declared model is another one: its gauges follow, and each proxy whose mesh it changes gets its names anew.
   * Counters, positions and what is known of each proxy's configuration stay.
   */
  declare(model: ParsedModel): void {
    const differs = changedMeshes(this.#proxyDeps.declared, model.model)
    this.#proxyDeps = { ...this.#proxyDeps, declared: model.model }
    this.#publish(model)
    this.follower?.declare(model.model)
    for (const proxy of this.#proxies.values()) proxy.declare(model.model, differs(proxy.identity))
  }

  #publish({ model }: ParsedModel): void {
    if (this.#config.model.publish) this.#declared = publishModel(this.ledger, model.meshes, this.#declared)
  }

  /**
   * Takes the whole set of targets: new ones begin, missing ones end. One whose name or logs changed, but not its admin
   * address, is the same Envoy: it goes on counting where it was.
   */
  take(targets: readonly ProxyTarget[]): void {
    const wanted = new Map(targets.map((target) => [target.name, target]))
    const addresses = new Set(targets.map(({ admin }) => adminAddressText(admin)))
    const logs = new Set(targets.flatMap((target) => target.logs))
    const heritage = new Map<string, Inheritance>()
    for (const [name, proxy] of this.#proxies) {
      const target = wanted.get(name)
      if (target !== undefined && JSON.stringify(target) === JSON.stringify(proxy.target)) continue
      const address = adminAddressText(proxy.target.admin)
      this.#remove(proxy, logs)
      if (addresses.has(address)) heritage.set(address, proxy.handOver())
      else {
        proxy.end()
        this.#tell("proxy_gone", proxy)
      }
    }
    for (const target of targets) if (!this.#proxies.has(target.name)) this.#add(target, heritage)
    this.#deps.log.info("The set of proxies changed.", { proxies: targets.length })
  }

  #add(target: ProxyTarget, heritage: ReadonlyMap<string, Inheritance>): void {
    const address = adminAddressText(target.admin)
    const watchingSinceMs = Math.max(this.#proxyDeps.watchingSinceMs, this.#seen.countedUntil(address))
    const proxy = new Proxy(target, { ...this.#proxyDeps, watchingSinceMs }, heritage.get(address))
    this.#proxies.set(target.name, proxy)
    this.#schedule.add(target.name, () => proxy.look())
    if (!heritage.has(address)) this.#tell("proxy_found", proxy)
  }

  #tell(kind: MeshEvent["kind"], { target, identity }: Proxy, why = ""): void {
    this.happened({ kind, timeMs: this.#deps.clock.now(), proxy: target.name, identity, why })
  }

  /** @param logs what is read on, by whoever has it now */
  #remove(proxy: Proxy, logs: ReadonlySet<string>): void {
    const { name, admin } = proxy.target
    this.#proxies.delete(name)
    this.#schedule.remove(name)
    this.follower?.drop(name)
    for (const path of proxy.target.logs) if (!logs.has(path)) this.tail.unfollow(path)
    this.#past.push(proxy.tally)
    // Its last lines have come long before as many others left.
    if (this.#past.length > MOST_PAST) addTally(this.#base, this.#past.shift())
    if (proxy.answeredMs !== undefined)
      this.#seen.note({ address: adminAddressText(admin), atMs: proxy.answeredMs })
  }

  /** What was accounted for every proxy that there was; the sums never fall. */
  get tallies(): Iterable<Tally> {
    return [this.#base, ...this.#past, ...[...this.#proxies.values()].map(({ tally }) => tally)]
  }

  *#answering(): Iterable<Answering> {
    for (const { target, answeredMs } of this.#proxies.values())
      if (answeredMs !== undefined) yield { address: adminAddressText(target.admin), atMs: answeredMs }
  }

  #follow(proxy: Proxy): void {
    for (const path of proxy.target.logs) this.lines.assign(this.tail.follow(path), proxy)
  }

  start(): void {
    this.tail.start()
    this.#commits = setInterval(() => {
      this.commit()
    }, this.#config.commit)
  }

  /** Resolves when every proxy has been looked at once. */
  settled(): Promise<void> {
    return this.#schedule.firstTurns()
  }

  /** Commits now. Says once when it stops working, and once when it works again. */
  commit(): void {
    const now = this.#deps.clock.monotonic()
    if (now - this.#expired > EXPIRE_LOOK_MS) {
      this.#expired = now
      this.#expire()
    }
    this.ledger.commit()
    const { frozen } = this.ledger
    if (frozen !== undefined && this.#frozen === undefined)
      this.#deps.log.error(frozen, { code: "STATE_UNWRITABLE" })
    if (frozen === undefined && this.#frozen !== undefined)
      this.#deps.log.info("The state can be written again.")
    this.#frozen = frozen
    if (frozen === undefined) this.committed()
  }

  /** Commits when what runs now has ended: much waits for it. While commits fail, their own rhythm is often enough. */
  commitSoon(): void {
    if (this.#soon !== undefined || this.#frozen !== undefined) return
    this.#soon = setImmediate(() => {
      this.#soon = undefined
      this.commit()
    })
  }

  /** A series lives as long as the resource that it is of has a proxy here; the declared model's always do. */
  #expire(): void {
    const present = new Set<string>()
    for (const { identity } of this.#proxies.values()) {
      if (identity === undefined) continue
      const mesh = `mesh/${identity.mesh}`
      present
        .add(mesh)
        .add(`${mesh}/${identity.role === "gateway" ? "virtualGateway" : "virtualNode"}/${identity.resource}`)
    }
    this.ledger.expire(EXPIRE_MS, (metric, labels) => DECLARED.has(metric) || present.has(ownerOf(labels)))
  }

  /** Ends all reading after a last look, and commits. Publishing may go on. */
  async drain(): Promise<void> {
    clearInterval(this.#commits)
    // Before the wait for running looks: a proxy that hangs must not hold up the end.
    for (const proxy of this.#proxies.values()) proxy.close()
    await this.#schedule.stop()
    await this.tail.stop()
    for (const answering of this.#answering()) this.#seen.note(answering)
    this.commit()
  }

  /** Lets the state go; nothing may be read from the ledger afterwards. */
  close(): void {
    clearImmediate(this.#soon)
    this.ledger.close()
  }
}
