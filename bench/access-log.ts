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
import { type BenchResult, bestCpuMs, bestInTurnMs, printAlone } from "./result.ts"

/** Few enough to stay in the cache, as what was just read from a file is. */
const LINES = 10_000
const ROUNDS = 40
/** mtail tells its time in ms, so it gets the file many times over. */
const MTAIL_TIMES = 10
const MTAIL_ROUNDS = 3
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
    {
      id: "P5",
      what: `JSON lines of ${size(json)}, against JSON.parse`,
      unit,
      ...p5,
      beside: `the peer makes a value of every member; ours finds where all are and makes numbers of some. ${ANSWER}`,
      goal: { most: 500 },
    },
    {
      id: "P6",
      what: `default text of ${size(text)}, against one regex`,
      unit,
      ...p6,
      beside: `the peer makes a string of every field; ours finds where they are. ${ANSWER}`,
      goal: { most: 250 },
    },
    { id: "P6", what: "the same text in CRI framing", unit, ours: timeOurs(framed, { kind: "default" }) },
  ]
  const mtail = process.env["MTAIL"]
  if (mtail !== undefined) {
    const ofJson = besideMtail(mtail, json, jsonFormat, MTAIL_JSON)
    const ofText = besideMtail(mtail, text, { kind: "default" }, MTAIL_TEXT)
    results.push(
      {
        id: "P5",
        what: "JSON lines, against mtail",
        unit,
        ...ofJson,
        beside: MTAIL,
        goal: { most: ofJson.peer / 20 },
      },
      {
        id: "P6",
        what: "default text, against mtail",
        unit,
        ...ofText,
        beside: MTAIL,
        goal: { most: ofText.peer / 20 },
      },
    )
  }
  return Promise.resolve(results)
}

const ANSWER =
  "Code, flags, duration, bytes sent, path, authority, upstream host and user agent of every line are equal"
const MTAIL = `the peer is a process of its own that reads the lines from a file and counts four fields of each into metrics, so it does more; ours has them in memory, finds all fields and counts nothing (P7c counts). Its time to start is taken off; Least of ${MTAIL_ROUNDS} rounds, all counted. The numbers of requests by authority, method and code are equal, durations are not compared`

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
  if (runPeer(file, peer) !== runOurs(file, format)) throw new Error("the sums differ")
  const [ours, ms] = bestInTurnMs(ROUNDS, [() => runOurs(file, format), () => runPeer(file, peer)])
  return { ours: (ours * 1e6) / LINES, peer: (ms * 1e6) / LINES }
}

function runPeer(file: Buffer, peer: Peer): number {
  let sum = 0
  for (const line of file.toString("latin1").split("\n")) {
    if (line === "") continue
    const { code, flags, duration, sent } = peer(line)
    sum += code + flagBits(flags) + duration + sent
  }
  return sum
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

/** User and system time over the file many times over, mtail's without what it takes to start, ns per line. */
function besideMtail(
  mtail: string,
  file: Buffer,
  format: AccessLogFormat,
  pattern: string,
): { ours: number; peer: number } {
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
    const best = { ours: Infinity, empty: Infinity, full: Infinity }
    for (let round = 0; round < MTAIL_ROUNDS; round++) {
      const ours = bestCpuMs(1, () => {
        for (let time = 0; time < MTAIL_TIMES; time++) runOurs(file, format)
      })
      best.ours = Math.min(best.ours, ours / 1000)
      best.empty = Math.min(best.empty, mtailSeconds(mtail, folder, "empty.log"))
      best.full = Math.min(best.full, mtailSeconds(mtail, folder, "lines.log"))
      requireCounts(readFileSync(join(folder, "out"), "utf8"), file, format)
    }
    const perLine = 1e9 / (LINES * MTAIL_TIMES)
    return { ours: best.ours * perLine, peer: (best.full - best.empty) * perLine }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Every counter of mtail's page against ours. */
function requireCounts(page: string, file: Buffer, format: AccessLogFormat): void {
  const counts = new Map<string, number>()
  eachFact(file, format, (fact) => {
    const name = [fieldText(fact, Field.authority), fieldText(fact, Field.method), fact.code].join(" ")
    counts.set(name, (counts.get(name) ?? 0) + MTAIL_TIMES)
  })
  const counters = [...page.matchAll(/^rq\{(.*)\} (\d+)/gm)]
  if (counters.length !== counts.size)
    throw new Error(`mtail has ${counters.length} of ${counts.size} counters`)
  for (const [, labels = "", value] of counters) {
    const label = (name: string): string => new RegExp(`${name}="([^"]*)"`).exec(labels)?.[1] ?? ""
    const name = [label("authority"), label("method"), label("code")].join(" ")
    if (counts.get(name) !== Number(value)) throw new Error(`${name}: ${counts.get(name)} against ${value}`)
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
