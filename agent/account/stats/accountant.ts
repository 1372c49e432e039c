import type { Clock } from "#mesh/clock.ts"
import type { ClusterHost, ProxyIdentity } from "#mesh/proxy.ts"
import type { StatsPlan } from "#mesh/request.ts"
import type { FoldedHistogram, StatsPage } from "#mesh/stats.ts"
import type { Labels, Participant } from "../contract.ts"
import { beganSince, type Epoch, judge } from "./epoch.ts"
import { decodeState, type KeptState } from "./kept-state.ts"
import type { Reading } from "./last-values.ts"
import { PageGauges } from "./page-gauges.ts"
import { PageMoves } from "./page-moves.ts"
import { PlanAccounts, type PlanAccountsDeps } from "./plan-accounts.ts"
import { ProxyGauges } from "./proxy-gauges.ts"
import { ToldGauges } from "./told-gauges.ts"

export interface StatsAccountantDeps extends PlanAccountsDeps {
  readonly clock: Clock
  /**
   * Wall clock, ms: since when this agent, or the one whose state it goes on with, has looked at this node without a
   * pause. A proxy that began later counts from zero at first sight, an older one only sets a baseline.
   */
  readonly watchingSinceMs: number
  /** What another object handed over that counted this very proxy until now. */
  readonly kept?: Uint8Array
}

/**
 * Turns the stats of one proxy into series of the mesh. A participant of the ledger's commits: last values and what is
 * carried are kept together with the counters, so that a kill between two commits neither loses nor repeats a count.
 */
export class StatsAccountant implements Participant {
  readonly key: string
  readonly identity: ProxyIdentity
  readonly #deps: StatsAccountantDeps
  readonly #plain: ToldGauges
  readonly #proxy: ProxyGauges
  readonly #pages: PageGauges
  readonly #moves = new PageMoves()
  #plan: StatsPlan
  #accounts: PlanAccounts
  #epoch: Epoch | undefined
  #page: StatsPage | undefined
  /** What logs accounted since the last scrape: kept apart, as it changes with every commit and is small. */
  readonly #log: Participant
  #dirty = false
  /** The plan is new: nothing that was made with it has seen a page. */
  #renewed = true

  constructor(identity: ProxyIdentity, plan: StatsPlan, deps: StatsAccountantDeps) {
    this.key = `stats/${identity.proxy}`
    this.#log = { key: `${this.key}/log`, save: () => this.#accounts.unaccounted.savePending() }
    this.identity = identity
    this.#deps = deps
    this.#plan = plan
    this.#plain = new ToldGauges(deps.gauges)
    this.#proxy = new ProxyGauges(identity, deps.ledger, this.#plain)
    this.#pages = new PageGauges(identity, deps.gauges)
    const bytes = deps.kept ?? deps.ledger.restored(this.key)
    const kept = bytes === undefined ? undefined : decodeState(bytes)
    this.#epoch = kept?.epoch
    this.#accounts = this.#begin(plan, kept)
    this.#dirty = deps.kept !== undefined
    this.#accounts.unaccounted.restorePending(deps.ledger.restored(this.#log.key))
    deps.ledger.join(this)
    deps.ledger.join(this.#log)
  }

  /** Requests that were found to be missing in what was accounted, since this configuration is in force. */
  get lost(): number {
    return this.#accounts.unaccounted.lost
  }

  /** Raw names of the histograms that are worth reading, each with the number that `takeHistogram` wants. */
  get wantedHistograms(): ReadonlyMap<string, number> {
    return this.#accounts.durations.wanted
  }

  /**
   * The configuration changed: other rows, other provenance, other clusters. What is known of a series is kept.
   * @param named the plan was made of the names on the page that follows: what it asks for anew was on no page before
   */
  setPlan(plan: StatsPlan, named = false): void {
    this.#accounts.fold()
    const kept = this.#epoch === undefined ? undefined : decodeState(this.#accounts.encode(this.#epoch))
    this.#accounts.close()
    this.#plan = plan
    this.#renewed = true
    this.#accounts = this.#begin(plan, kept)
    // Series that no plan asked for until now, but that the last page had, are not new.
    if (!named && this.#page !== undefined && this.#epoch !== undefined) this.#accounts.last.adopt(this.#page)
    this.#dirty = true
  }

  /**
   * One scrape: the raw page, or the Prometheus page with its histograms. Call once per page.
   * @returns how the values were taken
   */
  scrape(page: StatsPage): Reading {
    const { space, last, durations } = this.#accounts
    const epoch = this.#readEpoch(page)
    const reading = this.#readingOf(page, epoch)
    last.take(page, reading)
    if (reading === "whole") durations.begun()
    const everything = this.#renewed || page.layout !== this.#page?.layout || reading !== "differences"
    durations.takePage(page, everything)
    if (reading !== "baseline") this.#accounts.account(this.#deps.clock.monotonic())
    this.#accounts.tellGauges(everything)
    this.#proxy.up(true)
    this.#proxy.tick((field) => last.of(space.ofGlobal(field)), space, epoch.wallMs)
    this.#plain.endRound()
    this.#moves.note(space)
    this.#accounts.endPage()
    this.#epoch = epoch
    this.#page = page
    this.#renewed = false
    this.#dirty = true
    return reading
  }

  /** One histogram of the JSON page that belongs to the last scrape. */
  takeHistogram(wanted: number, histogram: FoldedHistogram): void {
    this.#accounts.durations.take(wanted, histogram)
    this.#dirty = true
  }

  /** The JSON page was read to its end. */
  histogramsTaken(): void {
    this.#accounts.durations.lookedAt()
  }

  /** A scrape failed: what the proxy said about itself is taken back, its counters stay. */
  failed(): void {
    this.#proxy.up(false)
    this.#plain.endRound()
  }

  /** Members of `/clusters`. */
  takeHosts(hosts: readonly ClusterHost[]): void {
    this.#pages.takeHosts(this.#plan.clusters, hosts)
  }

  /** Certificates of `/certs`. */
  takeCertificates(certificates: readonly { readonly name: string; readonly expiresAt: number }[]): void {
    this.#pages.takeCertificates(certificates)
  }

  /** Labels of `mesh_proxy_info` beside the proxy's own: version, provenance, missing. */
  describe(labels: Labels): void {
    this.#pages.describe(labels)
  }

  /** Whether the proxy's configuration changed since this was last asked: `/config_dump` is worth reading. */
  takeConfigMoved(): boolean {
    return this.#moves.takeConfig()
  }

  /** Whether members of a cluster changed since this was last asked: `/clusters` is worth reading. */
  takeMembershipMoved(): boolean {
    return this.#moves.takeMembership()
  }

  save(): Uint8Array | undefined {
    if (!this.#dirty || this.#epoch === undefined) return undefined
    this.#dirty = false
    return this.#accounts.encode(this.#epoch)
  }

  /** The proxy is gone for good: what waited for another look is counted, gauges leave, the kept state is removed. */
  close(): void {
    this.#accounts.flush()
    this.#leave()
  }

  /**
   * The proxy goes on under another name: as `close`, but what waited for another look is not counted.
   * @returns what the next object needs to go on here; undefined when there was no look yet
   */
  handOver(): Uint8Array | undefined {
    this.#accounts.unaccounted.fold()
    const kept = this.#epoch === undefined ? undefined : this.#accounts.encode(this.#epoch)
    this.#leave()
    return kept
  }

  #leave(): void {
    this.#accounts.close()
    this.#plain.close()
    this.#pages.close()
    this.#deps.ledger.leave(this.key)
    this.#deps.ledger.leave(this.#log.key)
  }

  #begin(plan: StatsPlan, kept: KeptState | undefined): PlanAccounts {
    const work = new PlanAccounts(this.identity, plan, this.#deps)
    if (kept !== undefined) work.restore(kept)
    return work
  }

  #readEpoch(page: StatsPage): Epoch {
    const { space } = this.#accounts
    const places = space.bind(page)
    const value = (place: number): number => page.values[places.indexOf(place)] ?? Number.NaN
    const pushed = value(space.ofGlobal("pushed_age"))
    // Sums of differences go on over whatever happens to the Envoy: their own age is what counts.
    const summed = !Number.isNaN(pushed)
    return {
      hotRestarts: summed ? 0 : value(space.ofGlobal("server_hot_restart_epoch")) || 0,
      uptime: summed ? pushed : value(space.ofGlobal("server_uptime")),
      wallMs: this.#deps.clock.now(),
      monotonicMs: this.#deps.clock.monotonic(),
    }
  }

  #readingOf(page: StatsPage, epoch: Epoch): Reading {
    if (this.#epoch === undefined) {
      return beganSince(epoch, this.#deps.watchingSinceMs) ? "whole" : "baseline"
    }
    const verdict = judge(this.#epoch, epoch)
    const begun = verdict === "begun" || (verdict === "unsure" && this.#accounts.last.fell(page))
    return begun ? "whole" : "differences"
  }
}
