import type { Clock } from "#mesh/clock.ts"
import type { Ledger } from "./account/contract.ts"

/** A pause longer than this ends a watch: what proxies did meanwhile is too old to count as news. */
const MOST_PAUSE_MS = 3_600_000
/** How often the end of the watch is noted. */
const NOTE_MS = 60_000

/**
 * Since when this node is watched without a long pause, wall clock ms; kept with the counters. A proxy that began later
 * counts from zero at first sight, also when the agent was away for a moment.
 */
export function watchSince(ledger: Ledger, clock: Clock): number {
  const kept = parse(ledger.restored("watch"))
  const now = clock.now()
  const since = kept === undefined || now - kept.until > MOST_PAUSE_MS || kept.since > now ? now : kept.since
  let noted = Number.NEGATIVE_INFINITY
  ledger.join({
    key: "watch",
    save() {
      const until = clock.now()
      if (Math.abs(until - noted) < NOTE_MS) return undefined
      noted = until
      return Buffer.from(JSON.stringify({ since, until }))
    },
  })
  return since
}

function parse(
  bytes: Uint8Array | undefined,
): { readonly since: number; readonly until: number } | undefined {
  if (bytes === undefined) return undefined
  try {
    const kept: unknown = JSON.parse(Buffer.from(bytes).toString())
    if (typeof kept !== "object" || kept === null || !("since" in kept) || !("until" in kept))
      return undefined
    const { since, until } = kept
    return typeof since === "number" && typeof until === "number" ? { since, until } : undefined
  } catch {
    return undefined
  }
}
