import { type AccessFact, Field, type FormatAbilities, makeAccessFact } from "#mesh/access.ts"
import { flagsText, NO_ROUTE } from "#mesh/flags.ts"
import { limit, malformed, skip, varint, type Wire } from "../protobuf-wire.ts"
import { type AlsFormat, abilitiesOf } from "./abilities.ts"
import { type CommonPart, isFinal, makeCommonPart, readCommon, unreadCommon } from "./common-part.ts"
import { type RequestPlaces, readRequest, readResponse, requestPlacesOf } from "./http-part.ts"
import { FLAG_DETAILS } from "./response-flags.ts"
import { amount } from "./scalars.ts"
import { type AlsWorkspace, NO_CHAIN_PLACE, PROTOCOL_PLACES } from "./workspace.ts"

const NS_PER_MS = 1e6

/** Told of the entries of a message, in their order. */
export interface EntryVisitor {
  /** One finished request or connection. A view: the next entry overwrites it. */
  finished(fact: AccessFact): void
  /** An entry of a request that goes on. */
  intermediate(): void
  /** An entry that is no protobuf message of its kind; those after it are read. */
  malformed(): void
}

/**
 * Reads `envoy.service.accesslog.v3.StreamAccessLogsMessage` (als.proto) into the facts that lines give: http_logs 2 and
 * tcp_logs 3, each with log_entry 1. One per proxy, as its loggers are configured.
 */
export class EntryReader {
  readonly abilities: FormatAbilities
  readonly #fact: AccessFact
  readonly #places: RequestPlaces
  readonly #common: CommonPart = makeCommonPart()

  constructor(format: AlsFormat) {
    this.abilities = abilitiesOf(format)
    this.#fact = makeAccessFact(this.abilities.headers.length)
    this.#places = requestPlacesOf(this.abilities.headers)
  }

  /** @throws MeshscopeError INTAKE_MALFORMED where the message itself breaks off; what was told before stays told */
  read(message: Buffer, workspace: AlsWorkspace, visitor: EntryVisitor): void {
    const start = workspace.load(message)
    const end = start + message.length
    const wire: Wire = { bytes: workspace.bytes, at: start }
    while (wire.at < end) {
      const tag = varint(wire, end)
      if (tag === 18 || tag === 26) this.#entries(wire, limit(wire, end), tag === 26, workspace, visitor)
      else skip(wire, tag, end)
    }
  }

  #entries(wire: Wire, end: number, tcp: boolean, workspace: AlsWorkspace, visitor: EntryVisitor): void {
    while (wire.at < end) {
      const tag = varint(wire, end)
      if (tag !== 10) {
        skip(wire, tag, end)
        continue
      }
      const stop = limit(wire, end)
      if (!this.#entry(wire, stop, tcp, workspace)) visitor.malformed()
      else if (isFinal(this.#common)) visitor.finished(this.#fact)
      else visitor.intermediate()
      wire.at = stop
    }
  }

  /** @returns whether it could be read */
  #entry(wire: Wire, end: number, tcp: boolean, workspace: AlsWorkspace): boolean {
    const fact = this.#fact
    clear(fact, workspace.bytes, tcp)
    unreadCommon(this.#common)
    workspace.entry()
    try {
      if (tcp) this.#tcp(wire, end, workspace)
      else this.#http(wire, end, workspace)
    } catch {
      return false
    }
    finish(fact, this.#common, workspace)
    return true
  }

  /** HTTPAccessLogEntry: common_properties 1, protocol_version 2, request 3, response 4. */
  #http(wire: Wire, end: number, workspace: AlsWorkspace): void {
    const fact = this.#fact
    fact.code = 0
    while (wire.at < end) {
      const tag = varint(wire, end)
      if (tag === 10) readCommon(wire, limit(wire, end), fact, this.#common, workspace)
      else if (tag === 16) span(fact, Field.protocol, PROTOCOL_PLACES[varint(wire, end) - 1])
      else if (tag === 26) readRequest(wire, limit(wire, end), fact, this.#places)
      else if (tag === 34) readResponse(wire, limit(wire, end), fact)
      else skip(wire, tag, end)
    }
  }

  /** TCPAccessLogEntry: common_properties 1, connection_properties 2 with received_bytes 1 and sent_bytes 2. */
  #tcp(wire: Wire, end: number, workspace: AlsWorkspace): void {
    const fact = this.#fact
    while (wire.at < end) {
      const tag = varint(wire, end)
      if (tag === 10) readCommon(wire, limit(wire, end), fact, this.#common, workspace)
      else if (tag === 18) readConnection(wire, limit(wire, end), fact)
      else skip(wire, tag, end)
    }
  }
}

function readConnection(wire: Wire, end: number, fact: AccessFact): void {
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag === 8) fact.bytesReceived = amount(wire, end)
    else if (tag === 16) fact.bytesSent = amount(wire, end)
    else skip(wire, tag, end)
  }
}

function span(fact: AccessFact, field: number, place: readonly [number, number] | undefined): void {
  fact.spans[field * 2] = place?.[0] ?? -1
  fact.spans[field * 2 + 1] = place?.[1] ?? -1
}

/** Numbers that protobuf leaves out are 0. */
function clear(fact: AccessFact, bytes: Buffer, tcp: boolean): void {
  fact.bytes = bytes
  fact.spans.fill(-1)
  fact.kind = tcp ? "tcp" : "http"
  fact.code = tcp ? -1 : 0
  fact.flags = 0
  fact.grpcStatus = -1
  fact.durationMs = -1
  fact.upstreamMs = -1
  fact.bytesReceived = 0
  fact.bytesSent = 0
  fact.attempts = 0
  fact.doubtful = false
}

/** What follows from more than one part of the entry. */
function finish(fact: AccessFact, common: CommonPart, workspace: AlsWorkspace): void {
  fact.attempts = attemptsOf(fact, common)
  // Before field 23 came (Envoy 1.25) the last byte to the caller is the end that is told.
  const ns = common.duration >= 0 ? common.duration : common.lastDownstreamTx
  if (ns >= 0) fact.durationMs = Math.floor(ns / NS_PER_MS)
  if (fact.kind === "http" && fact.upstreamMs < 0) fact.upstreamMs = upstreamMs(common)
  fact.flags |= flagOfDetails(fact)
  if (fact.flags === 0) return
  if (isChainless(fact)) span(fact, Field.details, NO_CHAIN_PLACE)
  const text = flagsText(fact.flags)
  if (!workspace.fits(text.length)) throw malformed("holds more addresses than an entry has")
  const start = workspace.at
  workspace.words(text)
  span(fact, Field.flags, [start, workspace.at])
}

/** Envoys that do not know the field leave it out as those do that never reached the upstream part. */
const attemptsOf = (fact: AccessFact, { attempts }: CommonPart): number =>
  attempts === 0 && (fact.spans[Field.upstreamHost * 2] ?? -1) >= 0 ? -1 : attempts

/**
 * As `x-envoy-upstream-service-time` is made (source/common/router/router.cc): from the end of the caller's request to the
 * upstream's headers. Absent where the upstream answered before.
 */
function upstreamMs({ firstUpstreamRx, lastRx }: CommonPart): number {
  if (firstUpstreamRx < 0 || lastRx < 0 || firstUpstreamRx < lastRx) return -1
  return Math.floor((firstUpstreamRx - lastRx) / NS_PER_MS)
}

function flagOfDetails({ bytes, spans }: AccessFact): number {
  const start = spans[Field.details * 2] ?? -1
  const end = spans[Field.details * 2 + 1] ?? -1
  if (start < 0) return 0
  for (const [details, bit] of FLAG_DETAILS)
    if (details.length === end - start && details.compare(bytes, start, end) === 0) return bit
  return 0
}

/** A listener's own log of a connection that no filter chain took: `NR`, and nothing of an upstream. */
const isChainless = ({ kind, flags, spans }: AccessFact): boolean =>
  kind === "tcp" &&
  (flags & NO_ROUTE) !== 0 &&
  (spans[Field.upstreamCluster * 2] ?? -1) < 0 &&
  (spans[Field.upstreamHost * 2] ?? -1) < 0
