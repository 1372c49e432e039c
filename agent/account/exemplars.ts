import type { Exemplar } from "#mesh/snapshot.ts"
import type { Slot } from "./contract.ts"

/** The trace that stands for each histogram: the last one of a commit. Not kept over a restart. */
export interface Exemplars {
  /** Shown from the next commit on. */
  put(slot: Slot, exemplar: Exemplar): void
  drop(slot: Slot): void
  show(): void
  shown(slot: Slot): Exemplar | undefined
}

export function makeExemplars(): Exemplars {
  const shown = new Map<Slot, Exemplar>()
  const fresh = new Map<Slot, Exemplar>()
  return {
    put(slot, exemplar) {
      fresh.set(slot, exemplar)
    },
    drop(slot) {
      shown.delete(slot)
      fresh.delete(slot)
    },
    show() {
      for (const [slot, exemplar] of fresh) shown.set(slot, exemplar)
      fresh.clear()
    },
    shown: (slot) => shown.get(slot),
  }
}
