import type { Served } from "#mesh/proxy.ts"
import type { StatsPage } from "#mesh/stats.ts"
import type { StatsAccountant } from "./account/stats/accountant.ts"
import type { AdminPages } from "./admin-pages.ts"
import { ADMIN } from "./collect/admin/path.ts"
import { assertEnvoyPage } from "./decode/admin/envoy-page.ts"
import { HistogramReader } from "./decode/stats/histogram-page.ts"
import type { LayoutPool } from "./decode/stats/layout-pool.ts"
import { PageReader } from "./decode/stats/page-reader.ts"
import { assertStatsPage } from "./decode/stats/stats-page.ts"
import { type StatsAsk, statsAsks } from "./served.ts"

export interface StatsPagesDeps {
  readonly page: "auto" | "text" | "prometheus"
  readonly layouts: LayoutPool
}

interface OpenPage {
  readonly ask: StatsAsk
  readonly reader: PageReader
  /** The page was read at least once. */
  worked: boolean
}

/** The stats of one Envoy, by the cheapest page that may be read. */
export class StatsPages {
  readonly #pages: AdminPages
  readonly #deps: StatsPagesDeps
  readonly #asks: readonly StatsAsk[]
  /** Programs that put their own metrics beside Envoy's may answer without Envoy's. */
  readonly #mixed: boolean
  readonly #histograms = new HistogramReader()
  #open: OpenPage | undefined

  constructor(pages: AdminPages, served: Served, deps: StatsPagesDeps) {
    this.#pages = pages
    this.#deps = deps
    this.#asks = statsAsks(served, deps.page)
    this.#mixed = served.kind !== "admin"
  }

  /** One page of stats; undefined when there was none. */
  async read<T>(use: (page: StatsPage) => T): Promise<T | undefined> {
    const first = this.#ask()
    if (first === undefined) return undefined
    const taken = await this.#readAs(first, use)
    const second = this.#ask()
    // At once by the other page, so that one look is enough also where the cheap one is refused.
    return taken === undefined && second !== undefined && second !== first ? this.#readAs(second, use) : taken
  }

  /** The histograms that belong to the last raw page; the page for Prometheus holds its own. */
  async readHistograms(stats: StatsAccountant): Promise<void> {
    const wanted = stats.wantedHistograms
    if (this.#open?.ask.format !== "raw" || wanted.size === 0) return
    await this.#pages.ask("histograms", ADMIN.histograms, ({ body }) => {
      this.#histograms.read(body, wanted, (index, histogram) => {
        stats.takeHistogram(index, histogram)
      })
      stats.histogramsTaken()
    })
  }

  /** What the histograms held is another Envoy's, or is wanted for other rows. */
  forgetHistograms(): void {
    this.#histograms.reset()
  }

  close(): void {
    this.#open?.reader.close()
  }

  #readAs<T>(ask: StatsAsk, use: (page: StatsPage) => T): Promise<T | undefined> {
    const open = this.#opened(ask)
    return this.#pages.ask("stats", ask.path, ({ body }) => {
      assertStatsPage(ask.format, body)
      if (this.#mixed) assertEnvoyPage(body)
      const page = open.reader.read(body)
      open.worked = true
      return use(page)
    })
  }

  #opened(ask: StatsAsk): OpenPage {
    if (this.#open?.ask === ask) return this.#open
    this.#open?.reader.close()
    this.#histograms.reset()
    this.#open = { ask, reader: new PageReader(ask.format, this.#deps.layouts), worked: false }
    return this.#open
  }

  /** The next page where this one is refused, or never was a page of stats; undefined where none may be asked for. */
  #ask(): StatsAsk | undefined {
    const [first] = this.#asks
    const { ask, worked } = this.#open ?? { ask: first, worked: false }
    const code = this.#pages.problems.get("stats")?.code
    if (code !== "ADMIN_REFUSED" && (code !== "ADMIN_BAD_ANSWER" || worked)) return ask
    return this.#asks.find((one) => one !== ask) ?? ask
  }
}
