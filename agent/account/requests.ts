import { type AccessFact, Field } from "#mesh/access.ts"
import { answeredByIndex } from "#mesh/answered-by.ts"
import { codeClass, OK, outcomeOf } from "#mesh/outcome.ts"
import type { Resolution } from "#mesh/request.ts"
import { makeConnectionAccount } from "./connections.ts"
import type { Ledger } from "./contract.ts"
import { makeHealthCheckAccount } from "./health-checks.ts"
import {
  addRecord,
  addRequest,
  clear,
  findRecord,
  forgetSlots,
  isFull,
  isRecordFull,
  makePendingRequests,
  noteTrace,
  wantsTrace,
} from "./pending-requests.ts"
import { ANSWERED_SHIFT, makeRequestSlots, PROTOCOL_SHIFT, packEnding, plainEnding } from "./request-slots.ts"
import { makeResponseAccount } from "./responses.ts"
import { settleRecord } from "./settle-record.ts"
import type { Tally } from "./tally.ts"
import { sampledTraceId } from "./trace-id.ts"

/** Counts access facts. One per agent: replicas of one node add up in it. */
export interface RequestAccountant {
  /** Counts one line for whom `resolution` names. The hot path: makes no object for a series seen since the last commit. */
  account(fact: AccessFact, resolution: Resolution, tally: Tally): void
  /** Brings all that is pending into the ledger. A commit does so by itself. */
  settle(): void
}

export interface RequestAccountantOptions {
  readonly ledger: Ledger
  /** Also count exact codes (`mesh_responses_total`). Default false. */
  readonly responses?: boolean
}

/** Makes the accountant and joins it to the ledger, so that each commit holds all that came before it. */
export function makeRequestAccountant(options: RequestAccountantOptions): RequestAccountant {
  const { ledger } = options
  const pending = makePendingRequests()
  const slots = makeRequestSlots(ledger, "log")
  const connections = makeConnectionAccount(ledger, "log")
  const healthChecks = makeHealthCheckAccount(ledger)
  const responses = options.responses === true ? makeResponseAccount(ledger) : undefined
  let retired = ledger.counters.retired

  const settle = (): void => {
    if (ledger.counters.retired !== retired) {
      retired = ledger.counters.retired
      forgetSlots(pending)
    }
    for (let at = 0; at < pending.touchedCount; at++) {
      settleRecord(ledger, slots, pending, pending.touched[at] ?? 0)
    }
    pending.touchedCount = 0
  }

  const request = (fact: AccessFact, resolution: Resolution): void => {
    const { row, target } = resolution
    let ending = plainEnding(fact.code, fact.grpcStatus, fact.flags)
    if (ending < 0) {
      const outcome = outcomeOf(fact.code, fact.grpcStatus, fact.flags, row.reporter === "gateway")
      ending = packEnding(outcome, codeClass(fact.code), 0, 0)
    }
    ending |= resolution.protocol << PROTOCOL_SHIFT
    // Of a request that ended ok, flags and answerer are in no series.
    let flags = 0
    if ((ending & 3) !== OK) {
      flags = fact.flags
      ending |= answeredByIndex(fact) << ANSWERED_SHIFT
    }
    let record = findRecord(pending, row.id, target.id, flags, ending)
    if (record < 0) {
      if (isFull(pending)) {
        settle()
        clear(pending)
      }
      record = addRecord(pending, row, target, flags, ending)
    } else if (isRecordFull(pending, record)) {
      settle()
    }
    addRequest(
      pending,
      record,
      fact.durationMs,
      fact.upstreamMs,
      fact.bytesReceived,
      fact.bytesSent,
      fact.attempts,
    )
    if ((fact.spans[Field.traceId * 2] ?? -1) >= 0 && fact.durationMs >= 0 && wantsTrace(pending, record)) {
      noteTrace(pending, record, sampledTraceId(fact), fact.durationMs / 1000)
    }
    responses?.count(row, fact.code, fact.grpcStatus)
  }

  ledger.join({
    key: "requests",
    save() {
      settle()
      return undefined
    },
  })
  return {
    settle,
    account(fact, resolution, tally) {
      const kind = resolution.kind
      if (kind === "undecided") {
        tally.undecided++
        return
      }
      if (kind === "tcp") {
        tally.tcpConnections++
        connections.count(fact, resolution)
        return
      }
      const reporter = resolution.row.reporter
      if (reporter === "source") tally.source++
      else if (reporter === "destination") tally.destination++
      else tally.gateway++
      if (kind === "request") {
        request(fact, resolution)
      } else {
        tally.healthChecks++
        // A gateway's second pass: its listener saw it, and the check was counted at the first.
        if (reporter !== "source") healthChecks.count(resolution)
      }
    },
  }
}
