import { ERROR, OK, OUTCOMES } from "#mesh/outcome.ts"
import type { RequestRow, Target, TcpPlan } from "#mesh/request.ts"
import type { Ledger, Slot } from "../contract.ts"
import { connectionLabels } from "../request-labels.ts"
import { makeSlotCache, type SlotCache } from "../slot-cache.ts"
import { type Carry, Settling } from "./carry.ts"
import type { ClusterField } from "./fields.ts"
import type { SeriesSpace } from "./series-space.ts"

interface TcpSlots {
  readonly opened: Slot
  readonly ok: Slot
  readonly error: Slot
  readonly sent: Slot
  readonly received: Slot
}

/**
 * The connections of one TCP proxy, from counters alone. A connection that reached its upstream is one of
 * `upstream_cx_total` that did not fail to connect; one that was given up (attempts used up, no host, breaker full)
 * opened and closed with an error. What the proxy took beyond that never had a cluster to go to.
 */
export class TcpAccount {
  readonly plan: TcpPlan
  readonly #tcp: number
  readonly #ledger: Ledger
  readonly #space: SeriesSpace
  readonly #slots: SlotCache<TcpSlots>
  readonly #clusters: readonly number[]
  readonly #unmatched: Settling

  constructor(plan: TcpPlan, tcp: number, parts: { ledger: Ledger; space: SeriesSpace; carry: Carry }) {
    this.plan = plan
    this.#tcp = tcp
    this.#ledger = parts.ledger
    this.#space = parts.space
    this.#slots = makeSlotCache(parts.ledger)
    this.#clusters = plan.clusters.map(({ statName }) => parts.space.clusterIndex(statName))
    this.#unmatched = new Settling(parts.carry, `tcp.${plan.statPrefix}.unmatched`)
  }

  tick(): void {
    let taken = 0
    for (const [index, { row, target }] of this.plan.clusters.entries()) {
      const cluster = this.#clusters[index] ?? -1
      if (this.#space.touched[cluster] === 1) taken += this.#count(index, cluster, row, target)
    }
    const all = this.#space.delta[this.#space.ofTcp(this.#tcp, "downstream_cx_total")] ?? 0
    this.#unmatched.add(all - taken)
    this.#countUnmatched(this.#unmatched.settle(all))
  }

  flush(): void {
    this.#countUnmatched(this.#unmatched.flush())
  }

  /** @returns connections of callers that this cluster stands for */
  #count(index: number, cluster: number, row: RequestRow, target: Target): number {
    const delta = (field: ClusterField): number =>
      this.#space.delta[this.#space.ofCluster(cluster, field)] ?? 0
    const slots = this.#slotsOf(index, row, target)
    const failedTries = delta("upstream_cx_connect_fail")
    const reached = Math.max(0, delta("upstream_cx_total") - failedTries)
    const failed =
      delta("upstream_cx_connect_attempts_exceeded") +
      delta("upstream_cx_none_healthy") +
      delta("upstream_cx_overflow")
    this.#ledger.add(slots.opened, reached + failed)
    this.#ledger.add(slots.ok, Math.max(0, delta("upstream_cx_destroy") - failedTries))
    if (failed > 0) this.#ledger.add(slots.error, failed)
    // The upstream's bytes received are those sent to the caller.
    this.#ledger.add(slots.sent, delta("upstream_cx_rx_bytes_total"))
    this.#ledger.add(slots.received, delta("upstream_cx_tx_bytes_total"))
    return reached + failed
  }

  #countUnmatched(connections: number): void {
    if (connections <= 0) return
    const slots = this.#slotsOf(-1, this.plan.unmatched, { id: -1, name: "" })
    this.#ledger.add(slots.opened, connections)
    this.#ledger.add(slots.error, connections)
  }

  #slotsOf(index: number, row: RequestRow, target: Target): TcpSlots {
    return this.#slots.of(index, () => {
      const labels = { ...connectionLabels(row, target), provenance: "stats" }
      return {
        opened: this.#ledger.slot("tcpOpened", labels),
        ok: this.#ledger.slot("tcpClosed", { ...labels, outcome: OUTCOMES[OK] ?? "" }),
        error: this.#ledger.slot("tcpClosed", { ...labels, outcome: OUTCOMES[ERROR] ?? "" }),
        sent: this.#ledger.slot("tcpSent", labels),
        received: this.#ledger.slot("tcpReceived", labels),
      }
    })
  }
}
