import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type AccessFact, Field, fieldText } from "#mesh/access.ts"
import { flagBits } from "#mesh/flags.ts"
import type { AccessLogFormat, JsonFormat } from "#mesh/proxy.ts"
import { FRAMER_DEFAULTS, LineFramer } from "../agent/decode/access-log/framing.ts"
import { LineReader, LineResult } from "../agent/decode/access-log/line-reader.ts"
import { type BenchResult, bestCpuMs, printAlone } from "./result.ts"

/** Few enough to stay in the cache, as what was just read from a file is. */
const LINES = 10_000
const ROUNDS = 40
const PEER_ROUNDS = 12
/** mtail tells its time in ms, so it gets the file many times over. */
const MTAIL_TIMES = 10
const CHUNK = 256 * 1024

/**
 * P5 and P6: access lines to facts with all their fields, framing included, against `JSON.parse` per line and against
 * one regular expression that captures the same fields. With the path of mtail in `MTAIL` also against that, on the
 * same lines, for the four fields of a request count and a duration histogram; it counts them too.
 */
export function accessLogBench(): Promise<BenchResult[]> {
  const requests = makeRequests()
  const json = Buffer.from(requests.map((request) => `${jsonLine(request)}\n`).join(""))
  const text = Buffer.from(requests.map((request) => `${textLine(request)}\n`).join(""))
  const framed = Buffer.from(requests.map((request) => `${FRAME}${textLine(request)}\n`).join(""))
  const jsonFormat: AccessLogFormat = { kind: "json", fields: FIELDS }
  const p5 = compare(json, jsonFormat, byJsonParse)
  const p6 = compare(text, { kind: "default" }, byRegex)
  const unit = "ns CPU per line"
  const results: BenchResult[] = [
    { id: "P5", what: `JSON lines of ${size(json)}, against JSON.parse`, unit, ...p5, goal: { most: 500 } },
    { id: "P6", what: `default text of ${size(text)}, against one regex`, unit, ...p6, goal: { most: 250 } },
    { id: "P6", what: "the same text in CRI framing", unit, ours: timeOurs(framed, { kind: "default" }) },
  ]
  const mtail = process.env["MTAIL"]
  if (mtail !== undefined) {
    const ofJson = timeMtail(mtail, json, MTAIL_JSON)
    const ofText = timeMtail(mtail, text, MTAIL_TEXT)
    results.push(
      {
        id: "P5",
        what: "JSON lines, against mtail",
        unit,
        ours: p5.ours,
        peer: ofJson,
        goal: { most: ofJson / 20 },
      },
      {
        id: "P6",
        what: "default text, against mtail",
        unit,
        ours: p6.ours,
        peer: ofText,
        goal: { most: ofText / 20 },
      },
    )
  }
  return Promise.resolve(results)
}

const size = (file: Buffer): string => `${Math.round(file.length / LINES)} B`

const FRAME = "2026-11-20T15:53:52.113456789Z stdout F "

interface Request {
  readonly time: string
  readonly method: string
  readonly path: string
  readonly code: number
  readonly flags: string
  readonly received: number
  readonly sent: number
  readonly duration: number
  readonly service: number
  readonly agent: string
  readonly id: string
  readonly authority: string
  readonly host: string
}

const AGENTS = [
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0 Safari/537.36",
  "grpc-node-js/1.11.1",
  "kube-probe/1.30",
  "curl/8.5.0",
]
const PATHS = [
  "/api/v1/orders",
  "/api/v1/orders/%",
  "/api/v2/users/%/cart",
  "/healthz",
  "/static/app.%.js",
  "/search?q=%&page=2",
]

function makeRequests(): Request[] {
  let state = 42
  const next = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const pick = (list: readonly string[]): string => list[next(list.length)] ?? ""
  const hex = (digits: number): string =>
    next(16 ** digits)
      .toString(16)
      .padStart(digits, "0")
  return Array.from({ length: LINES }, (_, index) => {
    const failed = next(100) < 3
    const duration = Math.floor(Math.exp(next(600) / 100))
    return {
      time: new Date(1_790_000_000_000 + index * 3).toISOString(),
      method: next(10) < 7 ? "GET" : "POST",
      path: pick(PATHS).replace("%", String(next(100_000))),
      code: failed ? 503 : next(20) === 0 ? 404 : 200,
      flags: failed ? pick(["UF", "UO", "URX,UF", "UC"]) : "-",
      received: next(900),
      sent: next(90_000),
      duration,
      service: Math.max(0, duration - 1),
      agent: pick(AGENTS),
      id: `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(6)}${hex(6)}`,
      authority: `svc-${next(40)}.prod.svc.cluster.local:8080`,
      host: `10.1.${next(256)}.${next(256)}:8080`,
    }
  })
}

const textLine = (r: Request): string =>
  `[${r.time}] "${r.method} ${r.path} HTTP/1.1" ${r.code} ${r.flags} ${r.received} ${r.sent} ${r.duration} ${r.service} "-" "${r.agent}" "${r.id}" "${r.authority}" "${r.host}"`

/** The format that we recommend. */
const FIELDS: JsonFormat = {
  start_time: "%START_TIME%",
  method: "%REQ(:METHOD)%",
  path: "%REQ(:PATH)%",
  original_path: "%REQ(X-ENVOY-ORIGINAL-PATH)%",
  protocol: "%PROTOCOL%",
  authority: "%REQ(:AUTHORITY)%",
  response_code: "%RESPONSE_CODE%",
  response_code_details: "%RESPONSE_CODE_DETAILS%",
  response_flags: "%RESPONSE_FLAGS%",
  bytes_received: "%BYTES_RECEIVED%",
  bytes_sent: "%BYTES_SENT%",
  duration: "%DURATION%",
  upstream_service_time: "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
  upstream_cluster: "%UPSTREAM_CLUSTER%",
  upstream_host: "%UPSTREAM_HOST%",
  attempts: "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
  grpc_status: "%GRPC_STATUS_NUMBER%",
  route_name: "%ROUTE_NAME%",
  downstream_local_address: "%DOWNSTREAM_LOCAL_ADDRESS%",
  downstream_remote_address: "%DOWNSTREAM_REMOTE_ADDRESS%",
  user_agent: "%REQ(USER-AGENT)%",
  request_id: "%REQ(X-REQUEST-ID)%",
  x_amzn_trace_id: "%REQ(X-AMZN-TRACE-ID)%",
  termination: "%CONNECTION_TERMINATION_DETAILS%",
}

/** Keys sorted, missing values null, header values as texts: as Envoy 1.40 prints. */
function jsonLine(r: Request): string {
  return JSON.stringify({
    attempts: 1,
    authority: r.authority,
    bytes_received: r.received,
    bytes_sent: r.sent,
    downstream_local_address: "10.1.2.3:8080",
    downstream_remote_address: "10.1.9.9:41234",
    duration: r.duration,
    grpc_status: null,
    method: r.method,
    original_path: null,
    path: r.path,
    protocol: "HTTP/1.1",
    request_id: r.id,
    response_code: r.code,
    response_code_details:
      r.code === 503 ? "upstream_reset_before_response_started{connection_failure}" : "via_upstream",
    response_flags: r.flags,
    route_name: null,
    start_time: r.time,
    termination: null,
    upstream_cluster: `cds_egress_prod-mesh_${r.authority.slice(0, 6)}_prod_http_8080`,
    upstream_host: r.host,
    upstream_service_time: String(r.service),
    user_agent: r.agent,
    x_amzn_trace_id: "Root=1-67891233-abcdef012345678912345678",
  })
}

/** What is compared of every line, and summed in the timed runs so that nothing is left out. */
interface Answer {
  readonly code: number
  readonly flags: string
  readonly duration: number
  readonly sent: number
  readonly path: string
  readonly authority: string
  readonly host: string
  readonly agent: string
}
/** One line by the peer's way. */
type Peer = (line: string) => Answer

function byJsonParse(line: string): Answer {
  const o: unknown = JSON.parse(line)
  const member = (key: string): unknown =>
    typeof o === "object" && o !== null ? Reflect.get(o, key) : undefined
  const text = (key: string): string => String(member(key))
  return {
    code: Number(member("response_code")),
    flags: text("response_flags"),
    duration: Number(member("duration")),
    sent: Number(member("bytes_sent")),
    path: text("path"),
    authority: text("authority"),
    host: text("upstream_host"),
    agent: text("user_agent"),
  }
}

const LINE =
  /^\[([^\]]+)\] "(\S+) (\S+) (\S+)" (\d+) (\S+) (\d+) (\d+) (\d+) (\S+) "([^"]*)" "([^"]*)" "([^"]*)" "([^"]*)" "([^"]*)"$/

function byRegex(line: string): Answer {
  const m = LINE.exec(line) ?? []
  return {
    code: Number(m[5]),
    flags: m[6] ?? "",
    duration: Number(m[9]),
    sent: Number(m[8]),
    path: m[3] ?? "",
    authority: m[14] ?? "",
    host: m[15] ?? "",
    agent: m[12] ?? "",
  }
}

function byFact(fact: AccessFact): Answer {
  const text = (field: number): string => fieldText(fact, field) ?? "-"
  return {
    code: fact.code,
    flags: text(Field.flags),
    duration: fact.durationMs,
    sent: fact.bytesSent,
    path: fieldText(fact, Field.path) ?? text(Field.eitherPath),
    authority: text(Field.authority),
    host: text(Field.upstreamHost),
    agent: text(Field.userAgent),
  }
}

function compare(file: Buffer, format: AccessLogFormat, peer: Peer): { ours: number; peer: number } {
  requireEqual(file, format, peer)
  const ours = timeOurs(file, format)
  let sum = 0
  const ms = bestCpuMs(PEER_ROUNDS, () => {
    sum = 0
    for (const line of file.toString("latin1").split("\n")) {
      if (line === "") continue
      const { code, flags, duration, sent } = peer(line)
      sum += code + flagBits(flags) + duration + sent
    }
  })
  if (sum !== runOurs(file, format)) throw new Error("the sums differ")
  return { ours, peer: (ms * 1e6) / LINES }
}

function requireEqual(file: Buffer, format: AccessLogFormat, peer: Peer): void {
  const lines = file.toString("latin1").split("\n")
  let index = 0
  eachFact(file, format, (fact) => {
    const wanted = JSON.stringify(peer(lines[index] ?? ""))
    const got = JSON.stringify(byFact(fact))
    if (wanted !== got) throw new Error(`line ${index}: ${got} against ${wanted}`)
    index += 1
  })
  if (index !== LINES) throw new Error(`${index} lines of ${LINES}`)
}

function timeOurs(file: Buffer, format: AccessLogFormat): number {
  return (bestCpuMs(ROUNDS, () => runOurs(file, format)) * 1e6) / LINES
}

function runOurs(file: Buffer, format: AccessLogFormat): number {
  let sum = 0
  eachFact(file, format, (fact) => {
    sum += fact.code + fact.flags + fact.durationMs + fact.bytesSent
  })
  return sum
}

/** The agent's way: buffers of whole lines as the tailer hands them over, framing, reader. */
function eachFact(file: Buffer, format: AccessLogFormat, onFact: (fact: AccessFact) => void): void {
  const reader = new LineReader([{ format, kind: "http" }])
  const framer = new LineFramer(FRAMER_DEFAULTS)
  for (let start = 0; start < file.length; ) {
    const end = file.lastIndexOf(10, Math.min(start + CHUNK, file.length) - 1) + 1
    framer.frame(file, start, end, (bytes, from, to) => {
      if (reader.read(bytes, from, to) === LineResult.access) onFact(reader.fact)
    })
    start = end
  }
}

const MTAIL_JSON = String.raw`"authority":"(?P<authority>[^"]*)".*"duration":(?P<duration>\d+).*"method":"(?P<method>[A-Z]+)".*"response_code":(?P<code>\d+)`
const MTAIL_TEXT = String.raw`^\[[^\]]+\] "(?P<method>\S+) \S+ \S+" (?P<code>\d+) \S+ \d+ \d+ (?P<duration>\d+) \S+ "[^"]*" "[^"]*" "[^"]*" "(?P<authority>[^"]*)" "`

/** User and system time of mtail over the file, without what it takes to start, ns per line. */
function timeMtail(mtail: string, file: Buffer, pattern: string): number {
  const folder = mkdtempSync(join(tmpdir(), "bench-mtail-"))
  try {
    const program = [
      "counter rq by authority, method, code",
      "histogram ms by authority, method buckets 1, 5, 10, 25, 50, 100, 250, 500, 1000",
      `/${pattern}/ {\n  rq[$authority][$method][$code]++\n  ms[$authority][$method] = $duration\n}\n`,
    ]
    writeFileSync(join(folder, "p.mtail"), program.join("\n"))
    writeFileSync(join(folder, "lines.log"), Buffer.concat(Array.from({ length: MTAIL_TIMES }, () => file)))
    writeFileSync(join(folder, "empty.log"), "")
    const empty = mtailSeconds(mtail, folder, "empty.log")
    const full = mtailSeconds(mtail, folder, "lines.log")
    const counted = [...readFileSync(join(folder, "out"), "utf8").matchAll(/^rq\{.*\} (\d+)/gm)]
    const total = counted.reduce((sum, match) => sum + Number(match[1]), 0)
    const lines = LINES * MTAIL_TIMES
    if (total !== lines) throw new Error(`mtail counted ${total} of ${lines} lines`)
    return ((full - empty) * 1e9) / lines
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function mtailSeconds(mtail: string, folder: string, log: string): number {
  const command = `TIMEFORMAT='%U %S'; time "$0" --one_shot --one_shot_format=prometheus --progs p.mtail --logs ${log} --address 127.0.0.1 --port 0 >out 2>err`
  const run = spawnSync("bash", ["-c", command, mtail], { cwd: folder })
  if (run.status !== 0) throw new Error(`mtail: ${readFileSync(join(folder, "err"), "utf8").slice(0, 300)}`)
  return run.stderr
    .toString()
    .trim()
    .split(" ")
    .reduce((sum, seconds) => sum + Number(seconds), 0)
}

if (import.meta.main) await printAlone(accessLogBench)
