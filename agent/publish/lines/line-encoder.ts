import { type AccessFact, Field } from "#mesh/access.ts"
import { answeredByIndex } from "#mesh/answered-by.ts"
import { ANSWERED_BY, OUTCOMES, outcomeOf } from "#mesh/outcome.ts"
import type { ProxyIdentity } from "#mesh/proxy.ts"
import { DOUBTS, PROTOCOLS, type Resolution } from "#mesh/request.ts"
import { put, putNumber } from "./bytes.ts"
import { FLAGS_MOST_BYTES, writeFlags } from "./flag-member.ts"
import { type LineMember, memberHead, wholeMember } from "./line-members.ts"
import { startTimeMs, writeTime } from "./line-time.ts"
import { makeNameMembers, NAMES_MOST_BYTES } from "./name-members.ts"
import { fittingLength, makeTextMembers, NO_LIMIT } from "./text-members.ts"
import { writeTrace } from "./trace-member.ts"

export interface LineEncoderConfig {
  /** Empty: the member is left out. */
  readonly cluster: string
  /** `keep`: paths with what stands behind `?`. */
  readonly query: "drop" | "keep"
  /** Most bytes of one line; long texts are cut to fit. At least 65,536: names and numbers are not cut. */
  readonly maxBytes: number
}

/** A view: `bytes` are overwritten by the next line, and so is the object. */
export interface EncodedLine {
  /** One JSON object, UTF-8, without newline. */
  bytes: Uint8Array
  /** When the request began, ms since the epoch. */
  timeMs: number
}

/** Makes one JSON object (`LINE_MEMBERS`) of each access line, in a buffer that it keeps. */
export interface LineEncoder {
  /** Never throws; whatever bytes the line holds, the answer is valid JSON. */
  encode(fact: AccessFact, resolution: Resolution, proxy: ProxyIdentity): EncodedLine
}

const KEPT_BYTES = 64 * 1024
/** Lines longer than this are rare. */
const VIEWS = 4096
/** Of everything but names and texts: some 25 members with numbers of at most 17 digits. */
const REST_BYTES = 1024 + FLAGS_MOST_BYTES
/** Year 9999. */
const LAST_MS = 253_402_300_799_999
const OPEN = Buffer.from(`{${memberHead("time").subarray(1).toString()}"`)
const FROM_READ = wholeMember("time_from", "read")
const HEALTH_CHECK = wholeMember("health_check", true)
const TRUNCATED = wholeMember("truncated", true)
const TCP_PROTOCOL = wholeMember("protocol", "tcp")
const OUTCOME = OUTCOMES.map((name) => wholeMember("outcome", name))
/** By protocol, outcome and who answered, which are written together. */
const ENDINGS = PROTOCOLS.flatMap((protocol) =>
  OUTCOMES.flatMap((outcome) =>
    ANSWERED_BY.map((who) =>
      Buffer.concat([
        wholeMember("protocol", protocol),
        wholeMember("outcome", outcome),
        wholeMember("answered_by", who),
      ]),
    ),
  ),
)
const DOUBT = new Map(DOUBTS.map((doubt) => [doubt, wholeMember("doubt", doubt)]))
const [CODE, GRPC, ATTEMPTS, DURATION, UPSTREAM, REQUEST, RESPONSE] = (
  [
    "code",
    "grpc_status",
    "attempts",
    "duration_ms",
    "upstream_ms",
    "request_bytes",
    "response_bytes",
  ] as const satisfies readonly LineMember[]
).map(memberHead)
const QUOTE = 0x22
const CLOSE = 0x7d

/** @param deps.now the time of lines that tell none, ms since the epoch */
export function makeLineEncoder(
  config: LineEncoderConfig,
  deps: { readonly now: () => number },
): LineEncoder {
  const names = makeNameMembers(config.cluster)
  const texts = makeTextMembers(config.query === "keep")
  let out = Buffer.allocUnsafe(KEPT_BYTES)
  // A view of each length, since making one costs more than filling it.
  let views = noViews()
  const line: EncodedLine = { bytes: out.subarray(0, 0), timeMs: 0 }

  const reserve = (bytes: number): void => {
    const wanted = Math.max(KEPT_BYTES, bytes)
    // What one huge line needed is given back with the next one.
    if (wanted <= out.length && out.length <= KEPT_BYTES) return
    if (wanted === out.length) return
    out = Buffer.allocUnsafe(wanted)
    views = noViews()
  }
  const view = (length: number): Uint8Array => {
    if (length >= VIEWS) return out.subarray(0, length)
    return (views[length] ??= out.subarray(0, length))
  }
  return {
    encode(fact, resolution, proxy) {
      reserve(NAMES_MOST_BYTES + texts.size(fact) + REST_BYTES)
      const said = startOf(fact)
      line.timeMs = said < 0 ? Math.floor(deps.now()) : said
      let to = put(out, 0, OPEN)
      to = writeTime(out, to, line.timeMs)
      out[to++] = QUOTE
      if (said < 0) to = put(out, to, FROM_READ)
      const textsAt = names.write(out, to, resolution, proxy)
      to = writeNumbers(out, texts.write(out, textsAt, fact, NO_LIMIT), fact, resolution)
      if (to >= config.maxBytes) {
        const rest = to - sum(texts.lengths) + TRUNCATED.length + 1
        const each = fittingLength(texts.lengths, config.maxBytes - rest)
        to = writeNumbers(out, texts.write(out, textsAt, fact, each), fact, resolution)
        to = put(out, to, TRUNCATED)
      }
      out[to++] = CLOSE
      line.bytes = view(to)
      return line
    },
  }
}

const noViews = (): (Uint8Array | undefined)[] => Array.from({ length: VIEWS }, () => undefined)

/** ms since the epoch; -1 when the line tells none that can be understood. */
function startOf({ spans, bytes }: AccessFact): number {
  const start = spans[Field.startTime * 2] ?? -1
  if (start < 0) return -1
  const ms = startTimeMs(bytes, start, spans[Field.startTime * 2 + 1] ?? start)
  return ms >= 0 && ms <= LAST_MS ? ms : -1
}

/** Everything behind the texts: all that is short. */
function writeNumbers(out: Buffer, to: number, fact: AccessFact, resolution: Resolution): number {
  const { kind, doubt } = resolution
  to = kind === "tcp" ? writeConnection(out, to, fact) : writeRequest(out, to, fact, resolution)
  to = writeFlags(out, to, fact.flags)
  to = writeNumber(out, to, DURATION, fact.durationMs)
  to = writeNumber(out, to, REQUEST, fact.bytesReceived)
  to = writeNumber(out, to, RESPONSE, fact.bytesSent)
  to = writeTrace(out, to, fact)
  if (kind === "health_check") to = put(out, to, HEALTH_CHECK)
  return doubt === undefined ? to : writeWhole(out, to, DOUBT.get(doubt))
}

/** A connection has no HTTP status: its flags alone tell how it ended. */
function writeConnection(out: Buffer, to: number, fact: AccessFact): number {
  to = put(out, to, TCP_PROTOCOL)
  return writeWhole(out, to, OUTCOME[outcomeOf(200, -1, fact.flags, false)])
}

function writeRequest(
  out: Buffer,
  to: number,
  fact: AccessFact,
  { kind, row, protocol }: Resolution,
): number {
  to = writeNumber(out, to, CODE, fact.code)
  to = writeNumber(out, to, GRPC, fact.grpcStatus)
  to = writeNumber(out, to, ATTEMPTS, fact.attempts)
  to = writeNumber(out, to, UPSTREAM, fact.upstreamMs)
  // Without a reporter neither protocol nor outcome is decided.
  if (kind === "undecided") return to
  const outcome = outcomeOf(fact.code, fact.grpcStatus, fact.flags, row.reporter === "gateway")
  const ending = (protocol * OUTCOMES.length + outcome) * ANSWERED_BY.length + answeredByIndex(fact)
  return writeWhole(out, to, ENDINGS[ending])
}

function writeWhole(out: Buffer, to: number, member: Buffer | undefined): number {
  return member === undefined ? to : put(out, to, member)
}

/** Nothing for -1, which is not known, and for what no number of a request can be. */
function writeNumber(out: Buffer, to: number, head: Buffer | undefined, value: number): number {
  if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER) || head === undefined) return to
  return putNumber(out, put(out, to, head), value)
}

function sum(lengths: Int32Array): number {
  let all = 0
  for (const length of lengths) all += length
  return all
}
