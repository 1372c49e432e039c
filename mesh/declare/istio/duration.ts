import { invalid, type Spot, textAt } from "../spot.ts"

const UNITS: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 0.001,
  ns: 0.000_001,
}

/** Milliseconds of a duration as Go writes it: `10s`, `1m30s`, `0.5s`, `250ms`. */
export function durationAt(spot: Spot): number | undefined {
  const text = textAt(spot)
  if (text === undefined) return undefined
  const parts = text.length > 40 ? [] : [...text.matchAll(/(\d{1,9}(?:\.\d{1,9})?)(ms|us|ns|[hms])/g)]
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text) {
    throw invalid(spot, "must be a duration such as 10s")
  }
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (UNITS[unit ?? ""] ?? 0), 0)
}
