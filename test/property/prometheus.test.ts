import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as fc from "fast-check"
import { expect, test } from "vitest"
import { openLedger } from "../../agent/account/ledger.ts"
import { makeExposition } from "../../agent/publish/prometheus/exposition.ts"
import type { Page } from "../../agent/publish/prometheus/page.ts"
import { manualClock } from "../fixtures/ledger/manual-clock.ts"

const route = fc.constantFrom("a", "b", "c", 'd"\\', "e\nf", "ü", "")
const step = fc.oneof(
  fc.record({ do: fc.constant("add" as const), route, amount: fc.oneof(fc.nat(5), fc.nat(1e12)) }),
  fc.record({
    do: fc.constant("set" as const),
    route,
    amount: fc.double({ noNaN: true, noDefaultInfinity: true }),
  }),
  fc.record({
    do: fc.constant("observe" as const),
    route,
    amount: fc.double({ min: 0, max: 500, noNaN: true }),
  }),
  fc.record({
    do: fc.constant("exemplify" as const),
    route,
    amount: fc.double({ min: 0, max: 500, noNaN: true }),
  }),
  fc.record({ do: fc.constant("retire" as const), route }),
  fc.record({ do: fc.constant("commit" as const) }),
  fc.record({ do: fc.constant("scrape" as const), keep: fc.boolean() }),
)

test("a kept text that was patched is the text that a fresh rendering gives, and a lent one stays as it was", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 100 }),
      fc.constantFrom("text" as const, "openmetrics" as const),
      async (steps, format) => {
        const folder = mkdtempSync(join(tmpdir(), "meshscope-property-"))
        const ledger = openLedger({ folder, clock: manualClock() })
        const kept = makeExposition(ledger.snapshot, format)
        const lent: { page: Page; text: string }[] = []
        const texts: [patched: string, fresh: string][] = []
        try {
          for (const one of steps) {
            if (one.do === "add") ledger.add(ledger.slot("requests", { route: one.route }), one.amount)
            else if (one.do === "set")
              ledger.set(ledger.slot("activeRequests", { source: one.route }), one.amount)
            else if (one.do === "observe")
              ledger.observe(ledger.slot("duration", { route: one.route }), one.amount)
            else if (one.do === "exemplify") {
              ledger.exemplify(ledger.slot("duration", { route: one.route }), "ab".repeat(16), one.amount)
            } else if (one.do === "retire") ledger.retire(ledger.slot("requests", { route: one.route }))
            else if (one.do === "commit") ledger.commit()
            else {
              const page = await kept.page()
              const text = textOf(page)
              texts.push([text, textOf(await makeExposition(ledger.snapshot, format).page())])
              if (one.keep) lent.push({ page, text })
              else page.release()
            }
          }
          for (const [patched, fresh] of texts) expect(patched).toBe(fresh)
          for (const { page, text } of lent) expect(textOf(page)).toBe(text)
        } finally {
          ledger.close()
          rmSync(folder, { recursive: true })
        }
      },
    ),
    { numRuns: 80 },
  )
})

function textOf(page: Page): string {
  return Buffer.concat(page.parts).toString()
}
