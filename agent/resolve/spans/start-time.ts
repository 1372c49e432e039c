const ISO = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)$/
const EPOCH = /^(\d{9,11})(?:\.(\d{1,9}))?$/
const EPOCH_MS = /^\d{12,14}$/

/**
 * `%START_TIME%` in microseconds since the epoch: Envoy's default, any ISO 8601 with a zone, or seconds of the epoch with
 * or without a fraction (`%s.%3f`). Undefined for other formats, which nobody could read for sure.
 */
export function startMicroseconds(text: string): number | undefined {
  if (ISO.test(text)) {
    const ms = Date.parse(text.replace(" ", "T"))
    return Number.isNaN(ms) || ms <= 0 ? undefined : ms * 1000 + belowMs(text)
  }
  const epoch = EPOCH.exec(text)
  if (epoch !== null)
    return Number(epoch[1]) * 1_000_000 + Number((epoch[2] ?? "").slice(0, 6).padEnd(6, "0"))
  return EPOCH_MS.test(text) ? Number(text) * 1000 : undefined
}

/** A date holds milliseconds; what a format tells beyond them. */
const belowMs = (text: string): number => Number((/\.\d{3}(\d{1,3})/.exec(text)?.[1] ?? "").padEnd(3, "0"))
