import type { DeclaredMesh } from "#mesh/declared.ts"
import { declaredGauges } from "#mesh/declared-gauges.ts"
import type { Ledger } from "./account/contract.ts"

/** Publishes the declared model through the ledger; what is no longer declared is taken out. */
export function publishModel(
  ledger: Ledger,
  meshes: readonly DeclaredMesh[],
  before: ReadonlySet<number> = new Set(),
): ReadonlySet<number> {
  const slots = new Set<number>()
  for (const mesh of meshes) {
    for (const gauge of declaredGauges(mesh)) {
      const slot = ledger.slot(gauge.metric, gauge.labels)
      ledger.set(slot, gauge.value)
      slots.add(slot)
    }
  }
  for (const slot of before) if (!slots.has(slot)) ledger.retire(slot)
  return slots
}
