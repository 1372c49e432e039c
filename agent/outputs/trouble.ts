import type { DeliveryCounters } from "../publish/delivery/delivery.ts"
import type { Log } from "../telemetry/log.ts"

export interface OutputTroubleDeps {
  readonly log: Log
  /** The configuration's key below `publish`, and the label `sink` of its metrics. */
  readonly sink: string
  /** Where records go, as a user knows it: an address, a group. */
  readonly target: string
  /** What is sent, to begin a sentence: `Metrics`, `Spans`. */
  readonly what: string
  readonly counters: () => DeliveryCounters
}

/**
 * Tells of an output's troubles: once when its receiver stops taking records, again where another reason takes the place of
 * the one that was told (credentials are there, and now the network is not), and once when it takes them again; what was
 * dropped since the last look, by reason; and what else the receiver remarked. To be called every few seconds. What the
 * counters begin with was dropped before a restart, and told then.
 */
export function makeOutputTrouble(deps: OutputTroubleDeps): () => void {
  const { log, target, what, sink } = deps
  let trouble: string | undefined
  let remarked: string | undefined
  let seen: string | undefined
  let told: ReadonlyMap<string, number> = new Map(deps.counters().dropped)
  return () => {
    const { trouble: now, remark, dropped } = deps.counters()
    if (now !== undefined && (trouble === undefined || gist(now) !== gist(trouble)))
      log.warn(`${what} are not taken now; they are kept and sent again.`, {
        code: "EXPORT_UNAVAILABLE",
        target,
        sink,
        why: now,
      })
    if (now === undefined && trouble !== undefined) log.info(`${what} are taken again.`, { target, sink })
    trouble = now
    let isRefused = false
    for (const [reason, count] of dropped) {
      const records = count - (told.get(reason) ?? 0)
      if (records <= 0) continue
      const isOwn = OWN_REASONS.has(reason)
      if (!isOwn) isRefused = true
      const code = isOwn ? "EXPORT_UNAVAILABLE" : "EXPORT_REJECTED"
      log.warn(`${what} were dropped.`, {
        code,
        target,
        sink,
        reason,
        records,
        why: (isOwn ? now : remark) ?? "",
      })
    }
    told = new Map(dropped)
    // What is refused shows after the next commit: a remark about it is told with it.
    if (remark !== remarked && remark === seen && !isRefused)
      log.warn(`${what} are taken, with a remark.`, { target, sink, why: remark })
    if (isRefused || remark === seen) remarked = remark
    seen = remark
  }
}

/** A reason without its particulars, which stand in brackets and differ from one try to the next. */
const gist = (why: string): string => why.split(" (", 1)[0] ?? why

/** Why records are dropped that their receiver did not refuse. */
export const OWN_REASONS: ReadonlySet<string> = new Set([
  "overflow",
  "shutdown",
  "disk",
  "damaged",
  "unsplit",
])
