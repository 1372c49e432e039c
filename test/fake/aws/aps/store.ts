import type { SentSeries } from "../../../fixtures/remote-write/write-request.ts"

/** One series of a workspace: its labels, and its samples in order. */
export interface ApsSeries {
  readonly labels: Readonly<Record<string, string>>
  readonly samples: readonly (readonly [timeMs: number, value: number])[]
}

/** What was written, for the test to read. */
export interface FakeAps {
  readonly series: readonly ApsSeries[]
  /** Values of the last samples of series that have these labels. */
  last(labels: Readonly<Record<string, string>>): number[]
}

export interface ApsStore extends FakeAps {
  /** Keeps what can be kept. Returns what was wrong with the rest. */
  take(series: SentSeries, labels: Readonly<Record<string, string>>, oldestMs: number): string[]
}

type Kept = ApsSeries & { readonly samples: (readonly [number, number])[] }

export function makeStore(): ApsStore {
  const byKey = new Map<string, Kept>()
  return {
    get series() {
      return [...byKey.values()]
    },
    last: (wanted) =>
      [...byKey.values()]
        .filter(({ labels }) => Object.entries(wanted).every(([name, value]) => labels[name] === value))
        .flatMap(({ samples }) => samples.at(-1)?.[1] ?? []),
    take(sent, labels, oldestMs) {
      const key = JSON.stringify(sent.labels)
      const series: Kept = byKey.get(key) ?? { labels, samples: [] }
      byKey.set(key, series)
      return sent.samples.flatMap((sample) => problemOf(series, sample, oldestMs) ?? keep(series, sample))
    },
  }
}

function keep(series: Kept, sample: readonly [number, number]): string[] {
  const [lastMs] = series.samples.at(-1) ?? [Number.NEGATIVE_INFINITY]
  // the same sample again is no error and no second sample
  if (sample[0] > lastMs) series.samples.push(sample)
  return []
}

/**
 * docs.aws.amazon.com/prometheus/latest/userguide/AMP-troubleshooting.html: "out of order sample" and "duplicate sample for
 * timestamp". The same value for the same time is accepted, as Prometheus does (tsdb, ErrDuplicateSampleForTimestamp).
 */
function problemOf(
  series: Kept,
  [timeMs, value]: readonly [number, number],
  oldestMs: number,
): string[] | undefined {
  const [lastMs, last] = series.samples.at(-1) ?? []
  const name = JSON.stringify(series.labels)
  if (timeMs < oldestMs) return [`out of bounds: ${name} at ${timeMs}`]
  if (lastMs === undefined || timeMs > lastMs) return undefined
  if (timeMs < lastMs) return [`out of order sample: ${name} at ${timeMs}, after ${lastMs}`]
  return Object.is(value, last) ? undefined : [`duplicate sample for timestamp: ${name} at ${timeMs}`]
}
