import type { Clock } from "#mesh/clock.ts"
import { plainJson } from "#mesh/plain-text.ts"

export const LEVELS = ["debug", "info", "warn", "error"] as const
export type Level = (typeof LEVELS)[number]

/** `code` and `target` decide what counts as the same; `error` may be anything that was thrown. */
export interface LogFields {
  readonly code?: string
  readonly target?: string
  readonly error?: unknown
  readonly [name: string]: unknown
}

/** The agent's own log: a sentence that stays the same, and fields that do not. */
export interface Log {
  debug(sentence: string, fields?: LogFields): void
  info(sentence: string, fields?: LogFields): void
  warn(sentence: string, fields?: LogFields): void
  error(sentence: string, fields?: LogFields): void
}

export interface LogDeps {
  readonly clock: Clock
  readonly level: Level
  /** Takes one whole line with its line break, e.g. `process.stderr`. */
  readonly stream: { write(line: string): unknown }
  /** Told of each line that is held back. */
  readonly suppressed?: (level: Level) => void
}

/** Lines of the same code and target that pass in one window. */
const BURST = 5
const WINDOW_MS = 60_000
/** Keys that are told apart; a target that makes up new sentences shares one key with the others like it. */
const MOST_KEYS = 1000
const MOST_CHARACTERS = 2000

interface Recent {
  since: number
  passed: number
  held: number
}

/**
 * Writes JSON, one object a line: `time`, `level`, `message`, then the fields. Of the same code (else sentence) and
 * target, 5 lines a minute pass; the next one says in `suppressed` how many were held back.
 */
export function makeLog({ clock, level, stream, suppressed }: LogDeps): Log {
  const least = LEVELS.indexOf(level)
  const recent = new Map<string, Recent>()
  const write = (at: Level, sentence: string, fields: LogFields = {}): void => {
    if (LEVELS.indexOf(at) < least) return
    const held = heldBefore(
      recent,
      `${at} ${fields.code ?? sentence} ${fields.target ?? ""}`,
      clock.monotonic(),
    )
    if (held === undefined) suppressed?.(at)
    else stream.write(line(clock.now(), at, sentence, held === 0 ? fields : { ...fields, suppressed: held }))
  }
  return {
    debug: (sentence, fields) => write("debug", sentence, fields),
    info: (sentence, fields) => write("info", sentence, fields),
    warn: (sentence, fields) => write("warn", sentence, fields),
    error: (sentence, fields) => write("error", sentence, fields),
  }
}

/** How many of the same were held back before this one; undefined when this one is to be held back too. */
function heldBefore(recent: Map<string, Recent>, key: string, now: number): number | undefined {
  if (recent.size >= MOST_KEYS && !recent.has(key)) forget(recent, now)
  const shared = recent.size >= MOST_KEYS && !recent.has(key) ? "" : key
  const known = recent.get(shared)
  if (known === undefined || now - known.since >= WINDOW_MS) {
    recent.set(shared, { since: now, passed: 1, held: 0 })
    return known?.held ?? 0
  }
  if (known.passed >= BURST) {
    known.held += 1
    return undefined
  }
  known.passed += 1
  return 0
}

/** Makes room; what those keys held back stays in the metric alone. */
function forget(recent: Map<string, Recent>, now: number): void {
  for (const [key, { since }] of recent) if (now - since >= WINDOW_MS) recent.delete(key)
}

function line(now: number, level: Level, message: string, { error, ...fields }: LogFields): string {
  const record = {
    time: new Date(now).toISOString(),
    level,
    message,
    ...fields,
    ...(error === undefined ? {} : errorFields(error)),
  }
  return `${plainJson(jsonText(record))}\n`
}

function errorFields(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { error: String(error) }
  const code = "code" in error ? { errorCode: error.code } : {}
  const cause = error.cause instanceof Error ? { cause: error.cause.message } : {}
  return { error: error.message, ...code, ...cause }
}

function jsonText(record: Readonly<Record<string, unknown>>): string {
  try {
    return JSON.stringify(record, (_key, value: unknown) => {
      if (typeof value === "bigint") return String(value)
      if (typeof value !== "string" || value.length <= MOST_CHARACTERS) return value
      return `${value.slice(0, MOST_CHARACTERS)}…`
    })
  } catch {
    // A cycle or a throwing `toJSON`: the sentence still counts.
    const { time, level, message } = record
    return JSON.stringify({ time, level, message, fields: "not writable as JSON" })
  }
}
