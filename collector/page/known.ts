/** Points on an axis of time. */
export interface Timed {
  readonly startAt: string
  readonly stepSeconds: number
}

/** Steps that are over before anything was known are gaps, not zeros. `from`: RFC 3339, null when nothing is known. */
export function knownOnly(
  values: readonly (number | null)[],
  { startAt, stepSeconds }: Timed,
  from: string | null,
): (number | null)[] {
  const fromMs = from === null ? Number.POSITIVE_INFINITY : Date.parse(from)
  const startMs = Date.parse(startAt)
  return values.map((value, index) => (startMs + (index + 1) * stepSeconds * 1000 <= fromMs ? null : value))
}

/** Where no proxy answers any more, the zeros at the end are nobody's count. */
export function withoutEnd(values: readonly (number | null)[]): (number | null)[] {
  const last = values.findLastIndex((value) => value !== null && value !== 0)
  return values.map((value, index) => (index > last ? null : value))
}

/** The span before a window that is known: its length in seconds, at most an hour; 0 when none of it is. */
export function knownBefore(generatedAt: string, windowSeconds: number, from: string | null): number {
  if (from === null) return 0
  const ends = Date.parse(generatedAt) / 1000 - windowSeconds
  return Math.max(0, Math.min(3600, ends - Date.parse(from) / 1000))
}
