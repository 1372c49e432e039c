import { put, putDigits } from "./bytes.ts"

const DASH = 45
const COLON = 58
const DOT = 46
const UPPER_T = 84
const UPPER_Z = 90
const BLANK = 32
const DAY_MS = 86_400_000
const MONTH_DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const

/**
 * When a line says that its request began, ms since the epoch: Envoy's default form (`2026-11-20T15:53:52.113Z`, with any
 * number of digits behind the point and with or without zone, since Envoy writes UTC), or seconds, milliseconds,
 * microseconds or nanoseconds since the epoch. NaN: none of these.
 */
export function startTimeMs(bytes: Uint8Array, start: number, end: number): number {
  if (end - start >= 19 && bytes[start + 4] === DASH) return dateMs(bytes, start, end)
  return epochMs(bytes, start, end)
}

function dateMs(bytes: Uint8Array, start: number, end: number): number {
  const separated = bytes[start + 7] === DASH && bytes[start + 13] === COLON && bytes[start + 16] === COLON
  const between = bytes[start + 10]
  if (!separated || (between !== UPPER_T && between !== BLANK)) return Number.NaN
  const month = number(bytes, start + 5, start + 7)
  const day = number(bytes, start + 8, start + 10)
  const hour = number(bytes, start + 11, start + 13)
  const minute = number(bytes, start + 14, start + 16)
  const second = number(bytes, start + 17, start + 19)
  if (!(month >= 1 && day >= 1 && day <= (MONTH_DAYS[month - 1] ?? 0))) return Number.NaN
  if (!(hour < 24 && minute < 60 && second <= 60)) return Number.NaN
  const whole = Date.UTC(number(bytes, start, start + 4), month - 1, day, hour, minute, second)
  const zoneAt = bytes[start + 19] === DOT ? digitsEnd(bytes, start + 20, end) : start + 19
  return whole + fractionMs(bytes, start + 20, zoneAt) - zoneMs(bytes, zoneAt, end)
}

function epochMs(bytes: Uint8Array, start: number, end: number): number {
  const point = digitsEnd(bytes, start, end)
  const whole = number(bytes, start, point)
  const digits = point - start
  if (digits === 10) {
    if (point === end) return whole * 1000
    if (bytes[point] !== DOT || point + 1 === end || digitsEnd(bytes, point + 1, end) !== end)
      return Number.NaN
    return whole * 1000 + fractionMs(bytes, point + 1, end)
  }
  if (point !== end) return Number.NaN
  return digits === 13 || digits === 16 || digits === 19
    ? Math.floor(whole / 10 ** (digits - 13))
    : Number.NaN
}

/** Of the first three digits; further ones are cut off. */
function fractionMs(bytes: Uint8Array, start: number, end: number): number {
  let ms = 0
  for (let index = 0; index < 3; index++) {
    ms = ms * 10 + (start + index < end ? (bytes[start + index] ?? 48) - 48 : 0)
  }
  return ms
}

/** `Z`, nothing, `+02:00` or `+0200`; NaN for anything else. */
function zoneMs(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end || (bytes[start] === UPPER_Z && start + 1 === end)) return 0
  const sign = bytes[start] === 43 ? 1 : bytes[start] === DASH ? -1 : Number.NaN
  const minutesAt = start + 3 + (bytes[start + 3] === COLON ? 1 : 0)
  if (end !== minutesAt + 2) return Number.NaN
  return sign * (number(bytes, start + 1, start + 3) * 60 + number(bytes, minutesAt, end)) * 60_000
}

function digitsEnd(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && (bytes[at] ?? 0) >= 48 && (bytes[at] ?? 0) <= 57) at++
  return at
}

/** NaN where there is something else than digits, or nothing. */
function number(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end) return Number.NaN
  let value = 0
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] ?? 0) - 48
    if (digit < 0 || digit > 9) return Number.NaN
    value = value * 10 + digit
  }
  return value
}

/** `2026-11-20T` of the day that was written last: lines of one day share it. */
const dayText = Buffer.alloc(11)
let dayNumber = Number.NaN

/** Writes `2026-11-20T15:53:52.113Z` at `out[to]`. `ms` lies in the years 1970 to 9999. */
export function writeTime(out: Buffer, to: number, ms: number): number {
  const day = Math.floor(ms / DAY_MS)
  if (day !== dayNumber) {
    dayText.write(new Date(day * DAY_MS).toISOString().slice(0, 11), "latin1")
    dayNumber = day
  }
  const inDay = (ms - day * DAY_MS) | 0
  const seconds = (inDay / 1000) | 0
  const minutes = (seconds / 60) | 0
  to = put(out, to, dayText)
  to = writePart(out, to, (minutes / 60) | 0, 2, COLON)
  to = writePart(out, to, minutes % 60, 2, COLON)
  to = writePart(out, to, seconds % 60, 2, DOT)
  return writePart(out, to, inDay % 1000, 3, UPPER_Z)
}

function writePart(out: Buffer, to: number, value: number, count: number, after: number): number {
  const next = putDigits(out, to, value, count)
  out[next] = after
  return next + 1
}
