/** What is not known; never a zero. */
const UNKNOWN_NUMBER = "–"

/** A ratio as percent with two decimals; a small one is never rounded to nothing. */
export function percent(ratio: number | null): string {
  if (ratio === null) return UNKNOWN_NUMBER
  const value = ratio * 100
  return value > 0 && value < 0.005 ? "<0.01" : value.toFixed(2)
}

/** Requests per second with one decimal; a small rate is never rounded to nothing. */
export function perSecond(rate: number | null): string {
  if (rate === null) return UNKNOWN_NUMBER
  return rate > 0 && rate < 0.05 ? "<0.1" : rate.toFixed(1)
}

/** Whole milliseconds. */
export function millis(ms: number | null): string {
  if (ms === null) return UNKNOWN_NUMBER
  return ms > 0 && ms < 1 ? "<1" : ms.toFixed(0)
}

/** A length of time in the largest unit that says enough. */
export function ageText(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`
}
