import type { AccessFact } from "#mesh/access.ts"
import { OUTCOMES, outcomeOf } from "#mesh/outcome.ts"
import type { Resolution } from "#mesh/request.ts"
import type { Provenance } from "#mesh/resource.ts"
import type { Ledger, Slot } from "./contract.ts"
import { connectionLabels } from "./request-labels.ts"
import { makeSlotCache } from "./slot-cache.ts"

/** Counts TCP connections. Envoy logs one when it ends, so both its opening and its closing are counted then. */
export interface ConnectionAccount {
  count(fact: AccessFact, resolution: Resolution): void
}

interface ConnectionSlots {
  readonly opened: Slot
  readonly sent: Slot
  readonly received: Slot
  /** By outcome. */
  readonly closed: readonly Slot[]
}

export function makeConnectionAccount(ledger: Ledger, provenance: Provenance): ConnectionAccount {
  const cache = makeSlotCache<ConnectionSlots>(ledger)
  const find = ({ row, target }: Resolution, outcome: number): ConnectionSlots => {
    const labels = { ...connectionLabels(row, target), provenance }
    const closed = OUTCOMES.map((text, index) =>
      index === outcome ? ledger.slot("tcpClosed", { ...labels, outcome: text }) : 0,
    )
    return {
      opened: ledger.slot("tcpOpened", labels),
      sent: ledger.slot("tcpSent", labels),
      received: ledger.slot("tcpReceived", labels),
      closed,
    }
  }
  return {
    count(fact, resolution) {
      // A connection has no HTTP status: its flags alone tell how it ended.
      const outcome = outcomeOf(200, -1, fact.flags, false)
      const key = (resolution.row.id * 2 ** 22 + resolution.target.id) * OUTCOMES.length + outcome
      const slots = cache.of(key, () => find(resolution, outcome))
      ledger.add(slots.opened, 1)
      ledger.add(slots.closed[outcome] ?? 0, 1)
      if (fact.bytesSent > 0) ledger.add(slots.sent, fact.bytesSent)
      if (fact.bytesReceived > 0) ledger.add(slots.received, fact.bytesReceived)
    },
  }
}
