import { expect, test } from "vitest"
import { openLedger } from "../../agent/account/ledger.ts"
import { StatsAccountant } from "../../agent/account/stats/accountant.ts"
import { SharedGauges } from "../../agent/account/stats/shared-gauges.ts"
import { HistogramReader } from "../../agent/decode/stats/histogram-page.ts"
import { LayoutPool } from "../../agent/decode/stats/layout-pool.ts"
import { PageReader } from "../../agent/decode/stats/page-reader.ts"
import { METRICS } from "../../mesh/catalogue.ts"
import { exposedValues } from "../fixtures/ledger/exposed.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"
import { manualClock } from "../fixtures/ledger/manual-clock.ts"
import { IDENTITY, labPlan } from "../fixtures/stats/bench-proxy.ts"
import { capturedPages } from "../fixtures/stats/pages.ts"

type Format = "raw" | "prometheus"
const PLAN = labPlan(["ok", "other.dotted", "grpc", "none", "refused"], { grpc: ["grpc"], tcp: ["tcp"] })
const PAGES = {
  raw: capturedPages("raw"),
  prometheus: capturedPages("prometheus"),
  histograms: capturedPages("histograms"),
}

/** What the captured scrapes count to when each is read from the page that `formats` names. */
function counted(formats: readonly Format[]): { requests: Record<string, number>; durations: number } {
  const clock = manualClock()
  const ledger = openLedger({ folder: temporaryFolder(), clock })
  const accountant = new StatsAccountant(IDENTITY, PLAN, {
    ledger,
    gauges: new SharedGauges(ledger),
    clock,
    watchingSinceMs: 0,
    accountedByLog: () => 0,
  })
  let reader: { format: Format; page: PageReader; histograms: HistogramReader } | undefined
  for (const [index, format] of formats.entries()) {
    if (reader?.format !== format) {
      reader = { format, page: new PageReader(format, new LayoutPool()), histograms: new HistogramReader() }
    }
    clock.advance(15_000)
    accountant.scrape(reader.page.read(PAGES[format][index] ?? Buffer.alloc(0)))
    if (format === "prometheus") continue
    reader.histograms.read(
      PAGES.histograms[index] ?? Buffer.alloc(0),
      accountant.wantedHistograms,
      (wanted, histogram) => {
        accountant.takeHistogram(wanted, histogram)
      },
    )
    accountant.histogramsTaken()
  }
  accountant.close()
  ledger.commit()
  const values = exposedValues(ledger.snapshot)
  const requests = Object.fromEntries(
    Object.entries(values).filter(([key]) => key.startsWith(METRICS.requests.name)),
  )
  let durations = 0
  for (const family of ledger.snapshot.families)
    if (family.key === "upstreamDuration")
      for (const series of family.series)
        for (let bucket = 0; bucket < 17; bucket++)
          durations += ledger.snapshot.buckets[series.bucketAt + bucket] ?? 0
  ledger.close()
  return { requests, durations }
}

const all = (format: Format): Format[] => PAGES.raw.map(() => format)

test("both pages count the same", () => {
  expect(counted(all("prometheus"))).toEqual(counted(all("raw")))
  expect(counted(all("raw")).durations).toBeGreaterThan(50)
})

test.each(PAGES.raw.map((_, index) => index).slice(1))(
  "a change of page at scrape %i counts nothing twice",
  (at) => {
    const steady = counted(all("raw"))
    const there = counted(all("raw").map((format, index) => (index < at ? format : "prometheus")))
    const back = counted(all("prometheus").map((format, index) => (index < at ? format : "raw")))
    for (const changed of [there, back]) {
      expect(changed.requests).toEqual(steady.requests)
      expect(changed.durations).toBeLessThanOrEqual(steady.durations)
    }
  },
)
