import { type AccessFact, Field, fieldText } from "#mesh/access.ts"
import { answeredByIndex } from "#mesh/answered-by.ts"
import { flagsText } from "#mesh/flags.ts"
import { ANSWERED_BY, OUTCOMES, outcomeOf } from "#mesh/outcome.ts"
import type { ProxyIdentity } from "#mesh/proxy.ts"
import { makeInterner, PROTOCOLS, type Resolution } from "#mesh/request.ts"
import { fileLoggers, lineReader, readableLogs } from "../agent/access-logs.ts"
import { FRAMER_DEFAULTS, LineFramer } from "../agent/decode/access-log/framing.ts"
import { LineResult } from "../agent/decode/access-log/line-reader.ts"
import { makeLogLineProducer } from "../agent/publish/cloudwatch-logs/line-producer.ts"
import { type LogBatch, splitLogEvents } from "../agent/publish/cloudwatch-logs/split.ts"
import type { LineConsumer, Outbox, QueueRecord, Split } from "../agent/publish/contract.ts"
import { makeResolver } from "../agent/resolve/resolver.ts"
import { jsonLine, MESH, makeRequests, OWN_NODE } from "./requests.ts"
import { type BenchResult, bestInTurnMs, printAlone } from "./result.ts"
import { declaredMesh, sidecarConfig } from "./sidecar.ts"

/** Few enough to stay in the cache, as what was just read from a file is. */
const LINES = 10_000
const ROUNDS = 30
const NOW = 1_790_000_060_000
const GROUP = `/meshscope/${MESH}/access`
/** Of the peer's time for what is not shared. */
const MOST_SHARE = 0.5
const segment = new Uint8Array(LINES * 4096)
const PROXY: ProxyIdentity = {
  proxy: "front-0",
  nodeId: `mesh/${MESH}/virtualNode/${OWN_NODE}`,
  flavor: "app-mesh",
  mesh: MESH,
  role: "sidecar",
  resource: OWN_NODE,
}

/** P18: an access line's way into a PutLogEvents request, against making an object of each line and `JSON.stringify`. */
export function cloudWatchLogsBench(): Promise<BenchResult[]> {
  const file = Buffer.from(
    makeRequests(LINES)
      .map((request) => `${jsonLine(request)}\n`)
      .join(""),
  )
  const read = makeReader(file)
  const run = (make: (outbox: Outbox) => LineConsumer): Split<LogBatch> => {
    const records: QueueRecord[] = []
    read(make(outboxOf(records)))
    return splitLogEvents(records, NOW)
  }
  const ours = (): Split<LogBatch> => run(ownProducer)
  const peer = (): Split<LogBatch> => run(objectProducer)
  requireEqual(eventsOf(ours()), eventsOf(peer()))
  const [oursMs, peerMs, readMs] = bestInTurnMs(ROUNDS, [ours, peer, () => read({ line: () => undefined })])
  const perLine = (ms: number): number => (ms * 1e6) / LINES
  const beside =
    "both read and name the line, copy its event and split the requests with the same code; the peer makes an object and a text. The events are equal as JSON values, and so are the requests"
  const id = "P18"
  const unit = "ns CPU per line"
  return Promise.resolve([
    {
      id,
      what: "an access line to a CloudWatch Logs request: decode, resolve, event, split, against an object and JSON.stringify",
      unit,
      ours: perLine(oursMs),
      peer: perLine(peerMs),
      beside,
    },
    {
      id,
      what: "of that, the event and the split alone",
      unit,
      ours: perLine(oursMs - readMs),
      peer: perLine(peerMs - readMs),
      beside: `${beside}; the time of reading and naming, measured in the same turns, is taken off`,
      goal: { most: perLine(peerMs - readMs) * MOST_SHARE },
    },
  ])
}

/** As the queue does: what is put in is copied behind what was there. */
function outboxOf(records: QueueRecord[]): Outbox {
  let end = 0
  return {
    append(key, timeMs, payload, count = 1) {
      segment.set(payload, end)
      records.push({ key, timeMs, count, payload: segment.subarray(end, end + payload.length) })
      end += payload.length
    },
  }
}

function makeReader(file: Buffer): (consumer: LineConsumer) => void {
  const config = sidecarConfig()
  const readable = readableLogs({ logs: ["/var/log/front.log"] })
  const { reader, abilities } = lineReader(fileLoggers(config, readable))
  const { resolver } = makeResolver({
    config,
    identity: { proxy: PROXY.proxy },
    declared: { meshes: [declaredMesh()] },
    interner: makeInterner(),
    readableLogs: readable,
    ...(abilities === undefined ? {} : { abilities }),
  })
  return (consumer) => {
    const framer = new LineFramer(FRAMER_DEFAULTS)
    framer.frame(file, 0, file.length, (bytes, start, end) => {
      if (reader.read(bytes, start, end) !== LineResult.access) throw new Error("no access line")
      consumer.line(reader.fact, resolver.resolve(reader.fact), PROXY)
    })
  }
}

function ownProducer(outbox: Outbox): LineConsumer {
  return makeLogLineProducer(
    { group: "/meshscope/{mesh}/access", cluster: "prod", healthChecks: "keep", sample2xx: 1, query: "keep" },
    { outbox, now: () => NOW },
  )
}

/** The straight way. */
function objectProducer(outbox: Outbox): LineConsumer {
  return {
    line(fact, resolution, proxy) {
      const time = fieldText(fact, Field.startTime) ?? ""
      const event = { time, ...whoOf(resolution, proxy), ...whatOf(fact, resolution) }
      outbox.append(GROUP, Date.parse(time), Buffer.from(JSON.stringify(event)))
    },
  }
}

const orNothing = (text: string): string | undefined => (text === "" ? undefined : text)
const known = (amount: number): number | undefined => (amount < 0 ? undefined : amount)

function whoOf({ row, target }: Resolution, { proxy }: ProxyIdentity): object {
  return {
    mesh: row.mesh,
    flavor: row.flavor,
    reporter: row.reporter,
    virtual_gateway: orNothing(row.virtualGateway),
    gateway_route: orNothing(row.gatewayRoute),
    virtual_service: orNothing(row.virtualService),
    virtual_router: orNothing(row.virtualRouter),
    route: orNothing(row.route),
    source: orNothing(row.source),
    virtual_node: orNothing(target.name),
    cluster: "prod",
    proxy,
  }
}

const XRAY = /Root=(1-[0-9a-f]{8}-[0-9a-f]{24})/

function whatOf(fact: AccessFact, { kind, row, protocol, doubt }: Resolution): object {
  const text = (field: number): string | undefined => fieldText(fact, field)
  const outcome = outcomeOf(fact.code, fact.grpcStatus, fact.flags, row.reporter === "gateway")
  return {
    method: text(Field.method),
    path: text(Field.path) ?? text(Field.eitherPath),
    original_path: text(Field.originalPath),
    authority: text(Field.authority),
    details: text(Field.details),
    termination: text(Field.termination),
    upstream_host: text(Field.upstreamHost),
    user_agent: text(Field.userAgent),
    request_id: text(Field.requestId),
    code: known(fact.code),
    grpc_status: known(fact.grpcStatus),
    attempts: known(fact.attempts),
    upstream_ms: known(fact.upstreamMs),
    protocol: PROTOCOLS[protocol],
    outcome: OUTCOMES[outcome],
    answered_by: ANSWERED_BY[answeredByIndex(fact)],
    flags: flagsText(fact.flags),
    duration_ms: known(fact.durationMs),
    request_bytes: known(fact.bytesReceived),
    response_bytes: known(fact.bytesSent),
    trace_id: XRAY.exec(text(Field.traceId) ?? "")?.[1],
    health_check: kind === "health_check" ? true : undefined,
    doubt,
  }
}

/** The requests' events as sorted members: both ways share the segment. */
function eventsOf({ requests, refused }: Split<LogBatch>): string[][] {
  if (refused.size > 0) throw new Error("events were refused")
  return requests.map(({ body }) => body.events.map(({ message }) => sorted(message)))
}

function sorted(message: Uint8Array): string {
  const event: Readonly<Record<string, unknown>> = JSON.parse(Buffer.from(message).toString())
  return JSON.stringify(Object.entries(event).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function requireEqual(ours: readonly string[][], peer: readonly string[][]): void {
  if (ours.flat().length !== LINES) throw new Error(`${ours.flat().length} events of ${LINES}`)
  for (const [index, events] of ours.entries()) {
    for (const [at, event] of events.entries()) {
      const wanted = peer[index]?.[at]
      if (event !== wanted) throw new Error(`${event} against ${wanted}`)
    }
  }
}

if (import.meta.main) await printAlone(cloudWatchLogsBench)
