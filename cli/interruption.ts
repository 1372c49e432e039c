import type { Clock } from "#mesh/clock.ts"
import { EXIT } from "./command.ts"

/** What of the process an interruption needs; `process` fits. */
export interface Interrupted {
  on(signal: "SIGINT" | "SIGTERM", listener: () => void): unknown
  exit(code: number): void
}

/** Under npm one Ctrl-C comes twice: from the terminal, and passed on by npm. */
const SAME_PRESS_MS = 500

/** Aborts at SIGINT or SIGTERM. One that comes later, while all is being stopped, ends the process at once. */
export function interruption(process: Interrupted, clock: Pick<Clock, "monotonic">): AbortSignal {
  const stop = new AbortController()
  let firstMs = 0
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      if (!stop.signal.aborted) firstMs = clock.monotonic()
      else if (clock.monotonic() - firstMs > SAME_PRESS_MS) process.exit(EXIT.interrupted.code)
      stop.abort()
    })
  }
  return stop.signal
}
