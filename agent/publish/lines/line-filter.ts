import { type AccessFact, Field } from "#mesh/access.ts"
import { OK, outcomeOf } from "#mesh/outcome.ts"
import type { Resolution } from "#mesh/request.ts"
import { makeTraceHeader, readTraceHeader, TAIL_DIGITS } from "#mesh/trace-header.ts"

export interface LineFilterConfig {
  /** `drop`: without those of health checkers that were answered well. */
  readonly healthChecks: "drop" | "keep"
  /** Share of the lines with a 2xx that are kept, 0 to 1. */
  readonly sample2xx: number
}

/** Why lines were left out. */
export type LeftOut = "health_check" | "sampled"

/** Decides which lines are passed on. Whatever went wrong, and whatever is no 2xx, always is. */
export interface LineFilter {
  /** Lines that were not passed on, by reason; they only rise. */
  readonly leftOut: Readonly<Record<LeftOut, number>>
  passes(fact: AccessFact, resolution: Resolution): boolean
}

const ALL = 2 ** 32

export function makeLineFilter(config: LineFilterConfig): LineFilter {
  const leftOut: Record<LeftOut, number> = { health_check: 0, sampled: 0 }
  const below = Math.round(config.sample2xx * ALL)
  let owed = 0
  /** Without anything to tell requests apart every so many is kept. */
  const inTurn = (): boolean => {
    owed += config.sample2xx
    if (owed < 1) return false
    owed -= 1
    return true
  }
  return {
    leftOut,
    passes(fact, resolution) {
      const check = config.healthChecks === "drop" && resolution.kind === "health_check"
      if ((!check && below >= ALL) || !isWell(fact, resolution)) return true
      if (check) {
        leftOut.health_check += 1
        return false
      }
      const hash = requestHash(fact)
      if (hash < 0 ? inTurn() : hash < below) return true
      leftOut.sampled += 1
      return false
    },
  }
}

/** A gRPC call that failed has a 2xx as well, and so has an answer that was cut. */
function isWell(fact: AccessFact, { kind, row }: Resolution): boolean {
  if (kind === "tcp" || fact.code < 200 || fact.code > 299) return false
  const gateway = kind !== "undecided" && row.reporter === "gateway"
  return outcomeOf(fact.code, fact.grpcStatus, fact.flags, gateway) === OK
}

/**
 * Envoy writes at this place of `x-request-id` why it traces, so the id may differ there from one proxy to the next
 * (source/extensions/request_id/uuid/config.cc, `TRACE_BYTE_POSITION`).
 */
const TRACE_REASON_AT = 14
const UUID_BYTES = 36

const header = makeTraceHeader()

/**
 * The same for all lines of one request, so that caller and callee keep or leave out the same ones: from its request id,
 * or else from its trace. -1: the line has neither.
 */
function requestHash(fact: AccessFact): number {
  const { spans, bytes } = fact
  const start = spans[Field.requestId * 2] ?? -1
  const end = spans[Field.requestId * 2 + 1] ?? start
  if (start >= 0) return hashOf(bytes, start, end, end - start === UUID_BYTES ? start + TRACE_REASON_AT : -1)
  readTraceHeader(fact, header)
  return header.form === "none" ? -1 : hashOf(bytes, header.tailAt, header.tailAt + TAIL_DIGITS, -1)
}

/**
 * FNV-1a, then MurmurHash3's finish: FNV's own upper bits are not even enough to be compared with a share.
 * @param passed place that does not count
 */
function hashOf(bytes: Uint8Array, start: number, end: number, passed: number): number {
  let hash = 0x811c9dc5
  for (let at = start; at < end; at++) {
    if (at !== passed) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
