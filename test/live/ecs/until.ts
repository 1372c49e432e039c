import { setTimeout as sleep } from "node:timers/promises"

/** Waits until a condition holds; fails with the words of what was waited for. */
export async function until(what: string, met: () => boolean, ms = 20_000): Promise<void> {
  const end = performance.now() + ms
  while (!met()) {
    if (performance.now() > end) throw new Error(`${what}: not within ${ms} ms`)
    await sleep(20)
  }
}
