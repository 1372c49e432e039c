import type { ProxyIdentity } from "#mesh/proxy.ts"
import type { Doubt } from "#mesh/request.ts"
import type { Ledger, Slot } from "./account/contract.ts"
import { proxyLabels } from "./account/stats/proxy-labels.ts"

/** Counts what could not be given away without doubt in one proxy's lines, under the name that it has now. */
export function doubtCounter(
  ledger: Ledger,
  proxy: string,
  identity: ProxyIdentity | undefined,
): (doubt: Doubt) => void {
  const labels = identity === undefined ? { proxy } : proxyLabels(identity)
  const slots = new Map<Doubt, Slot>()
  return (doubt) => {
    let slot = slots.get(doubt)
    if (slot === undefined) {
      slot = ledger.slot("unmapped", { ...labels, reason: doubt })
      slots.set(doubt, slot)
    }
    ledger.add(slot, 1)
  }
}
