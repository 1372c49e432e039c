import type { StatsPage } from "#mesh/stats.ts"
import type { StatsAccountant } from "./account/stats/accountant.ts"
import type { AdminPages } from "./admin-pages.ts"
import { ADMIN } from "./collect/admin/path.ts"
import { HistogramReader } from "./decode/stats/histogram-page.ts"
import type { LayoutPool } from "./decode/stats/layout-pool.ts"
import type { PageFormat } from "./decode/stats/line-value.ts"
import { PageReader } from "./decode/stats/page-reader.ts"
import { assertStatsPage } from "./decode/stats/stats-page.ts"

export interface StatsPagesDeps {
  readonly page: "auto" | "text" | "prometheus"
  readonly layouts: LayoutPool
}

interface OpenPage {
  readonly format: PageFormat
  readonly reader: PageReader
  /** The page was read at least once. */
  worked: boolean
}

/** The stats of one Envoy, by the cheapest page that may be read. */
export class StatsPages {
  readonly #pages: AdminPages
  readonly #deps: StatsPagesDeps
  readonly #histograms = new HistogramReader()
  #open: OpenPage | undefined

  constructor(pages: AdminPages, deps: StatsPagesDeps) {
    this.#pages = pages
    this.#deps = deps
  }

  /** One page of stats; undefined when there was none. */
  async read<T>(use: (page: StatsPage) => T): Promise<T | undefined> {
    const first = this.#format()
    const taken = await this.#readAs(first, use)
    const second = this.#format()
    // At once by the other page, so that one look is enough also where the cheap one is refused.
    return taken === undefined && second !== first ? this.#readAs(second, use) : taken
  }

  /** The histograms that belong to the last raw page; the page for Prometheus holds its own. */
  async readHistograms(stats: StatsAccountant): Promise<void> {
    const wanted = stats.wantedHistograms
    if (this.#open?.format !== "raw" || wanted.size === 0) return
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

  #readAs<T>(format: PageFormat, use: (page: StatsPage) => T): Promise<T | undefined> {
    const open = this.#opened(format)
    const path = format === "raw" ? ADMIN.stats : ADMIN.prometheus
    return this.#pages.ask("stats", path, ({ body }) => {
      assertStatsPage(format, body)
      const page = open.reader.read(body)
      open.worked = true
      return use(page)
    })
  }

  #opened(format: PageFormat): OpenPage {
    if (this.#open?.format === format) return this.#open
    this.#open?.reader.close()
    this.#histograms.reset()
    this.#open = { format, reader: new PageReader(format, this.#deps.layouts), worked: false }
    return this.#open
  }

  /** The other page where this one is refused, or never was a page of stats. */
  #format(): PageFormat {
    const { page } = this.#deps
    if (page !== "auto") return page === "text" ? "raw" : "prometheus"
    const { format, worked } = this.#open ?? { format: "raw", worked: false }
    const code = this.#pages.problems.get("stats")?.code
    if (code !== "ADMIN_REFUSED" && (code !== "ADMIN_BAD_ANSWER" || worked)) return format
    return format === "raw" ? "prometheus" : "raw"
  }
}
