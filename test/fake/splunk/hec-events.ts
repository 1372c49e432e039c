import { HecRefusal } from "./hec-codes.ts"

/** An event as the collector understood it. */
export interface FakeEvent {
  readonly time: number | undefined
  readonly host: string | undefined
  readonly source: string | undefined
  readonly sourcetype: string | undefined
  readonly index: string | undefined
  readonly event: unknown
  readonly fields: Readonly<Record<string, unknown>>
}

const METADATA = new Set(["time", "host", "source", "sourcetype", "index", "event", "fields"])

/**
 * Events stacked one behind another (help.splunk.com, "Format events for HTTP Event Collector", batches). Yields each as it
 * is read, so that those before a bad one can be kept. @throws HecRefusal with the bad one's number
 */
export function* hecEvents(text: string, indexes: ReadonlySet<string>): Generator<FakeEvent> {
  let at = 0
  let number = 0
  for (;;) {
    while (/\s/.test(text[at] ?? "")) at++
    if (at >= text.length) break
    const end = objectEnd(text, at)
    yield eventOf(json(text.slice(at, end), number), number, indexes)
    at = end
    number++
  }
  if (number === 0) throw new HecRefusal("noData")
}

/** Index behind the JSON object that begins at `at`; the text's end when it does not close. */
function objectEnd(text: string, at: number): number {
  let depth = 0
  let inside = false
  for (let index = at; index < text.length; index++) {
    const character = text[index]
    if (inside && character === "\\") index++
    else if (character === '"') inside = !inside
    else if (!inside && character === "{") depth++
    else if (!inside && character === "}" && --depth === 0) return index + 1
  }
  return text.length
}

function json(text: string, number: number): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value }
  } catch {
    // falls through
  }
  throw new HecRefusal("invalidFormat", number)
}

function eventOf(one: Record<string, unknown>, number: number, indexes: ReadonlySet<string>): FakeEvent {
  const { event, fields = {}, index } = one
  // Ours: a key that the document does not name is a mistake of the sender.
  if (Object.keys(one).some((key) => !METADATA.has(key))) throw new HecRefusal("invalidFormat", number)
  if (event === undefined || event === null) throw new HecRefusal("eventRequired", number)
  if (event === "") throw new HecRefusal("eventBlank", number)
  if (index !== undefined && (typeof index !== "string" || !indexes.has(index)))
    throw new HecRefusal("incorrectIndex", number)
  return {
    time: timeOf(one["time"], number),
    host: textOf(one["host"], number),
    source: textOf(one["source"], number),
    sourcetype: textOf(one["sourcetype"], number),
    index,
    event,
    fields: fieldsOf(fields, event === "metric", number),
  }
}

/** Same page: `<sec>.<ms>`. An exponent is refused as code 15, as senders report. */
function timeOf(time: unknown, number: number): number | undefined {
  if (time === undefined) return undefined
  if (typeof time === "number" && time > 0 && !String(time).includes("e")) return time
  throw new HecRefusal("indexedFields", number)
}

function textOf(text: unknown, number: number): string | undefined {
  if (text === undefined || (typeof text === "string" && text !== "")) return text
  throw new HecRefusal("invalidFormat", number)
}

/**
 * Same page: `fields` is flat. help.splunk.com, "Get metrics in from other sources" (multiple-metric JSON): measures are
 * numbers named `metric_name:<name>`, all else are dimensions; one measure at least. Dimensions named as metadata would
 * be there twice: refused here, not documented.
 */
function fieldsOf(fields: unknown, metric: boolean, number: number): Record<string, unknown> {
  const bad = new HecRefusal("indexedFields", number)
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) throw bad
  const entries = Object.entries(fields)
  const measures = entries.filter(isMeasure)
  if (metric && measures.length === 0) throw bad
  if (measures.some(([name, value]) => name === "metric_name:" || typeof value !== "number")) throw bad
  const dimensions = entries.filter((entry) => !isMeasure(entry))
  if (
    dimensions.some(
      ([name, value]) =>
        METADATA.has(name) || name.startsWith("_") || typeof value !== "string" || value === "",
    )
  )
    throw bad
  return Object.fromEntries(entries)
}

function isMeasure([name]: [string, unknown]): boolean {
  return name.startsWith("metric_name:")
}
