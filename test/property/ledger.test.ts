import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as fc from "fast-check"
import { expect, test } from "vitest"
import { bucketOf } from "#mesh/histogram.ts"
import type { Ledger } from "../../agent/account/contract.ts"
import { openLedger } from "../../agent/account/ledger.ts"
import { exposed } from "../fixtures/ledger/exposed.ts"
import { manualClock } from "../fixtures/ledger/manual-clock.ts"

const route = fc.constantFrom("a", "b", "c", "__proto__", "d\u0001e", "ü")
const step = fc.oneof(
  fc.record({
    do: fc.constant("add" as const),
    route,
    amount: fc.double({ min: 0, max: 1e15, noNaN: true }),
  }),
  fc.record({ do: fc.constant("add" as const), route, amount: fc.maxSafeNat() }),
  fc.record({
    do: fc.constant("observe" as const),
    route,
    amount: fc.double({ min: 0, max: 500, noNaN: true }),
  }),
  fc.record({ do: fc.constant("retire" as const), route }),
  fc.record({ do: fc.constant("commit" as const) }),
  fc.record({ do: fc.constant("restart" as const) }),
)

/** What should be exposed: the sum per counter, sum and counts per histogram. */
type Model = Map<string, { value: number; counts?: number[] }>

test("whatever happens, a commit exposes just what was counted, also after restarts", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const folder = mkdtempSync(join(tmpdir(), "meshscope-property-"))
      const clock = manualClock()
      let ledger: Ledger = openLedger({ folder, clock })
      const model: Model = new Map()
      try {
        for (const one of steps) {
          if (one.do === "add") {
            const name = `mesh_requests_total{route=${one.route}}`
            ledger.add(ledger.slot("requests", { route: one.route }), one.amount)
            model.set(name, { value: (model.get(name)?.value ?? 0) + one.amount })
          } else if (one.do === "observe") {
            observeModel(model, one.route, one.amount)
            ledger.observe(ledger.slot("duration", { route: one.route }), one.amount)
          } else if (one.do === "retire") {
            ledger.retire(ledger.slot("requests", { route: one.route }))
            model.delete(`mesh_requests_total{route=${one.route}}`)
          } else if (one.do === "commit") {
            ledger.commit()
          } else {
            ledger.close()
            ledger = openLedger({ folder, clock })
          }
        }
        ledger.commit()
        expect(ledger.frozen).toBeUndefined()
        const shown = new Map(
          Object.entries(exposed(ledger.snapshot)).map(([name, { value, counts }]) => [
            name,
            counts === undefined ? { value } : { value, counts },
          ]),
        )
        expect(shown).toEqual(model)
      } finally {
        ledger.close()
        rmSync(folder, { recursive: true })
      }
    }),
    { numRuns: 60 },
  )
})

function observeModel(model: Model, name: string, seconds: number): void {
  const text = `mesh_request_duration_seconds{route=${name}}`
  const known = model.get(text) ?? { value: 0, counts: Array.from({ length: 17 }, () => 0) }
  const bucket = bucketOf(seconds)
  const counts = known.counts?.map((count, index) => (index === bucket ? count + 1 : count)) ?? []
  model.set(text, { value: known.value + seconds, counts })
}
