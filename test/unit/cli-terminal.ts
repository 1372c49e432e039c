import { systemClock } from "#mesh/clock.ts"
import type { Terminal } from "../../cli/command.ts"

/** A terminal that keeps what was written. */
export function keptTerminal(changes: Partial<Terminal> = {}) {
  const written = { out: "", error: "" }
  const terminal: Terminal = {
    out: (text) => {
      written.out += text
    },
    error: (text) => {
      written.error += text
    },
    tty: false,
    columns: 80,
    env: {},
    system: "Node 24, linux x64",
    clock: systemClock,
    signal: new AbortController().signal,
    ...changes,
  }
  return { terminal, written }
}
