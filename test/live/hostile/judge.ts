import type { Counts } from "../rig/counts.ts"
import { exposed } from "../rig/exposed.ts"
import { committed } from "../rig/here.ts"
import { REQUEST_NAMES } from "../rig/truth-counts.ts"
import { doubtsOf } from "./doubts.ts"
import { type Expected, expected, namesOf } from "./expected.ts"
import type { HostileRequest } from "./requests.ts"
import type { Rig } from "./rig.ts"

/** What was counted of one request, against what had to be. */
export interface Judged {
  readonly what: string
  readonly missing: Counts
  readonly extra: Counts
  readonly doubts: Counts
  /** Doubts by reason, as the format allows no better and no worse. */
  readonly reasons: { readonly found: Counts; readonly wanted: Counts }
  /** What this request is at all who saw it. */
  readonly records: { readonly found: number; readonly wanted: number }
}

export interface Verdict {
  readonly judged: readonly Judged[]
  /** Access lines that the Envoys must have written. */
  readonly lines: number
  /** Requests that an application got. */
  readonly arrived: number
}

/** Sends one after the other, so that whatever moves is this request's. */
export async function judge(
  rig: Rig,
  kind: "json" | "text",
  requests: Iterable<HostileRequest>,
): Promise<Verdict> {
  const names = namesOf(rig.mesh)
  const judged: Judged[] = []
  let lines = 0
  let arrived = 0
  for (const request of requests) {
    const before = numbers(rig)
    const happened = await rig.send(request)
    const wanted = expected(happened, names)
    if (happened.arrivals.length > 0) arrived += 1
    lines += wanted.lines
    await committed(rig.agent, lines)
    judged.push(compared(request.what, wanted, doubtsOf(happened, names, kind), before, numbers(rig)))
  }
  return { judged, lines, arrived }
}

interface Numbers {
  readonly requests: Counts
  readonly checks: Counts
  readonly doubts: Counts
}

function numbers({ agent }: Rig): Numbers {
  const { snapshot } = agent.pipeline.ledger
  return {
    requests: exposed(snapshot, "requests", REQUEST_NAMES),
    checks: exposed(snapshot, "healthChecks", ["virtual_gateway", "virtual_node"]),
    doubts: exposed(snapshot, "unmapped", ["proxy", "reason"]),
  }
}

function compared(what: string, wanted: Expected, reasons: Counts, before: Numbers, after: Numbers): Judged {
  const rows = difference(after.requests, before.requests)
  const checks = difference(after.checks, before.checks)
  const doubts = difference(after.doubts, before.doubts)
  const found = { ...rows, ...checks }
  const all = { ...wanted.rows, ...wanted.checks }
  return {
    what,
    missing: difference(all, found),
    extra: difference(found, all),
    doubts,
    reasons: { found: byReason(doubts), wanted: reasons },
    records: {
      found: records(rows, checks) + undecided(doubts),
      wanted: records(wanted.rows, wanted.checks),
    },
  }
}

function byReason(doubts: Counts): Counts {
  const reasons: Counts = {}
  for (const [key, count] of Object.entries(doubts)) {
    const reason = key.slice(key.indexOf("reason=") + "reason=".length)
    reasons[reason] = (reasons[reason] ?? 0) + count
  }
  return reasons
}

/** A gateway counts a health check once, and a request at both of its passes. */
function records(rows: Counts, checks: Counts): number {
  const twice = Object.keys(checks).filter((key) => key.startsWith("virtual_gateway="))
  return sum(rows) + sum(checks) + twice.reduce((total, key) => total + (checks[key] ?? 0), 0)
}

/** Default text tells no direction of a request that went nowhere: then the doubt is all that is counted. */
const undecided = (doubts: Counts): number =>
  sum(Object.fromEntries(Object.entries(doubts).filter(([key]) => key.endsWith("reason=direction"))))

export const sum = (counts: Counts): number =>
  Object.values(counts).reduce((total, value) => total + value, 0)

/** What `a` has more than `b`. */
function difference(a: Counts, b: Counts): Counts {
  const more = Object.entries(a).map(([key, value]) => [key, value - (b[key] ?? 0)] as const)
  return Object.fromEntries(more.filter(([, rise]) => rise > 0))
}
