import type { Metric } from "#mesh/catalogue.ts"
import type { Exemplar } from "#mesh/snapshot.ts"

/** `text`: Prometheus text format 0.0.4. `openmetrics`: OpenMetrics 1.0. */
export type Format = "text" | "openmetrics"

export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
}

/** Units that a name ends with, for OpenMetrics' `# UNIT`. */
const UNITS = ["seconds", "bytes"]

/** A label's value between its quotes. */
export function labelValue(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"')
}

/** Comment lines above a family. OpenMetrics names a counter's family without `_total`. */
export function headText(metric: Metric, format: Format): string {
  if (format === "text") {
    return `# HELP ${metric.name} ${helpText(metric.help)}\n# TYPE ${metric.name} ${metric.type}\n`
  }
  const name = metric.type === "counter" ? metric.name.replace(/_total$/, "") : metric.name
  const unit = UNITS.find((text) => name.endsWith(`_${text}`))
  const unitLine = unit === undefined ? "" : `# UNIT ${name} ${unit}\n`
  return `# TYPE ${name} ${metric.type}\n${unitLine}# HELP ${name} ${labelValue(metric.help)}\n`
}

/** A bucket's bound as the format writes it: OpenMetrics wants `1.0`. */
export function boundText(bound: number | undefined, format: Format): string {
  if (bound === undefined) return "+Inf"
  return format === "openmetrics" && Number.isInteger(bound) ? `${bound}.0` : String(bound)
}

/** Exemplar behind a bucket's value (OpenMetrics only). */
export function exemplarText(exemplar: Exemplar): string {
  return ` # {trace_id="${labelValue(exemplar.traceId)}"} ${exemplar.seconds} ${exemplar.timeMs / 1000}`
}

/** At least so many bytes must be free for `putNumber`. */
export const MAX_NUMBER_BYTES = 26

/** Writes a value as text at `at` and answers the end. */
export function putNumber(bytes: Buffer, at: number, value: number): number {
  if (value >= 0 && value <= 0x7fffffff && Math.floor(value) === value) return putSmall(bytes, at, value | 0)
  return at + bytes.write(numberText(value), at, "latin1")
}

function numberText(value: number): string {
  if (value === Infinity) return "+Inf"
  return value === -Infinity ? "-Inf" : String(value)
}

function putSmall(bytes: Buffer, at: number, value: number): number {
  let digits = 1
  for (let limit = 10; digits < 10 && value >= limit; limit *= 10) digits++
  let rest = value
  for (let position = at + digits - 1; position >= at; position--) {
    const tenth = (rest / 10) | 0
    bytes[position] = 48 + rest - tenth * 10
    rest = tenth
  }
  return at + digits
}

function helpText(help: string): string {
  return help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")
}
