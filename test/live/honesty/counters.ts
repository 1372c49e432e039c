/** What Envoy's own counters made of one cause. */
export interface Counted {
  /** `http.<…>.downstream_rq_<n>xx` that rose, e.g. `5xx`; empty when none did. */
  readonly listener: string
  /** Of all clusters that stand for virtual nodes. */
  readonly total: number
  readonly classes: string
  readonly errors: number
}

type Stats = ReadonlyMap<string, number>

export function counted(before: Stats, after: Stats): Counted {
  const listener = rises(before, after, /^http\.(?:egress|ingress)\.downstream_rq_([1-5]xx)$/)
  const clusters = rises(before, after, /^cluster\.cds_(?:egress|ingress)_[^.]+\.upstream_rq_([1-5]xx)$/)
  const total = rises(before, after, /^cluster\.cds_(?:egress|ingress)_[^.]+\.upstream_rq_(total)$/)
  return {
    listener: listed(listener),
    total: total.get("total") ?? 0,
    classes: listed(clusters),
    errors: clusters.get("5xx") ?? 0,
  }
}

function rises(before: Stats, after: Stats, name: RegExp): Map<string, number> {
  const sums = new Map<string, number>()
  for (const [stat, value] of after) {
    const label = name.exec(stat)?.[1]
    const rise = value - (before.get(stat) ?? 0)
    if (label !== undefined && rise !== 0) sums.set(label, (sums.get(label) ?? 0) + rise)
  }
  return sums
}

const listed = (sums: ReadonlyMap<string, number>): string =>
  [...sums]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([label, count]) => (count === 1 ? label : `${label} x${count}`))
    .join(", ")

/** The usual ratio: `upstream_rq_5xx / upstream_rq_total`. */
export function ratio(errors: number, total: number): string {
  if (total === 0) return errors === 0 ? "nothing happened" : `${errors} of 0`
  return `${errors} of ${total}: ${Math.round((errors / total) * 100)} %`
}
