import type { MetricKey } from "#mesh/catalogue.ts"
import type { ClusterPlan } from "#mesh/request.ts"
import type { Labels, Slot } from "../contract.ts"
import type { ClusterField } from "./fields.ts"
import type { SeriesSpace } from "./series-space.ts"
import type { Merge, SharedGauges } from "./shared-gauges.ts"

const FOLLOWED: readonly (readonly [ClusterField, MetricKey, Merge, Labels])[] = [
  ["upstream_cx_active", "activeConnections", "sum", {}],
  ["upstream_rq_active", "activeRequests", "sum", {}],
  ["circuit_breakers_default_cx_open", "breakerOpen", "max", { limit: "connections" }],
  ["circuit_breakers_default_rq_pending_open", "breakerOpen", "max", { limit: "pending" }],
  ["circuit_breakers_default_rq_open", "breakerOpen", "max", { limit: "requests" }],
  ["circuit_breakers_default_rq_retry_open", "breakerOpen", "max", { limit: "retries" }],
]
const LIMITS = ["connections", "pending", "requests", "retries"] as const
/** What control planes write for no limit. */
const UNLIMITED = 2_147_483_647

/** The gauges of one cluster of one proxy. Slots are found when a value first shows. */
export class ClusterGauges {
  readonly #gauges: SharedGauges
  readonly #space: SeriesSpace
  readonly #cluster: number
  readonly #labels: Labels
  readonly #slots = new Map<number, Slot>()

  constructor(gauges: SharedGauges, space: SeriesSpace, plan: ClusterPlan, labels: Labels) {
    this.#gauges = gauges
    this.#space = space
    this.#cluster = space.clusterIndex(plan.statName)
    this.#labels = labels
    for (const [index, limit] of LIMITS.entries()) {
      const value = plan.circuitBreakers[limit]
      if (value === undefined || value >= UNLIMITED) continue
      this.#tell(FOLLOWED.length + index, "breakerLimit", { limit }, value, "max")
    }
  }

  /** @param all also where nothing changed */
  tick(value: (place: number) => number, all: boolean): void {
    if (!all && this.#space.touched[this.#cluster] !== 1) return
    for (const [index, [field, metric, merge, labels]] of FOLLOWED.entries()) {
      const now = value(this.#space.ofCluster(this.#cluster, field))
      if (Number.isNaN(now)) this.#takeBack(index)
      else this.#tell(index, metric, labels, now, merge)
    }
  }

  close(): void {
    for (const index of this.#slots.keys()) this.#takeBack(index)
  }

  #tell(index: number, metric: MetricKey, labels: Labels, value: number, merge: Merge): void {
    let slot = this.#slots.get(index)
    if (slot === undefined) {
      slot = this.#gauges.slot(metric, { ...this.#labels, ...labels })
      this.#slots.set(index, slot)
    }
    this.#gauges.tell(slot, this, value, merge)
  }

  #takeBack(index: number): void {
    const slot = this.#slots.get(index)
    if (slot === undefined) return
    this.#slots.delete(index)
    this.#gauges.takeBack(slot, this)
  }
}
