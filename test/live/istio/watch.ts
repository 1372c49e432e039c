import { setTimeout as sleep } from "node:timers/promises"
import { systemClock } from "#mesh/clock.ts"
import { openLedger } from "../../../agent/account/ledger.ts"
import { StatsAccountant } from "../../../agent/account/stats/accountant.ts"
import { SharedGauges } from "../../../agent/account/stats/shared-gauges.ts"
import { LayoutPool } from "../../../agent/decode/stats/layout-pool.ts"
import { PageReader } from "../../../agent/decode/stats/page-reader.ts"
import type { Resolving } from "../../../agent/resolve/resolver.ts"
import { temporaryFolder } from "../../fixtures/ledger/folder.ts"
import type { Counts } from "../rig/counts.ts"
import { exposed } from "../rig/exposed.ts"

const PAGES = { raw: "/stats", prometheus: "/stats/prometheus" } as const

/** An agent's part for the counters of one proxy, from now on, by one of its two pages. */
export async function watch(
  admin: string,
  { identity, plan }: Pick<Resolving, "identity" | "plan">,
  format: keyof typeof PAGES,
): Promise<{ told(names: readonly string[]): Promise<Counts>; end(): void }> {
  const ledger = openLedger({ folder: temporaryFolder(), clock: systemClock })
  const accountant = new StatsAccountant(identity, plan, {
    ledger,
    gauges: new SharedGauges(ledger),
    clock: systemClock,
    watchingSinceMs: Date.now(),
    accountedByLog: () => 0,
  })
  const reader = new PageReader(format, new LayoutPool())
  const scrape = async (): Promise<void> => {
    const answer = await fetch(`http://${admin}${PAGES[format]}`)
    accountant.scrape(reader.read(Buffer.from(await answer.arrayBuffer())))
  }
  await scrape()
  return {
    /** What one look saw, the next ones settle. */
    async told(names) {
      for (let look = 0; look < 3; look++) {
        await sleep(150)
        await scrape()
      }
      ledger.commit()
      return exposed(ledger.snapshot, "requests", names)
    },
    end: () => ledger.close(),
  }
}
