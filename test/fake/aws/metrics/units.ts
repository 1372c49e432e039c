/** client-cloudwatch, type StandardUnit; the EMF specification refers to the same list. */
export const UNITS: ReadonlySet<unknown> = new Set([
  "Seconds",
  "Microseconds",
  "Milliseconds",
  "Bytes",
  "Kilobytes",
  "Megabytes",
  "Gigabytes",
  "Terabytes",
  "Bits",
  "Kilobits",
  "Megabits",
  "Gigabits",
  "Terabits",
  "Percent",
  "Count",
  "Bytes/Second",
  "Kilobytes/Second",
  "Megabytes/Second",
  "Gigabytes/Second",
  "Terabytes/Second",
  "Bits/Second",
  "Kilobits/Second",
  "Megabits/Second",
  "Gigabits/Second",
  "Terabits/Second",
  "Count/Second",
  "None",
])

/** client-cloudwatch, PutMetricDataCommand: "Values must be in the range of -2^360 to 2^360", no NaN, no infinity. */
export const isMetricValue = (value: unknown): value is number =>
  typeof value === "number" && Number.isFinite(value) && Math.abs(value) <= 2 ** 360

/** The same page: "as much as two weeks before the current date, and as much as 2 hours after the current day and time". */
export const isMetricTime = (timeMs: number, nowMs: number): boolean =>
  timeMs >= nowMs - 14 * 86_400_000 && timeMs <= nowMs + 2 * 3_600_000
