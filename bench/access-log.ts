import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type AccessFact, Field, fieldText } from "#mesh/access.ts"
import { flagBits } from "#mesh/flags.ts"
import type { AccessLogFormat } from "#mesh/proxy.ts"
import { RECOMMENDED_JSON } from "#mesh/recommended-format.ts"
import { FRAMER_DEFAULTS, LineFramer } from "../agent/decode/access-log/framing.ts"
import { LineReader, LineResult } from "../agent/decode/access-log/line-reader.ts"
import { CRI_FRAME, jsonLine, makeRequests, textLine } from "./requests.ts"
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
  const requests = makeRequests(LINES)
  const json = Buffer.from(requests.map((request) => `${jsonLine(request)}\n`).join(""))
  const text = Buffer.from(requests.map((request) => `${textLine(request)}\n`).join(""))
  const framed = Buffer.from(requests.map((request) => `${CRI_FRAME}${textLine(request)}\n`).join(""))
  const jsonFormat: AccessLogFormat = { kind: "json", fields: RECOMMENDED_JSON }
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
