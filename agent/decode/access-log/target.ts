import { Field } from "#mesh/access.ts"
import type { Operator } from "./operator.ts"

/** What the value of an operator is stored as. */
export const Kind = {
  skip: 0,
  /** A byte range in `fact.spans`. */
  text: 1,
  code: 2,
  flags: 3,
  longFlags: 4,
  /** gRPC status as a number, or as a name. */
  grpc: 5,
  duration: 6,
  upstreamTime: 7,
  received: 8,
  sent: 9,
  attempts: 10,
  /** `ACCESS_LOG_TYPE`: whether this line ends its request. */
  logType: 11,
} as const

/** Which bytes a value can hold in a text line, and so how its end is found. */
export const Shape = {
  /** `2026-11-20T15:53:52.113Z`: always 24 bytes. */
  time: 0,
  /** Made by Envoy, may hold blanks: ends where the next literal first occurs. */
  free: 1,
  /** No blank, no quote. */
  token: 2,
  /** Digits, or `-`. */
  number: 3,
  /** A stranger's bytes (or blanks where nobody promises otherwise): may look like anything that follows it. */
  wild: 4,
} as const

/** Where an operator's value goes. */
export interface Target {
  readonly kind: number
  readonly shape: number
  /** Index of the text field; -1 without. */
  readonly field: number
  /** Lower-case name of a request header that has no field of its own. */
  readonly header: string
  /** Of two operators for one field the lower rank wins where both hold something. */
  readonly rank: number
}

const target = (kind: number, shape: number, field = -1, rank = 0, header = ""): Target => ({
  kind,
  shape,
  field,
  header,
  rank,
})
const text = (field: number, shape: number = Shape.token, rank = 0): Target =>
  target(Kind.text, shape, field, rank)
const skip = (shape: number): Target => target(Kind.skip, shape)
const number = (kind: number): Target => target(kind, Shape.number)

/** Operators without arguments that matter, and known ones that do not. Source: Envoy, substitution formatter. */
const PLAIN: ReadonlyMap<string, Target> = new Map([
  ["PROTOCOL", text(Field.protocol)],
  ["RESPONSE_CODE", number(Kind.code)],
  ["RESPONSE_CODE_DETAILS", text(Field.details, Shape.wild)],
  ["CONNECTION_TERMINATION_DETAILS", text(Field.termination, Shape.wild)],
  ["BYTES_RECEIVED", number(Kind.received)],
  ["BYTES_SENT", number(Kind.sent)],
  ["DURATION", number(Kind.duration)],
  ["UPSTREAM_REQUEST_ATTEMPT_COUNT", number(Kind.attempts)],
  ["RESPONSE_FLAGS", target(Kind.flags, Shape.token, Field.flags)],
  ["RESPONSE_FLAGS_LONG", target(Kind.longFlags, Shape.token, Field.flags, 1)],
  ["UPSTREAM_CLUSTER_RAW", text(Field.upstreamCluster)],
  ["UPSTREAM_CLUSTER", text(Field.upstreamCluster, Shape.token, 1)],
  ["UPSTREAM_HOST", text(Field.upstreamHost)],
  ["UPSTREAM_REMOTE_ADDRESS", text(Field.upstreamHost, Shape.token, 1)],
  ["ROUTE_NAME", text(Field.routeName, Shape.wild)],
  ["DOWNSTREAM_LOCAL_ADDRESS", text(Field.downstreamLocal)],
  ["DOWNSTREAM_REMOTE_ADDRESS", text(Field.downstreamRemote)],
  ["LISTENER_NAME", text(Field.listener, Shape.wild)],
  ["TRACE_ID", text(Field.traceId, Shape.token, 2)],
  ["GRPC_STATUS", target(Kind.grpc, Shape.token)],
  ["GRPC_STATUS_NUMBER", target(Kind.grpc, Shape.number)],
  ["ACCESS_LOG_TYPE", target(Kind.logType, Shape.token)],
])

/** Numbers and single words that are not counted; everything else unknown is taken for wild. */
const NUMBERS =
  /^(REQUEST|REQUEST_TX|RESPONSE|RESPONSE_TX|COMMON|ROUNDTRIP)_DURATION$|_BYTES_(SENT|RECEIVED)$|^(UPSTREAM_)?CONNECTION_ID$|_PORT$|^UPSTREAM_CONNECTION_POOL_READY_DURATION$/
const TOKENS =
  /_ADDRESS(_WITHOUT_PORT)?$|_V_(START|END)$|^(SPAN_ID|STREAM_ID|HOSTNAME|UPSTREAM_HOST_NAME(_WITHOUT_PORT)?|UPSTREAM_PROTOCOL|UPSTREAM_HOSTS_ATTEMPTED)$/
const FREE = /^(START_TIME|START_TIME_LOCAL|EMIT_TIME|EMIT_TIME_LOCAL)$/
const KNOWN =
  /^(VIRTUAL_CLUSTER_NAME|REQUESTED_SERVER_NAME|FILTER_CHAIN_NAME|(UP|DOWN)STREAM_(TRANSPORT_FAILURE_REASON|LOCAL_CLOSE_REASON|DETECTED_CLOSE_TYPE)|(UP|DOWN)STREAM_(PEER|LOCAL|TLS)_\w+|UNIQUE_ID|DYNAMIC_METADATA|(UPSTREAM_)?(CLUSTER_)?METADATA|(UPSTREAM_)?FILTER_STATE|CEL|COALESCE|ENVIRONMENT|CUSTOM_FLAGS|TLS_JA[34]_FINGERPRINT|QUERY_PARAMS?|REQ|REQUEST_HEADER|REQ_WITHOUT_QUERY|RESP|RESPONSE_HEADER|TRAILER|RESPONSE_TRAILER)$/

/** Request headers with a field of their own, with the shape of their values in text. */
const REQUEST: ReadonlyMap<string, Target> = new Map([
  [":METHOD", text(Field.method)],
  [":PATH", text(Field.path, Shape.wild)],
  ["X-ENVOY-ORIGINAL-PATH", text(Field.originalPath, Shape.wild)],
  ["X-ENVOY-ORIGINAL-PATH?:PATH", text(Field.eitherPath, Shape.wild)],
  // Envoy refuses an authority with blanks or quotes before it logs one (seen with 1.40 over HTTP/1.1 and HTTP/2).
  [":AUTHORITY", text(Field.authority)],
  ["HOST", text(Field.authority, Shape.token, 1)],
  ["USER-AGENT", text(Field.userAgent, Shape.wild)],
  ["X-REQUEST-ID", text(Field.requestId, Shape.wild)],
  ["X-AMZN-TRACE-ID", text(Field.traceId, Shape.wild)],
  ["TRACEPARENT", text(Field.traceId, Shape.wild, 1)],
  ["CONTENT-TYPE", text(Field.contentType, Shape.wild)],
])

function requestHeader(argument: string): Target {
  const key = argument.toUpperCase()
  const known = REQUEST.get(key)
  if (known !== undefined) return known
  // Which of two headers a value came from cannot be told, so only a header alone gets a name.
  return key.includes("?") || key === ""
    ? skip(Shape.wild)
    : target(Kind.text, Shape.wild, -1, 0, argument.toLowerCase())
}

function responseHeader(argument: string): Target {
  const key = argument.toUpperCase()
  if (key === "X-ENVOY-UPSTREAM-SERVICE-TIME") return number(Kind.upstreamTime)
  return key === "GRPC-STATUS" ? target(Kind.grpc, Shape.number) : skip(Shape.wild)
}

/** `%PATH(WQ:ORIG)%` of newest Envoys: with or without query, and which path. */
function pathOperator(argument: string): Target {
  const which = argument.toUpperCase().split(":")[1] ?? "ORIG_OR_PATH"
  if (which === "PATH") return text(Field.path, Shape.wild)
  return text(which === "ORIG" ? Field.originalPath : Field.eitherPath, Shape.wild)
}

/** Where the value of an operator goes and what it looks like; an operator that nobody knows is skipped over. */
export function targetOf(operator: Operator): Target {
  const { name, argument } = operator
  switch (name) {
    case "REQ":
    case "REQUEST_HEADER":
    case "REQ_WITHOUT_QUERY":
      return requestHeader(argument)
    case "RESP":
    case "RESPONSE_HEADER":
    case "TRAILER":
    case "RESPONSE_TRAILER":
      return responseHeader(argument)
    case "PATH":
      return pathOperator(argument)
    case "START_TIME":
      return text(Field.startTime, argument === "" ? Shape.time : Shape.free)
    case "COMMON_DURATION":
      return argument === "DS_RX_BEG:DS_TX_END:ms" ? number(Kind.duration) : skip(Shape.number)
    default:
      return PLAIN.get(name) ?? skip(skippedShape(name))
  }
}

function skippedShape(name: string): number {
  if (NUMBERS.test(name)) return Shape.number
  if (TOKENS.test(name)) return Shape.token
  return FREE.test(name) ? Shape.free : Shape.wild
}

/** Whether this build knows the operator at all; an unknown one costs nothing but may make text lines doubtful. */
export function knownOperator(operator: Operator): boolean {
  const { name } = operator
  return (
    name === "" ||
    targetOf(operator).kind !== Kind.skip ||
    KNOWN.test(name) ||
    skippedShape(name) !== Shape.wild
  )
}
