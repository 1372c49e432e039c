import type { ProxyIdentity } from "#mesh/proxy.ts"
import type { HttpPlan, StatsPlan } from "#mesh/request.ts"
import type { Reporter } from "#mesh/resource.ts"
import type { Ledger } from "../contract.ts"
import { Carry } from "./carry.ts"
import { Chainless } from "./chainless.ts"
import { ClusterGauges } from "./cluster-gauges.ts"
import { ConnectionFailures } from "./connection-failures.ts"
import { Durations } from "./durations.ts"
import type { Epoch } from "./epoch.ts"
import { HttpAccount } from "./http-account.ts"
import { encodeState, type KeptState } from "./kept-state.ts"
import { LastValues, restoreCarry } from "./last-values.ts"
import { clusterLabels, ownerLabels } from "./proxy-labels.ts"
import { type SeriesSpace, spaceOf } from "./series-space.ts"
import type { SharedGauges } from "./shared-gauges.ts"
import { TcpAccount } from "./tcp-account.ts"
import { Unaccounted } from "./unaccounted.ts"

export interface PlanAccountsDeps {
  readonly ledger: Ledger
  /** One per agent: replicas share gauges. */
  readonly gauges: SharedGauges
  /** Requests that access logs accounted for this proxy and reporter so far; never falls within this process. */
  accountedByLog(reporter: Reporter): number
}

/** All that counts one proxy by one plan, and what it remembers between two looks; made anew with the plan. */
export class PlanAccounts {
  readonly space: SeriesSpace
  readonly last: LastValues
  readonly durations: Durations
  readonly unaccounted: Unaccounted
  readonly #carry = new Carry()
  readonly #http: readonly HttpAccount[]
  readonly #tcp: readonly TcpAccount[]
  readonly #chainless: readonly Chainless[]
  readonly #failures: readonly ConnectionFailures[]
  readonly #gauges: readonly ClusterGauges[]

  constructor(identity: ProxyIdentity, plan: StatsPlan, deps: PlanAccountsDeps) {
    const { ledger, gauges } = deps
    const carry = this.#carry
    const space = spaceOf(plan)
    const last = new LastValues(space)
    this.space = space
    this.last = last
    const parts = { ledger, space, carry, value: (place: number) => last.of(place) }
    this.#http = accountsOf(plan).map((plans) => new HttpAccount(plans, parts))
    this.#tcp = plan.tcp.flatMap((one, index) =>
      one.provenance === "stats" ? [new TcpAccount(one, index, parts)] : [],
    )
    this.#chainless = plan.listeners.map((one, index) => new Chainless(one, index, parts))
    this.durations = new Durations(plan, ledger)
    const clusters = plan.clusters.map((cluster) => ({ cluster, labels: clusterLabels(identity, cluster) }))
    this.#failures = clusters.map(
      ({ cluster, labels }) =>
        new ConnectionFailures(ledger, space, space.clusterIndex(cluster.statName), labels),
    )
    this.#gauges = clusters.map(({ cluster, labels }) => new ClusterGauges(gauges, space, cluster, labels))
    this.unaccounted = new Unaccounted(plan, {
      ledger,
      space,
      carry,
      labels: ownerLabels(identity),
      accountedByLog: (reporter) => deps.accountedByLog(reporter),
      accountedByStats: (reporter) => countedBy(this.#http, reporter),
    })
  }

  /** Goes on where another process or plan was. */
  restore(kept: KeptState): void {
    this.last.restore(kept.values)
    restoreCarry(this.#carry, kept)
    this.durations.restore(kept.values)
  }

  /** See `encodeState`. */
  encode(epoch: Epoch): Uint8Array {
    return encodeState(epoch, this.space, this.last.values, this.#carry, this.durations)
  }

  /** Counts what the space's deltas hold. */
  account(monotonicMs: number): void {
    for (const one of this.#http) one.tick()
    for (const one of this.#tcp) one.tick()
    for (const one of this.#chainless) one.tick()
    for (const one of this.#failures) one.tick()
    this.unaccounted.tick(monotonicMs)
  }

  /** @param all also where nothing changed */
  tellGauges(all: boolean): void {
    for (const gauges of this.#gauges) gauges.tick((place) => this.last.of(place), all)
  }

  /** The page is done with: the next one's differences begin at zero. */
  endPage(): void {
    this.space.delta.fill(0)
    this.space.touched.fill(0)
  }

  /** Another plan follows: good answers that are held are of the rows that are known now. */
  fold(): void {
    for (const http of this.#http) http.tellGood()
    this.unaccounted.fold()
  }

  /** No further look will come: what waited for one is counted. */
  flush(): void {
    for (const http of this.#http) http.flush()
    for (const tcp of this.#tcp) tcp.flush()
  }

  /** Takes its gauges back. */
  close(): void {
    for (const gauges of this.#gauges) gauges.close()
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
