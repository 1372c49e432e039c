/** What decoding a stats page hands to accounting. */

/**
 * A series' name, the same for Envoy's raw page and its Prometheus page as far as that goes.
 *
 * Raw: `scope` is the first part and `rest` all after it, the owner's name included, as nobody can tell from the text
 * where a name with dots ends. Prometheus: `owner` is the label that Envoy's tag rules cut out (only up to the first
 * dot: what follows leaks into `rest`), codes and classes are put back where the raw name has them.
 */
export interface SeriesKey {
  readonly scope: "cluster" | "http" | "tcp" | "listener" | "global"
  /** Undefined on the raw page, where it stands at the beginning of `rest`. */
  readonly owner: string | undefined
  /** Raw: with dots. Prometheus: every dot is an underscore. Global: the whole name. */
  readonly rest: string
  /** Prometheus histograms: the upper bound of the bucket in the series' own unit, or which of the other two lines. */
  readonly histogram?: number | "sum" | "count"
}

/**
 * Begins the owner's name of what a metrics extension counts for a call's target. No cluster of Envoy's is called so: in
 * its stats a colon becomes an underscore.
 */
export const EXTENSION_TARGET = "target:"
/** The owner of what it counts for the proxy itself, as the one that was called. */
export const EXTENSION_OWN = "own:"

/** One scrape's counters and gauges. A view: valid until the next page is decoded. */
export interface StatsPage {
  /** Identity of the set of series and their order; the same object as long as these are. */
  readonly layout: object
  /** Which page it is: names and what stands on it differ. */
  readonly format?: "raw" | "prometheus"
  readonly lines: number
  readonly values: Float64Array
  readonly changed: Int32Array
  readonly changedCount: number
  /** The layout that this one was patched from, and for each line its line there, -1 for one that is new. */
  readonly cameFrom?: { readonly layout: object; readonly origin: Int32Array }
  /** Cold path. Undefined for what cannot be a series of interest. */
  key(line: number): SeriesKey | undefined
  /** The name as printed; cold path. */
  name(line: number): string
}

/** One histogram of a scrape, cumulative since the proxy started. A view: valid during the call. */
export interface FoldedHistogram {
  /** Observations per bucket of `DURATION_BOUNDS`, +Inf last; not cumulative over buckets. */
  readonly counts: Float64Array
  /** Sum of all values, seconds, by the middle of each of Envoy's own bins. */
  readonly sumSeconds: number
}
