/** What one datum or one EMF metric said of one minute or second. */
export interface MetricPoint {
  readonly timeMs: number
  readonly unit: string
  /** 1 or 60 seconds. */
  readonly resolution: number
  /** Raw values with how often each came; empty where only statistics were sent. */
  readonly values: readonly number[]
  readonly counts: readonly number[]
  readonly statistics: Statistics
  /** `emf`, or the API it came by. */
  readonly from: "emf" | "PutMetricData"
}

export interface Statistics {
  readonly count: number
  readonly sum: number
  readonly min: number
  readonly max: number
}

export interface MetricSeries {
  readonly namespace: string
  readonly name: string
  readonly dimensions: Readonly<Record<string, string>>
  readonly points: readonly MetricPoint[]
}

/** Which points: all of the series whose dimensions are exactly these, from `fromMs` until before `toMs`. */
export interface MetricQuery {
  readonly namespace: string
  readonly name: string
  readonly dimensions?: Readonly<Record<string, string>>
  readonly fromMs?: number
  readonly toMs?: number
}

/** CloudWatch's classic metrics, for the test to ask. */
export interface FakeMetrics {
  readonly series: readonly MetricSeries[]
  /** The series of exactly these dimensions. */
  find(query: MetricQuery): MetricSeries | undefined
  /** Over the points of a query; undefined where there are none. */
  statistics(query: MetricQuery): Statistics | undefined
  /**
   * The smallest value that `percent` of the samples do not exceed. Undefined where CloudWatch gives none: no points, or a
   * statistic set among them that is not of one value (type docs of PutMetricData).
   */
  percentile(query: MetricQuery, percent: number): number | undefined
  /** By log group: what `AWS/Logs` would show as EMFParsingErrors and EMFValidationErrors, and why. */
  readonly emfErrors: ReadonlyMap<string, EmfErrors>
}

export interface EmfErrors {
  parsing: number
  validation: number
  readonly why: string[]
}

export interface MetricsStore extends FakeMetrics {
  readonly emfErrors: Map<string, EmfErrors>
  add(namespace: string, name: string, dimensions: Readonly<Record<string, string>>, point: MetricPoint): void
}

export function makeStore(): MetricsStore {
  const byKey = new Map<string, MetricSeries & { readonly points: MetricPoint[] }>()
  const find = (query: MetricQuery): MetricSeries | undefined => byKey.get(keyOf(query))
  const points = (query: MetricQuery): readonly MetricPoint[] =>
    (find(query)?.points ?? []).filter(
      ({ timeMs }) => timeMs >= (query.fromMs ?? 0) && timeMs < (query.toMs ?? Number.POSITIVE_INFINITY),
    )
  return {
    find,
    emfErrors: new Map(),
    get series() {
      return [...byKey.values()]
    },
    statistics: (query) => together(points(query)),
    percentile: (query, percent) => percentileOf(points(query), percent),
    add(namespace, name, dimensions, point) {
      const key = keyOf({ namespace, name, dimensions })
      const series = byKey.get(key) ?? { namespace, name, dimensions, points: [] }
      series.points.push(point)
      byKey.set(key, series)
    },
  }
}

const keyOf = ({ namespace, name, dimensions = {} }: MetricQuery): string =>
  JSON.stringify([
    namespace,
    name,
    Object.entries(dimensions).toSorted(([one], [other]) => (one < other ? -1 : 1)),
  ])

function together(points: readonly MetricPoint[]): Statistics | undefined {
  if (points.length === 0) return undefined
  const all = points.map(({ statistics }) => statistics)
  return {
    count: all.reduce((sum, one) => sum + one.count, 0),
    sum: all.reduce((sum, one) => sum + one.sum, 0),
    min: Math.min(...all.map(({ min }) => min)),
    max: Math.max(...all.map(({ max }) => max)),
  }
}

function percentileOf(points: readonly MetricPoint[], percent: number): number | undefined {
  const samples: { value: number; count: number }[] = []
  for (const { values, counts, statistics } of points) {
    const { count, sum, min, max } = statistics
    if (values.length > 0)
      samples.push(...values.map((value, index) => ({ value, count: counts[index] ?? 1 })))
    else if (min === max && sum === min * count) samples.push({ value: min, count })
    else return undefined
  }
  samples.sort((one, other) => one.value - other.value)
  let left = (samples.reduce((sum, { count }) => sum + count, 0) * percent) / 100
  for (const { value, count } of samples) {
    left -= count
    if (left <= 0) return value
  }
  return samples.at(-1)?.value
}

/** A point of raw values; counts default to 1 each. */
export function valuesPoint(
  values: readonly number[],
  counts: readonly number[],
  rest: Pick<MetricPoint, "timeMs" | "unit" | "resolution" | "from">,
): MetricPoint {
  const count = counts.reduce((sum, one) => sum + one, 0)
  const sum = values.reduce((total, value, index) => total + value * (counts[index] ?? 1), 0)
  // a value that never came does not count towards the least and the most
  const came = values.filter((_value, index) => (counts[index] ?? 1) > 0)
  const statistics = { count, sum, min: Math.min(...came), max: Math.max(...came) }
  return { ...rest, values, counts, statistics }
}
