import type { Resolution } from "#mesh/request.ts"
import type { Ledger, Slot } from "./contract.ts"
import { healthCheckLabels } from "./request-labels.ts"
import { makeSlotCache } from "./slot-cache.ts"

/** Counts requests of health checkers, which count nowhere else. */
export interface HealthCheckAccount {
  count(resolution: Resolution): void
}

export function makeHealthCheckAccount(ledger: Ledger): HealthCheckAccount {
  const cache = makeSlotCache<Slot>(ledger)
  return {
    count({ row, target }) {
      const key = row.id * 2 ** 22 + target.id
      ledger.add(
        cache.of(key, () => ledger.slot("healthChecks", healthCheckLabels(row, target))),
        1,
      )
    },
  }
}
