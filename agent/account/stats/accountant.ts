import type { Clock } from "#mesh/clock.ts"
import type { ClusterHost, ProxyIdentity } from "#mesh/proxy.ts"
import type { HttpPlan, StatsPlan } from "#mesh/request.ts"
import type { Reporter } from "#mesh/resource.ts"
import type { FoldedHistogram, StatsPage } from "#mesh/stats.ts"
import type { Labels, Ledger, Participant } from "../contract.ts"
import { Carry } from "./carry.ts"
import { ClusterGauges } from "./cluster-gauges.ts"
import { ConnectionFailures } from "./connection-failures.ts"
import { Durations } from "./durations.ts"
import { beganSince, type Epoch, judge } from "./epoch.ts"
import { HttpAccount } from "./http-account.ts"
import { decodeState, encodeState, type KeptState } from "./kept-state.ts"
import { LastValues, type Reading, restoreCarry } from "./last-values.ts"
import { ProxyGauges } from "./proxy-gauges.ts"
import { clusterLabels, ownerLabels, proxyLabels } from "./proxy-labels.ts"
import { type SeriesSpace, spaceOf } from "./series-space.ts"
import type { SharedGauges } from "./shared-gauges.ts"
import { TcpAccount } from "./tcp-account.ts"
import { ToldGauges } from "./told-gauges.ts"
import { Unaccounted } from "./unaccounted.ts"

export interface StatsAccountantDeps {
  readonly ledger: Ledger
  /** One per agent: replicas share gauges. */
  readonly gauges: SharedGauges
  readonly clock: Clock
  /**
   * Wall clock, ms: since when this agent, or the one whose state it goes on with, has looked at this node without a
   * pause. A proxy that began later counts from zero at first sight, an older one only sets a baseline.
   */
  readonly watchingSinceMs: number
  /** Requests that access logs accounted for this proxy and reporter so far; never falls within this process. */
  accountedByLog(reporter: Reporter): number
  /** What another object handed over that counted this very proxy until now. */
  readonly kept?: Uint8Array
}

/** All that depends on the plan; made anew with it. */
interface Working {
  readonly space: SeriesSpace
  readonly last: LastValues
  readonly carry: Carry
  readonly http: readonly HttpAccount[]
  readonly tcp: readonly TcpAccount[]
  readonly failures: readonly ConnectionFailures[]
  readonly gauges: readonly ClusterGauges[]
  readonly durations: Durations
  readonly unaccounted: Unaccounted
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
  readonly #hosts: ToldGauges
  readonly #certificates: ToldGauges
  readonly #info: ToldGauges
  readonly #proxy: ProxyGauges
  #plan: StatsPlan
  #work: Working
  #epoch: Epoch | undefined
  #epochUptime: number | undefined
  #page: StatsPage | undefined
  /** What logs accounted since the last scrape: kept apart, as it changes with every commit and is small. */
  readonly #log: Participant
  #dirty = false
  /** The plan is new: nothing that was made with it has seen a page. */
  #renewed = true
  #configMoved = true
  #membershipMoved = true

  constructor(identity: ProxyIdentity, plan: StatsPlan, deps: StatsAccountantDeps) {
    this.key = `stats/${identity.proxy}`
    this.#log = { key: `${this.key}/log`, save: () => this.#work.unaccounted.savePending() }
    this.identity = identity
    this.#deps = deps
    this.#plan = plan
    this.#plain = new ToldGauges(deps.gauges)
    this.#hosts = new ToldGauges(deps.gauges)
    this.#certificates = new ToldGauges(deps.gauges)
    this.#info = new ToldGauges(deps.gauges)
    this.#proxy = new ProxyGauges(identity, deps.ledger, this.#plain)
    const bytes = deps.kept ?? deps.ledger.restored(this.key)
    const kept = bytes === undefined ? undefined : decodeState(bytes)
    this.#epoch = kept?.epoch
    this.#work = this.#begin(plan, kept)
    this.#dirty = deps.kept !== undefined
    this.#work.unaccounted.restorePending(deps.ledger.restored(this.#log.key))
    deps.ledger.join(this)
    deps.ledger.join(this.#log)
  }

  /** Raw names of the histograms that are worth reading, each with the number that `takeHistogram` wants. */
  get wantedHistograms(): ReadonlyMap<string, number> {
    return this.#work.durations.wanted
  }

  /** The configuration changed: other rows, other provenance, other clusters. What is known of a series is kept. */
  setPlan(plan: StatsPlan): void {
    // Good answers that were held are of the rows that are known now.
    for (const http of this.#work.http) http.tellGood()
    this.#work.unaccounted.fold()
    const kept = this.#epoch === undefined ? undefined : decodeState(this.#encode(this.#epoch))
    for (const gauges of this.#work.gauges) gauges.close()
    this.#plan = plan
    this.#renewed = true
    this.#work = this.#begin(plan, kept)
    // Series that no plan asked for until now, but that the last page had, are not new.
    if (this.#page !== undefined && this.#epoch !== undefined) this.#work.last.adopt(this.#page)
    this.#dirty = true
  }

  /**
   * One scrape: the raw page, or the Prometheus page with its histograms. Call once per page.
   * @returns how the values were taken
   */
  scrape(page: StatsPage): Reading {
    const { space, last, durations } = this.#work
    const { clock } = this.#deps
    const epoch = this.#readEpoch(page)
    const reading = this.#readingOf(page, epoch)
    last.take(page, reading)
    if (reading === "whole") durations.begun()
    const everything = this.#renewed || page.layout !== this.#page?.layout || reading !== "differences"
    durations.takePage(page, everything)
    if (reading !== "baseline") this.#account(clock.monotonic())
    for (const gauges of this.#work.gauges) gauges.tick((place) => last.of(place), everything)
    this.#proxy.up(true)
    this.#proxy.tick((field) => last.of(space.ofGlobal(field)), space, epoch.wallMs)
    this.#plain.endRound()
    this.#noteMoves()
    space.delta.fill(0)
    space.touched.fill(0)
    this.#epoch = epoch
    this.#page = page
    this.#renewed = false
    this.#dirty = true
    return reading
  }

  /** One histogram of the JSON page that belongs to the last scrape. */
  takeHistogram(wanted: number, histogram: FoldedHistogram): void {
    this.#work.durations.take(wanted, histogram)
    this.#dirty = true
  }

  /** The JSON page was read to its end. */
  histogramsTaken(): void {
    this.#work.durations.lookedAt()
  }

  /** A scrape failed: what the proxy said about itself is taken back, its counters stay. */
  failed(): void {
    this.#proxy.up(false)
    this.#plain.endRound()
  }

  /** Members of `/clusters`. Replicas of a caller share a series: it tells the worst view. */
  takeHosts(hosts: readonly ClusterHost[]): void {
    const counts = new Map<string, Record<ClusterHost["state"], number>>()
    for (const { cluster, state } of hosts) {
      const count = counts.get(cluster) ?? { healthy: 0, degraded: 0, unhealthy: 0, ejected: 0 }
      count[state]++
      counts.set(cluster, count)
    }
    for (const plan of this.#plan.clusters) {
      const count = counts.get(plan.name) ?? { healthy: 0, degraded: 0, unhealthy: 0, ejected: 0 }
      const labels = clusterLabels(this.identity, plan)
      for (const [state, value] of Object.entries(count)) {
        this.#hosts.tell("upstreamHosts", { ...labels, state }, value, state === "healthy" ? "min" : "max")
      }
    }
    this.#hosts.endRound()
  }

  /** Certificates of `/certs`. */
  takeCertificates(certificates: readonly { readonly name: string; readonly expiresAt: number }[]): void {
    const labels = ownerLabels(this.identity)
    for (const { name, expiresAt } of certificates) {
      this.#certificates.tell("certificateExpiry", { ...labels, certificate: name }, expiresAt, "min")
    }
    this.#certificates.endRound()
  }

  /** What `/server_info` says of the current epoch; ask when `server.hot_restart_epoch` is above 0. */
  takeServerInfo(info: { readonly epochUptimeSeconds: number }): void {
    this.#epochUptime = info.epochUptimeSeconds
    this.#proxy.epochStartMs = this.#deps.clock.now() - info.epochUptimeSeconds * 1000
  }

  /** Labels of `mesh_proxy_info` beside the proxy's own: version, provenance, missing. */
  describe(labels: Labels): void {
    this.#info.tell("proxyInfo", { ...proxyLabels(this.identity), ...labels }, 1)
    this.#info.endRound()
  }

  /** Whether the proxy's configuration changed since this was last asked: `/config_dump` is worth reading. */
  takeConfigMoved(): boolean {
    const moved = this.#configMoved
    this.#configMoved = false
    return moved
  }

  /** Whether members of a cluster changed since this was last asked: `/clusters` is worth reading. */
  takeMembershipMoved(): boolean {
    const moved = this.#membershipMoved
    this.#membershipMoved = false
    return moved
  }

  save(): Uint8Array | undefined {
    if (!this.#dirty || this.#epoch === undefined) return undefined
    this.#dirty = false
    return this.#encode(this.#epoch)
  }

  /** The proxy is gone for good: what waited for another look is counted, gauges leave, the kept state is removed. */
  close(): void {
    for (const http of this.#work.http) http.flush()
    for (const tcp of this.#work.tcp) tcp.flush()
    this.#leave()
  }

  /**
   * The proxy goes on under another name: as `close`, but what waited for another look is not counted.
   * @returns what the next object needs to go on here; undefined when there was no look yet
   */
  handOver(): Uint8Array | undefined {
    this.#work.unaccounted.fold()
    const kept = this.#epoch === undefined ? undefined : this.#encode(this.#epoch)
    this.#leave()
    return kept
  }

  #leave(): void {
    for (const gauges of this.#work.gauges) gauges.close()
    for (const told of [this.#plain, this.#hosts, this.#certificates, this.#info]) told.close()
    this.#deps.ledger.leave(this.key)
    this.#deps.ledger.leave(this.#log.key)
  }

  #begin(plan: StatsPlan, kept: KeptState | undefined): Working {
    const { ledger, gauges } = this.#deps
    const space = spaceOf(plan)
    const last = new LastValues(space)
    const carry = new Carry()
    const parts = { ledger, space, carry, value: (place: number) => last.of(place) }
    const http = accountsOf(plan).map((plans) => new HttpAccount(plans, parts))
    const tcp = plan.tcp.flatMap((one, index) =>
      one.provenance === "stats" ? [new TcpAccount(one, index, parts)] : [],
    )
    const durations = new Durations(plan, ledger)
    const work: Working = {
      space,
      last,
      carry,
      http,
      tcp,
      failures: plan.clusters.map(
        (one) =>
          new ConnectionFailures(
            ledger,
            space,
            space.clusterIndex(one.statName),
            clusterLabels(this.identity, one),
          ),
      ),
      gauges: plan.clusters.map(
        (one) => new ClusterGauges(gauges, space, one, clusterLabels(this.identity, one)),
      ),
      durations,
      unaccounted: new Unaccounted(plan, {
        ledger,
        space,
        carry,
        labels: ownerLabels(this.identity),
        accountedByLog: (reporter) => this.#deps.accountedByLog(reporter),
        accountedByStats: (reporter) => countedBy(http, reporter),
      }),
    }
    if (kept === undefined) return work
    last.restore(kept.values)
    restoreCarry(carry, kept)
    durations.restore(kept.values)
    return work
  }

  #account(monotonicMs: number): void {
    const { http, tcp, failures, unaccounted } = this.#work
    for (const one of http) one.tick()
    for (const one of tcp) one.tick()
    for (const one of failures) one.tick()
    unaccounted.tick(monotonicMs)
  }

  #readEpoch(page: StatsPage): Epoch {
    const { space } = this.#work
    const places = space.bind(page)
    const value = (place: number): number => page.values[places.indexOf(place)] ?? Number.NaN
    return {
      hotRestarts: value(space.ofGlobal("server_hot_restart_epoch")) || 0,
      uptime: value(space.ofGlobal("server_uptime")),
      wallMs: this.#deps.clock.now(),
      monotonicMs: this.#deps.clock.monotonic(),
    }
  }

  #readingOf(page: StatsPage, epoch: Epoch): Reading {
    if (this.#epoch === undefined) {
      return beganSince(epoch, this.#deps.watchingSinceMs, this.#epochUptime) ? "whole" : "baseline"
    }
    const verdict = judge(this.#epoch, epoch)
    const begun = verdict === "begun" || (verdict === "unsure" && this.#work.last.fell(page))
    if (begun) {
      this.#epochUptime = undefined
      this.#proxy.epochStartMs = undefined
    }
    return begun ? "whole" : "differences"
  }

  #noteMoves(): void {
    const { space } = this.#work
    const changed = (place: number): boolean => space.delta[place] !== 0
    this.#configMoved ||=
      changed(space.ofGlobal("cluster_manager_cds_version")) ||
      changed(space.ofGlobal("listener_manager_lds_version")) ||
      changed(space.ofGlobal("~rds_version"))
    for (let cluster = 0; cluster < space.clusters.length && !this.#membershipMoved; cluster++) {
      if (space.touched[cluster] === 1) {
        this.#membershipMoved = changed(space.ofCluster(cluster, "membership_change"))
      }
    }
  }

  #encode(epoch: Epoch): Uint8Array {
    const { space, last, carry, durations } = this.#work
    return encodeState(epoch, space, last.values, carry, durations)
  }
}

/** Plans that count by stats, together where they share the row of what Envoy answered itself. */
function accountsOf(plan: StatsPlan): { readonly plan: HttpPlan; readonly http: number }[][] {
  const groups = new Map<number, { readonly plan: HttpPlan; readonly http: number }[]>()
  for (const [http, one] of plan.http.entries()) {
    if (one.provenance !== "stats") continue
    const group = groups.get(one.unmatched.id) ?? []
    groups.set(one.unmatched.id, group)
    group.push({ plan: one, http })
  }
  return [...groups.values()]
}

function countedBy(http: readonly HttpAccount[], reporter: Reporter): number {
  return http.reduce(
    (all, one) => (one.reporter === reporter ? all + one.counted + one.healthChecks : all),
    0,
  )
}
