import type { HttpPlan, StatsPlan } from "#mesh/request.ts"
import { REPORTERS, type Reporter } from "#mesh/resource.ts"
import type { Labels, Ledger } from "../contract.ts"
import { makeSlotCache, type SlotCache } from "../slot-cache.ts"
import type { Carry } from "./carry.ts"
import { GapWatch } from "./gap-watch.ts"
import type { SeriesSpace } from "./series-space.ts"

export interface UnaccountedParts {
  readonly ledger: Ledger
  readonly space: SeriesSpace
  readonly carry: Carry
  readonly labels: Labels
  /** Both cumulative, from any start. */
  accountedByLog(reporter: Reporter): number
  accountedByStats(reporter: Reporter): number
}

interface Watch {
  readonly reporter: Reporter
  readonly plans: readonly number[]
  readonly clusters: readonly number[]
  readonly gap: GapWatch
  readonly accounted: () => number
  last: number
}

/** Compares what the listeners of a proxy saw end with what was accounted, per reporter. */
export class Unaccounted {
  readonly #parts: UnaccountedParts
  readonly #watches: Watch[]
  readonly #slots: SlotCache<number>
  #saved = new Float64Array(REPORTERS.length)
  /** Requests that were found to be missing since this object began. */
  lost = 0

  constructor(plan: StatsPlan, parts: UnaccountedParts) {
    this.#parts = parts
    this.#slots = makeSlotCache(parts.ledger)
    this.#watches = REPORTERS.flatMap((reporter) => this.#watch(plan, reporter))
  }

  tick(monotonicMs: number): void {
    for (const watch of this.#watches) {
      const now = watch.accounted()
      const grown = watch.gap.look(this.#ended(watch), now - watch.last, monotonicMs)
      this.lost += Math.max(0, grown)
      watch.last = now
      // Watched and nothing missing is 0, which is not the same as not watched.
      this.#parts.ledger.add(this.#slot(watch.reporter), Math.max(0, grown))
    }
  }

  /** Takes what was accounted since the last tick as seen, so that another object may go on from here. */
  fold(): void {
    for (const watch of this.#watches) {
      const now = watch.accounted()
      watch.gap.accounted(now - watch.last)
      watch.last = now
    }
  }

  /** What was accounted since the last tick, one number per reporter; undefined when it is what was saved last. */
  savePending(): Uint8Array | undefined {
    const pending = new Float64Array(REPORTERS.length)
    for (const watch of this.#watches) {
      pending[REPORTERS.indexOf(watch.reporter)] = watch.accounted() - watch.last
    }
    if (pending.every((value, index) => value === this.#saved[index])) return undefined
    this.#saved = pending
    return new Uint8Array(pending.buffer.slice(0))
  }

  /** What was accounted and committed after the last tick of the process before. */
  restorePending(bytes: Uint8Array | undefined): void {
    if (bytes?.length !== REPORTERS.length * 8) return
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    for (const watch of this.#watches) {
      watch.gap.accounted(view.getFloat64(REPORTERS.indexOf(watch.reporter) * 8, true))
    }
  }

  #watch(plan: StatsPlan, reporter: Reporter): Watch[] {
    const own = plan.http.map((one, index) => ({ one, index })).filter(({ one }) => one.reporter === reporter)
    if (own.length === 0) return []
    const byLog = own.every(({ one }) => one.provenance === "log")
    // One reporter's plans have one provenance; should they differ, nothing can be said.
    if (!byLog && own.some(({ one }) => one.provenance === "log")) return []
    const accounted = byLog
      ? () => this.#parts.accountedByLog(reporter)
      : () => this.#parts.accountedByStats(reporter)
    return [
      {
        reporter,
        plans: own.map(({ index }) => index),
        clusters: clustersOf(
          own.map(({ one }) => one),
          this.#parts.space,
        ),
        gap: new GapWatch(this.#parts.carry, `unaccounted.${reporter}.${byLog ? "log" : "stats"}`),
        accounted,
        last: accounted(),
      },
    ]
  }

  /** Requests that ended in this tick. One that Envoy redirected internally began twice. */
  #ended(watch: Watch): number {
    const { space } = this.#parts
    let ended = 0
    for (const http of watch.plans) {
      ended += space.delta[space.ofHttp(http, "downstream_rq_total")] ?? 0
      ended -= space.delta[space.ofHttp(http, "downstream_rq_active")] ?? 0
    }
    for (const cluster of watch.clusters) {
      ended -= space.delta[space.ofCluster(cluster, "upstream_internal_redirect_succeeded_total")] ?? 0
    }
    return ended
  }

  #slot(reporter: Reporter): number {
    return this.#slots.of(REPORTERS.indexOf(reporter), () =>
      this.#parts.ledger.slot("unaccounted", { ...this.#parts.labels, reporter }),
    )
  }
}

function clustersOf(plans: readonly HttpPlan[], space: SeriesSpace): number[] {
  const names = new Set(plans.flatMap(({ clusters }) => clusters.map(({ statName }) => statName)))
  return [...names].map((name) => space.clusterIndex(name))
}
