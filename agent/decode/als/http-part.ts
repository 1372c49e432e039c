import { type AccessFact, Field } from "#mesh/access.ts"
import { readGrpcStatus } from "../access-log/grpc-status.ts"
import { readNumber } from "../access-log/number.ts"
import { limit, skip, varint, type Wire } from "../protobuf-wire.ts"
import { put } from "./common-part.ts"
import { type HeaderPlace, placeOf, requestPlaces } from "./header-names.ts"
import { amount, wrapped } from "./scalars.ts"
import { METHOD_PLACES } from "./workspace.ts"

/** Where the request headers of one proxy's entries go. */
export interface RequestPlaces {
  readonly headers: readonly HeaderPlace[]
  /** Rank of what each span holds now. */
  readonly ranks: Int8Array
}

export function requestPlacesOf(further: readonly string[]): RequestPlaces {
  const headers = requestPlaces(further)
  return { headers, ranks: new Int8Array(Math.max(...headers.map(({ span }) => span)) + 1) }
}

/** A header with a field of its own in entries may also be named among those to log: the same bytes. */
const TEXTS: readonly (number | undefined)[] = Array.from(
  { length: 11 },
  (_, field) =>
    [
      [3, Field.authority],
      [5, Field.path],
      [6, Field.userAgent],
      [9, Field.requestId],
      [10, Field.originalPath],
    ].find(([number]) => number === field)?.[1],
)

/**
 * HTTPRequestProperties: request_method 1, authority 3, path 5, user_agent 6, request_id 9, original_path 10,
 * request_body_bytes 12, request_headers 13.
 */
export function readRequest(wire: Wire, end: number, fact: AccessFact, places: RequestPlaces): void {
  places.ranks.fill(127)
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag % 8 === 2) {
      const stop = limit(wire, end)
      const field = TEXTS[tag >>> 3]
      if (field !== undefined) put(fact, field, wire.at, stop)
      else if (tag === 106) readHeader(wire, stop, fact, places)
      wire.at = stop
    } else if (tag === 8) {
      const place = METHOD_PLACES[varint(wire, end) - 1]
      if (place !== undefined) put(fact, Field.method, place[0], place[1])
    } else if (tag === 96) fact.bytesReceived = amount(wire, end)
    else skip(wire, tag, end)
  }
}

/** An entry of a map: key 1, value 2. */
interface Pair {
  keyStart: number
  keyEnd: number
  start: number
  end: number
}
const pair: Pair = { keyStart: 0, keyEnd: 0, start: 0, end: 0 }

function readPair(wire: Wire, end: number): Pair {
  pair.keyStart = pair.keyEnd = pair.start = pair.end = wire.at
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag !== 10 && tag !== 18) {
      skip(wire, tag, end)
      continue
    }
    const stop = limit(wire, end)
    if (tag === 10) {
      pair.keyStart = wire.at
      pair.keyEnd = stop
    } else {
      pair.start = wire.at
      pair.end = stop
    }
    wire.at = stop
  }
  return pair
}

function readHeader(wire: Wire, stop: number, fact: AccessFact, { headers, ranks }: RequestPlaces): void {
  const { keyStart, keyEnd, start, end } = readPair(wire, stop)
  const place = headers[placeOf(headers, wire.bytes, keyStart, keyEnd)]
  if (place === undefined || start === end || (ranks[place.span] ?? 0) < place.rank) return
  ranks[place.span] = place.rank
  put(fact, place.span, start, end)
}

const ANSWERS = ["grpc-status", "x-envoy-upstream-service-time"].map((name) => ({ name: Buffer.from(name) }))

/**
 * HTTPResponseProperties: response_code 1, response_body_bytes 3, response_headers 4, response_trailers 5,
 * response_code_details 6. The gRPC status stands in the trailers, or in the headers of an answer without a body.
 */
export function readResponse(wire: Wire, end: number, fact: AccessFact): void {
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag % 8 === 2) {
      const stop = limit(wire, end)
      if (tag === 10) fact.code = codeOf(wrapped(wire, stop))
      else if (tag === 50) put(fact, Field.details, wire.at, stop)
      else if (tag === 34 || tag === 42) readAnswer(wire, stop, fact)
      wire.at = stop
    } else if (tag === 24) fact.bytesSent = amount(wire, end)
    else skip(wire, tag, end)
  }
}

/** No status has four digits: what tells one tells none. */
const codeOf = (value: number): number => (value < 1000 ? value : 0)

function readAnswer(wire: Wire, stop: number, fact: AccessFact): void {
  const { keyStart, keyEnd, start, end } = readPair(wire, stop)
  const which = placeOf(ANSWERS, wire.bytes, keyStart, keyEnd)
  if (which < 0 || start === end) return
  if (which === 0) fact.grpcStatus = readGrpcStatus(wire.bytes, start, end)
  else fact.upstreamMs = readNumber(wire.bytes, start, end)
}
