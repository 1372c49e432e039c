import type { Health } from "#mesh/health.ts"
import type { Terminal } from "./command.ts"
import type { Cell } from "./text-table.ts"

/** Shape and colour of each state; the word stands beside them, so neither has to be seen. */
const MARKS: Readonly<Record<Health, { shape: string; colour: number }>> = {
  failing: { shape: "◆", colour: 31 },
  degraded: { shape: "▲", colour: 33 },
  ok: { shape: "●", colour: 32 },
  "no traffic": { shape: "○", colour: 90 },
  unknown: { shape: "?", colour: 35 },
}

/** Whether colours may be written: only to a terminal, and not where NO_COLOR is set (no-color.org). */
export function coloured({ tty, env }: Pick<Terminal, "tty" | "env">): boolean {
  return tty && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb"
}

/** `◆ failing`, red where colours are. */
export function healthCell(health: Health, colours: boolean): Cell {
  const { shape, colour } = MARKS[health]
  const text = `${shape} ${health}`
  return colours ? { text, paint: (inner) => `\u001B[${colour}m${inner}\u001B[0m` } : { text }
}
