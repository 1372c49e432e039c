import type { Labels, Ledger } from "../contract.ts"
import { makeSlotCache, type SlotCache } from "../slot-cache.ts"
import type { ClusterField } from "./fields.ts"
import type { SeriesSpace } from "./series-space.ts"

const REASONS: readonly (readonly [string, readonly ClusterField[]])[] = [
  ["timeout", ["upstream_cx_connect_timeout"]],
  [
    "tls_verify",
    ["ssl_fail_verify_no_cert", "ssl_fail_verify_error", "ssl_fail_verify_san", "ssl_fail_verify_cert_hash"],
  ],
  ["tls_handshake", ["ssl_connection_error"]],
  ["overflow", ["upstream_cx_overflow", "upstream_cx_pool_overflow"]],
]
/** Reasons that `upstream_cx_connect_fail` counts as well; the rest of it was refused. */
const WITHIN_CONNECT_FAIL = 3

/** Counts upstream connections that failed, by reason, for one cluster. */
export class ConnectionFailures {
  readonly #ledger: Ledger
  readonly #space: SeriesSpace
  readonly #cluster: number
  readonly #labels: Labels
  readonly #slots: SlotCache<number>

  constructor(ledger: Ledger, space: SeriesSpace, cluster: number, labels: Labels) {
    this.#ledger = ledger
    this.#space = space
    this.#cluster = cluster
    this.#labels = labels
    this.#slots = makeSlotCache(ledger)
  }

  tick(): void {
    if (this.#space.touched[this.#cluster] !== 1) return
    let told = 0
    for (const [index, [reason, fields]] of REASONS.entries()) {
      let times = 0
      for (const field of fields) times += this.#delta(field)
      if (index < WITHIN_CONNECT_FAIL) told += times
      this.#count(index, reason, times)
    }
    this.#count(REASONS.length, "refused", this.#delta("upstream_cx_connect_fail") - told)
  }

  #delta(field: ClusterField): number {
    return this.#space.delta[this.#space.ofCluster(this.#cluster, field)] ?? 0
  }

  #count(index: number, reason: string, times: number): void {
    if (times <= 0) return
    const slot = this.#slots.of(index, () =>
      this.#ledger.slot("connectionFailures", { ...this.#labels, reason }),
    )
    this.#ledger.add(slot, times)
  }
}
