import * as z from "zod"

const DURATION_UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}
const SIZE_UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1000,
  kB: 1000,
  MB: 1e6,
  GB: 1e9,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
}
const DURATION = /^(?:\d{1,9}(?:\.\d{1,6})?(?:ms|s|m|h|d)){1,5}$/
const DURATION_PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/g
const SIZE = /^(\d{1,15}(?:\.\d{1,6})?) ?(B|KB|kB|MB|GB|KiB|MiB|GiB)$/

/** Milliseconds of `15s`, `500ms`, `1h30m`; undefined when the text is no duration. */
export function durationMs(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined
  let total = 0
  for (const [, amount, unit] of text.matchAll(DURATION_PART))
    total += Number(amount) * (DURATION_UNITS[unit ?? ""] ?? 0)
  return Math.round(total)
}

/** Bytes of `64MiB`, `100KB`, `512B`; undefined when the text is no size. */
export function sizeBytes(text: string): number | undefined {
  const [, amount, unit] = SIZE.exec(text) ?? []
  return unit === undefined ? undefined : Math.round(Number(amount) * (SIZE_UNITS[unit] ?? 0))
}

/** A duration as a user would write it: the largest unit that leaves a whole number. */
export function durationText(ms: number): string {
  const unit = ["d", "h", "m", "s"].find((name) => ms > 0 && ms % (DURATION_UNITS[name] ?? 1) === 0) ?? "ms"
  return ms === 0 ? "0s" : `${ms / (DURATION_UNITS[unit] ?? 1)}${unit}`
}

/** A size as a user would write it: the largest binary unit that leaves a whole number. */
export function sizeText(bytes: number): string {
  const unit = ["GiB", "MiB", "KiB"].find((name) => bytes > 0 && bytes % (SIZE_UNITS[name] ?? 1) === 0) ?? "B"
  return `${bytes / (SIZE_UNITS[unit] ?? 1)}${unit}`
}

interface Bounds {
  /** Written as the user would, e.g. `1s`, `64KiB`. */
  readonly min?: string
  readonly max?: string
}

interface Quantity {
  readonly title: string
  readonly pattern: RegExp
  readonly expects: string
  readonly parse: (text: string) => number | undefined
}

function quantity({ title, pattern, expects, parse }: Quantity, { min, max }: Bounds) {
  const least = min === undefined ? 0 : (parse(min) ?? 0)
  const most = max === undefined ? Infinity : (parse(max) ?? Infinity)
  return z
    .string({ error: expects })
    .regex(pattern, { error: expects, abort: true })
    .transform((text, context) => {
      const value = parse(text) ?? Number.NaN
      if (value >= least && value <= most) return value
      const bound = value < least ? `at least ${min}` : `at most ${max}`
      context.addIssue({ code: "custom", message: `expects ${bound}` })
      return z.NEVER
    })
    .meta({
      title,
      ...(min === undefined ? {} : { "x-least": min }),
      ...(max === undefined ? {} : { "x-most": max }),
    })
}

/** A schema for a duration; the parsed value is milliseconds. Give defaults by `.prefault("15s")`. */
export function duration(bounds: Bounds = {}) {
  return quantity(
    {
      title: "duration",
      pattern: DURATION,
      expects: "expects a duration such as 500ms, 15s, 5m or 1h30m",
      parse: durationMs,
    },
    bounds,
  )
}

/** A schema for a byte size; the parsed value is bytes. Give defaults by `.prefault("64MiB")`. */
export function byteSize(bounds: Bounds = {}) {
  return quantity(
    {
      title: "size",
      pattern: SIZE,
      expects: "expects a size such as 512B, 64KiB, 16MiB or 1GiB",
      parse: sizeBytes,
    },
    bounds,
  )
}
