import { type AccessFact, Field, fieldText } from "#mesh/access.ts"
import { RECOMMENDED_JSON } from "#mesh/recommended-format.ts"
import { FRAMER_DEFAULTS, LineFramer } from "../agent/decode/access-log/framing.ts"
import { LineReader, LineResult } from "../agent/decode/access-log/line-reader.ts"
import { EntryReader } from "../agent/decode/als/entry-reader.ts"
import { AlsWorkspace } from "../agent/decode/als/workspace.ts"
import { httpEntry, message } from "../test/fixtures/als/entries.ts"
import { jsonLine, makeRequests, type Request } from "./requests.ts"
import { type BenchResult, bestInTurnMs, printAlone } from "./result.ts"

/** Few enough to stay in the cache, as what just came is. */
const REQUESTS = 10_000
const ROUNDS = 40
/** Envoy sends a message when 16 KiB are full, its default. */
const MESSAGE_BYTES = 16_384
const CHUNK = 256 * 1024

/**
 * Entries of the gRPC access log service to facts with all their fields, beside the same requests as JSON lines: what
 * either way of sending requests costs the agent to read. The gRPC frames around messages are not part of it, nor is the
 * reading of files.
 */
export function entriesBench(): Promise<BenchResult[]> {
  const requests = makeRequests(REQUESTS)
  const lines = Buffer.from(requests.map((request) => `${jsonLine(request)}\n`).join(""))
  const entries = requests.map(entryOf)
  const messages = messagesOf(entries)
  requireEqual(lines, messages)
  if (run(eachLine, lines) !== run(eachEntry, messages)) throw new Error("the sums differ")
  const [ours, peer] = bestInTurnMs(ROUNDS, [() => run(eachEntry, messages), () => run(eachLine, lines)])
  const size = Math.round(entries.reduce((all, { length }) => all + length, 0) / REQUESTS)
  return Promise.resolve([
    {
      id: "P5",
      what: `gRPC access log entries of ${size} B, beside our own reading of the same requests as JSON lines`,
      unit: "ns CPU per request",
      ours: (ours * 1e6) / REQUESTS,
      peer: (peer * 1e6) / REQUESTS,
      beside: `both are ours and find all fields; an entry's addresses and times are numbers, of which words are made that lines have already. ${EQUAL}`,
    },
  ])
}

const EQUAL =
  "Method, path, authority, code, flags, details, duration, bytes, attempts, cluster, addresses, user agent, ids and protocol of every request are equal"

/** `ResponseFlags` of accesslog.proto. */
const FLAGS: Readonly<Record<string, number>> = { UF: 6, UC: 7, UO: 8, URX: 16 }
const NS_PER_MS = 1_000_000n

function address(text: string): readonly [string, number] {
  const [host = "", port] = text.split(":")
  return [host, Number(port)]
}

/** The request of `jsonLine` as Envoy tells it in an entry. */
function entryOf(r: Request): Uint8Array {
  return httpEntry({
    remote: ["10.1.9.9", 41_234],
    local: address(r.local),
    upstream: address(r.host),
    startNs: BigInt(Date.parse(r.time)) * NS_PER_MS,
    durationNs: BigInt(r.duration) * NS_PER_MS,
    cluster: r.cluster,
    attempts: 1,
    flags: r.flags === "-" ? [] : r.flags.split(",").map((flag) => FLAGS[flag] ?? 0),
    version: 2,
    method: r.method === "GET" ? 1 : 3,
    authority: r.authority,
    path: r.path,
    agent: r.agent,
    requestId: r.id,
    received: r.received,
    sent: r.sent,
    requestHeaders: { "x-amzn-trace-id": "Root=1-67891233-abcdef012345678912345678" },
    responseHeaders: { "x-envoy-upstream-service-time": String(r.service) },
    code: r.code,
    details: r.code === 503 ? "upstream_reset_before_response_started{connection_failure}" : "via_upstream",
  })
}

function messagesOf(entries: readonly Uint8Array[]): readonly Buffer[] {
  const messages: Buffer[] = []
  let open: Uint8Array[] = []
  let bytes = 0
  const close = (): void => {
    if (open.length > 0) messages.push(message("http", open))
    open = []
    bytes = 0
  }
  for (const entry of entries) {
    open.push(entry)
    bytes += entry.length
    if (bytes >= MESSAGE_BYTES) close()
  }
  close()
  return messages
}

const notFinished = (): never => {
  throw new Error("an entry that is no finished request")
}

type Each<Source> = (source: Source, onFact: (fact: AccessFact) => void) => void

function eachEntry(messages: readonly Buffer[], onFact: (fact: AccessFact) => void): void {
  const reader = new EntryReader({ requestHeaders: ["x-amzn-trace-id"], grpcStatus: true })
  const workspace = new AlsWorkspace()
  for (const one of messages)
    reader.read(one, workspace, { finished: onFact, intermediate: notFinished, malformed: notFinished })
}

/** Buffers of whole lines as the tailer hands them over, framing, reader. */
function eachLine(file: Buffer, onFact: (fact: AccessFact) => void): void {
  const reader = new LineReader([{ format: { kind: "json", fields: RECOMMENDED_JSON }, kind: "http" }])
  const framer = new LineFramer(FRAMER_DEFAULTS)
  for (let start = 0; start < file.length; ) {
    const end = file.lastIndexOf(10, Math.min(start + CHUNK, file.length) - 1) + 1
    framer.frame(file, start, end, (bytes, from, to) => {
      if (reader.read(bytes, from, to) === LineResult.access) onFact(reader.fact)
    })
    start = end
  }
}

function run<Source>(each: Each<Source>, source: Source): number {
  let sum = 0
  each(source, (fact) => {
    sum += fact.code + fact.flags + fact.durationMs + fact.bytesSent
  })
  return sum
}

/** All that both tell. The text of several flags has another order in lines; their bits say the same. */
function told(fact: AccessFact): string {
  const { code, flags, durationMs, upstreamMs, bytesReceived, bytesSent, attempts, grpcStatus } = fact
  const fields = Object.values(Field).filter((field) => field !== Field.flags)
  const texts = fields.map((field) => fieldText(fact, field) ?? "")
  return JSON.stringify([
    code,
    flags,
    durationMs,
    upstreamMs,
    bytesReceived,
    bytesSent,
    attempts,
    grpcStatus,
    ...texts,
  ])
}

function requireEqual(lines: Buffer, messages: readonly Buffer[]): void {
  const wanted: string[] = []
  eachLine(lines, (fact) => wanted.push(told(fact)))
  let index = 0
  eachEntry(messages, (fact) => {
    const got = told(fact)
    if (got !== wanted[index]) throw new Error(`request ${index}: ${got} against ${wanted[index]}`)
    index += 1
  })
  if (index !== REQUESTS || wanted.length !== REQUESTS) throw new Error(`${index} of ${REQUESTS} requests`)
}

if (import.meta.main) await printAlone(entriesBench)
