import type { Clock } from "#mesh/clock.ts"

/** The collector's own log: a sentence that stays the same, and fields that do not. */
export interface Log {
  info(sentence: string, fields?: Readonly<Record<string, unknown>>): void
  warn(sentence: string, fields?: Readonly<Record<string, unknown>>): void
  error(sentence: string, fields?: Readonly<Record<string, unknown>>): void
}

/** JSON, one object a line: `time`, `level`, `message`, then the fields. */
export function makeLog(clock: Clock, write: (line: string) => unknown): Log {
  const at =
    (level: "info" | "warn" | "error") =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}): void => {
      const time = new Date(clock.now()).toISOString()
      write(`${JSON.stringify({ time, level, message, ...fields })}\n`)
    }
  return { info: at("info"), warn: at("warn"), error: at("error") }
}
