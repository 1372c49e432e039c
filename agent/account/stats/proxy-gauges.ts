import type { ProxyIdentity } from "#mesh/proxy.ts"
import type { Labels, Ledger } from "../contract.ts"
import { makeSlotCache, type SlotCache } from "../slot-cache.ts"
import type { GlobalField } from "./fields.ts"
import { proxyLabels } from "./proxy-labels.ts"
import type { SeriesSpace } from "./series-space.ts"
import type { ToldGauges } from "./told-gauges.ts"

const STATES = ["live", "draining", "initializing"] as const
/** `server.state`: LIVE, DRAINING, PRE_INITIALIZING, INITIALIZING. */
const STATE_OF = ["live", "draining", "initializing", "initializing"] as const
const REJECTED: readonly (readonly [string, GlobalField])[] = [
  ["cds", "cluster_manager_cds_update_rejected"],
  ["lds", "listener_manager_lds_update_rejected"],
  ["rds", "~rds_update_rejected"],
  ["eds", "~eds_update_rejected"],
  ["sds", "~sds_update_rejected"],
]
const CONFIGURED_AT = [
  "cluster_manager_cds_config_reload_time_ms",
  "listener_manager_lds_config_reload_time_ms",
  "~rds_config_reload_time_ms",
] as const

/** What a proxy tells about itself. */
export class ProxyGauges {
  readonly #told: ToldGauges
  readonly #ledger: Ledger
  readonly #labels: Labels
  readonly #slots: SlotCache<number>

  constructor(identity: ProxyIdentity, ledger: Ledger, told: ToldGauges) {
    this.#told = told
    this.#ledger = ledger
    this.#labels = proxyLabels(identity)
    this.#slots = makeSlotCache(ledger)
  }

  up(answers: boolean): void {
    this.#told.tell("proxyUp", this.#labels, answers ? 1 : 0)
  }

  /** @param value last value of a field, NaN where the page lacks it */
  tick(value: (field: GlobalField) => number, space: SeriesSpace, wallMs: number): void {
    this.#state(value("server_state"), value("server_live"))
    this.#tell("proxyUptime", Math.max(0, value("server_uptime")))
    this.#tell("proxyMemory", value("server_memory_allocated"))
    this.#tell("controlPlane", value("control_plane_connected_state"))
    const configuredMs = CONFIGURED_AT.reduce((last, field) => Math.max(last, value(field) || 0), 0)
    if (configuredMs > 0) this.#tell("configAge", Math.max(0, (wallMs - configuredMs) / 1000))
    for (const [index, [type, field]] of REJECTED.entries()) {
      const rejected = space.delta[space.ofGlobal(field)] ?? 0
      if (rejected <= 0) continue
      const slot = this.#slots.of(index, () => this.#ledger.slot("xdsRejected", { ...this.#labels, type }))
      this.#ledger.add(slot, rejected)
    }
    const failed = space.delta[space.ofGlobal("filesystem_write_failed")] ?? 0
    if (failed > 0) {
      const slot = this.#slots.of(-1, () => this.#ledger.slot("logWriteFailures", this.#labels))
      this.#ledger.add(slot, failed)
    }
  }

  #state(state: number, live: number): void {
    if (Number.isNaN(state) && Number.isNaN(live)) return
    // Where `server.state` is not on the page, `server.live` tells live from draining.
    const now = Number.isNaN(state) ? (live === 1 ? "live" : "draining") : STATE_OF[state]
    for (const one of STATES) {
      this.#told.tell("proxyState", { ...this.#labels, state: one }, one === now ? 1 : 0)
    }
  }

  #tell(metric: "proxyUptime" | "proxyMemory" | "controlPlane" | "configAge", value: number): void {
    if (Number.isFinite(value)) this.#told.tell(metric, this.#labels, value)
  }
}
