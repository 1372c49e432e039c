import { type AccessFact, Field } from "#mesh/access.ts"
import { limit, skip, varint, type Wire } from "../protobuf-wire.ts"
import { flagOfField } from "./response-flags.ts"
import { addressText, amount, milliseconds, nanoseconds } from "./scalars.ts"
import type { AlsWorkspace } from "./workspace.ts"

/** What of `AccessLogCommon` is no field of a fact. Times in nanoseconds since the request began; -1: not told. */
export interface CommonPart {
  duration: number
  lastRx: number
  firstUpstreamRx: number
  lastDownstreamTx: number
  attempts: number
  /** `AccessLogType` (accesslog.proto); 0: not told. */
  logType: number
  intermediate: boolean
}

export function makeCommonPart(): CommonPart {
  const part = { duration: -1, lastRx: -1, firstUpstreamRx: -1, lastDownstreamTx: -1 }
  return { ...part, attempts: 0, logType: 0, intermediate: false }
}

export function unreadCommon(part: CommonPart): void {
  part.duration = -1
  part.lastRx = -1
  part.firstUpstreamRx = -1
  part.lastDownstreamTx = -1
  part.attempts = 0
  part.logType = 0
  part.intermediate = false
}

/** NotSet, TcpConnectionEnd, DownstreamEnd, UdpSessionEnd. */
const FINAL_TYPES = new Set([0, 3, 6, 13])

/** Whether this entry ends its request: only that one is counted. */
export function isFinal({ logType, intermediate }: CommonPart): boolean {
  return !intermediate && FINAL_TYPES.has(logType)
}

/**
 * `envoy.data.accesslog.v3.AccessLogCommon` (accesslog.proto): downstream_remote_address 2, downstream_local_address 3,
 * start_time 5, time_to_last_rx_byte 6, time_to_first_upstream_rx_byte 9, time_to_last_downstream_tx_byte 12,
 * upstream_remote_address 13, upstream_cluster 15, response_flags 16, route_name 19, duration 23,
 * upstream_request_attempt_count 24, connection_termination_details 25, intermediate_log_entry 27, access_log_type 33.
 */
export function readCommon(
  wire: Wire,
  end: number,
  fact: AccessFact,
  part: CommonPart,
  workspace: AlsWorkspace,
): void {
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag % 8 === 2) readMember(wire, limit(wire, end), tag >>> 3, fact, part, workspace)
    else if (tag === 192) part.attempts = amount(wire, end)
    else if (tag === 216) part.intermediate = varint(wire, end) !== 0
    else if (tag === 264) part.logType = varint(wire, end)
    else skip(wire, tag, end)
  }
}

function readMember(
  wire: Wire,
  stop: number,
  field: number,
  fact: AccessFact,
  part: CommonPart,
  workspace: AlsWorkspace,
): void {
  const { at } = wire
  if (field === 2) putAddress(fact, Field.downstreamRemote, addressText(wire, stop, workspace), workspace)
  else if (field === 3) putAddress(fact, Field.downstreamLocal, addressText(wire, stop, workspace), workspace)
  else if (field === 13) putAddress(fact, Field.upstreamHost, addressText(wire, stop, workspace), workspace)
  else if (field === 5) putTime(fact, milliseconds(wire, stop), workspace)
  else if (field === 6) part.lastRx = nanoseconds(wire, stop)
  else if (field === 9) part.firstUpstreamRx = nanoseconds(wire, stop)
  else if (field === 12) part.lastDownstreamTx = nanoseconds(wire, stop)
  else if (field === 23) part.duration = nanoseconds(wire, stop)
  else if (field === 15) put(fact, Field.upstreamCluster, at, stop)
  else if (field === 19) put(fact, Field.routeName, at, stop)
  else if (field === 25) put(fact, Field.termination, at, stop)
  else if (field === 16) fact.flags |= readFlags(wire, stop)
  wire.at = stop
}

/** Every member is a boolean but one, whose presence is what counts. */
function readFlags(wire: Wire, end: number): number {
  let flags = 0
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag % 8 === 0) {
      if (varint(wire, end) !== 0) flags |= flagOfField(tag >>> 3)
    } else {
      flags |= flagOfField(tag >>> 3)
      skip(wire, tag, end)
    }
  }
  return flags
}

/** A text of the message; an empty one is none. */
export function put(fact: AccessFact, field: number, start: number, end: number): void {
  fact.spans[field * 2] = start === end ? -1 : start
  fact.spans[field * 2 + 1] = start === end ? -1 : end
}

function putAddress(fact: AccessFact, field: number, start: number, workspace: AlsWorkspace): void {
  fact.spans[field * 2] = start
  fact.spans[field * 2 + 1] = start < 0 ? -1 : workspace.at
}

/** `2026-11-20T15:53:52.113Z`. */
const TIME_LENGTH = 24

/** Entries come in the order of their ends, so most have the second of the one before. */
let second = -1
let secondText = ""

function putTime(fact: AccessFact, ms: number, workspace: AlsWorkspace): void {
  const now = Math.floor(ms / 1000)
  if (now <= 0 || !workspace.fits(TIME_LENGTH)) return
  if (now !== second) {
    secondText = new Date(now * 1000).toISOString().slice(0, 20)
    second = now
  }
  const start = workspace.at
  workspace.words(secondText)
  workspace.digits(ms % 1000, 3)
  workspace.byte(90)
  put(fact, Field.startTime, start, workspace.at)
}
