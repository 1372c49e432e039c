import { describe, expect, test } from "vitest"
import { FRAMER_DEFAULTS, LineFramer } from "../../agent/decode/access-log/framing.ts"
import { type FileLogger, LineReader, LineResult } from "../../agent/decode/access-log/line-reader.ts"
import { Field, fieldText } from "../../mesh/access.ts"

const TIME = "2026-11-20T15:53:52.113Z"
const TEXT = `[${TIME}] "GET /a HTTP/1.1" 200 - 0 1 2 - "-" "ua" "rid" "ui" "10.0.0.1:80"`
const JSON_LOGGER: FileLogger = {
  format: { kind: "json", fields: { path: "%REQ(:PATH)%", code: "%RESPONSE_CODE%" } },
  kind: "http",
}
const WIDE_LOGGER: FileLogger = {
  format: {
    kind: "json",
    fields: { path: "%REQ(:PATH)%", code: "%RESPONSE_CODE%", ua: "%REQ(USER-AGENT)%" },
  },
  kind: "http",
}
const DEFAULT_LOGGER: FileLogger = { format: { kind: "default" }, kind: "http" }

function read(reader: LineReader, line: string): number {
  const bytes = Buffer.from(line)
  return reader.read(bytes, 0, bytes.length)
}

describe("line reader", () => {
  const reader = new LineReader([DEFAULT_LOGGER, JSON_LOGGER])
  test.each([
    [TEXT, LineResult.access],
    ['{"code":200,"path":"/a"}', LineResult.access],
    ["[2023-08-15 08:04:18.669][15][info][main] [source/server/server.cc:463] starting", LineResult.envoyLog],
    ["[2023-08-15 08:04:18.669][1][info] [AppNet Agent] Envoy is up", LineResult.agentLog],
    [
      "[2023-08-15 08:04:18.669][1][info][x] said [AppNet Agent] much later, far behind the place where the mark would be, so it is Envoy's",
      LineResult.agentLog,
    ],
    [`[2023-08-15 08:04:18.669][1][info][x] ${"y".repeat(99)} [AppNet Agent]`, LineResult.envoyLog],
    ['time="2023-08-15T08:04:18Z" level=info msg="App Mesh Environment Variables: []"', LineResult.agentLog],
    [
      '{"type":"CONSECUTIVE_5XX","cluster_name":"a","action":"EJECT","enforced":true}',
      LineResult.outlierEvent,
    ],
    ['{"message":"of another program"}', LineResult.other],
    [TEXT.slice(0, 60), LineResult.malformed],
    ['{"code":200,"pa', LineResult.malformed],
    ["", LineResult.other],
    ["hello", LineResult.other],
    ["{", LineResult.other],
  ])("%s", (line, result) => {
    expect(read(reader, line)).toBe(result)
  })

  test("without a logger it expects the default format", () => {
    expect(read(new LineReader([]), TEXT)).toBe(LineResult.access)
  })

  test("loggers with the same format share a decoder", () => {
    expect(new LineReader([DEFAULT_LOGGER, DEFAULT_LOGGER, JSON_LOGGER]).decoders).toHaveLength(2)
  })

  test("requests and connections in one format: the line tells, and nothing is doubtful", () => {
    const both = new LineReader([DEFAULT_LOGGER, { ...DEFAULT_LOGGER, kind: "tcp" }])
    const connection = `[${TIME}] "- - -" 0 - 12 34 5 - "-" "-" "-" "-" "10.0.0.1:6379"`
    expect([read(both, TEXT), both.fact.kind, both.fact.doubtful]).toEqual([LineResult.access, "http", false])
    expect([read(both, connection), both.fact.kind, both.fact.doubtful]).toEqual([0, "tcp", false])
  })

  test("requests and connections in one format that does not tell them apart: doubtful", () => {
    const format = { kind: "text", text: "%RESPONSE_FLAGS% %UPSTREAM_HOST%\n" } as const
    const both = new LineReader([
      { format, kind: "http" },
      { format, kind: "tcp" },
    ])
    expect([read(both, "- 10.0.0.1:6379"), both.fact.doubtful]).toEqual([LineResult.access, true])
  })

  test("each JSON line goes to the format that has its keys", () => {
    const both = new LineReader([WIDE_LOGGER, JSON_LOGGER])
    for (const round of [1, 2, 3]) {
      expect(read(both, `{"code":200,"path":"/${round}","ua":"x"}`)).toBe(LineResult.access)
      expect([both.decoder.abilities.fields.length, fieldText(both.fact, Field.userAgent)]).toEqual([2, "x"])
      expect(read(both, `{"code":200,"path":"/${round}"}`)).toBe(LineResult.access)
      expect(both.decoder.abilities.fields.length).toBe(1)
    }
  })

  test("a line that two text formats can read is doubtful", () => {
    const two = new LineReader([
      DEFAULT_LOGGER,
      { format: { kind: "text", text: "[%START_TIME%] %REQ(X)%\n" }, kind: "http" },
    ])
    expect(read(two, TEXT)).toBe(LineResult.access)
    expect(two.fact.doubtful).toBe(true)
    expect(read(two, `[${TIME}] free words`)).toBe(LineResult.access)
    expect(two.fact.doubtful).toBe(false)
  })
})

const STAMP = "2026-11-20T15:53:52.113456789Z"
function frame(framer: LineFramer, text: string): string[] {
  const got: string[] = []
  const bytes = Buffer.from(text)
  framer.frame(bytes, 0, bytes.length, (line, start, end) => got.push(line.toString("utf8", start, end)))
  return got
}

describe("framing", () => {
  test("plain", () => {
    const framer = new LineFramer()
    expect(frame(framer, `${TEXT}\nnext\r\n\nlast\n`)).toEqual([TEXT, "next", "", "last"])
    expect(framer.framing).toBe("plain")
    // Its first line decided; a caller cannot make it look at frames later.
    expect(frame(framer, `${STAMP} stdout F x\n`)).toEqual([`${STAMP} stdout F x`])
  })

  test.each([
    [`${STAMP} stdout F hello world\n`, ["hello world"]],
    [`${STAMP} stdout F \n`, [""]],
    [`${STAMP} stdout F\n`, [""]],
    [`2026-11-20T15:53:52.113456789+01:00 stderr F x\n`, ["x"]],
    [`2026-11-20T15:53:52Z stdout F x\n${STAMP} stdout F y\n`, ["x", "y"]],
    [`${STAMP} stdout F:tag x\n`, ["x"]],
    [`${STAMP} stdout P ab\n${STAMP} stderr P 1\n${STAMP} stdout F c\n${STAMP} stderr F 2\n`, ["abc", "12"]],
  ])("CRI %j", (text, lines) => {
    const framer = new LineFramer()
    expect(frame(framer, text)).toEqual(lines)
    expect([framer.framing, framer.drops.bad_frame]).toEqual(["cri", 0])
  })

  test("json-file of Docker", () => {
    const framer = new LineFramer()
    const rows = [
      { log: 'say "hi"\\\u0007é\n', stream: "stdout", time: STAMP },
      { log: "half ", stream: "stdout", time: STAMP },
      { log: "other\n", stream: "stderr", attrs: { a: "b" }, time: STAMP },
      { log: "whole\n", stream: "stdout", time: STAMP },
    ]
    const got = frame(framer, rows.map((row) => `${JSON.stringify(row)}\n`).join(""))
    expect(got).toEqual(['say "hi"\\\u0007é', "other", "half whole"])
    expect(framer.framing).toBe("docker")
  })

  test("lines without a frame are counted, and many of them change its mind", () => {
    const framer = new LineFramer()
    frame(framer, `${STAMP} stdout F x\n`)
    expect(frame(framer, "odd\n")).toEqual([])
    expect(frame(framer, `${STAMP} stdout F y\n`)).toEqual(["y"])
    expect(framer.drops.bad_frame).toBe(1)
    frame(framer, "odd\n".repeat(16))
    expect(frame(framer, "plain\n")).toEqual(["plain"])
    const told = new LineFramer({ ...FRAMER_DEFAULTS, framing: "cri" })
    frame(told, "odd\n".repeat(50))
    expect([told.framing, told.drops.bad_frame]).toEqual(["cri", 50])
  })

  test("long lines pass up to the limit and are counted above it", () => {
    const framer = new LineFramer()
    const path = `/${"x".repeat(20_000)}`
    expect(
      frame(framer, `${STAMP} stdout P ${path.slice(0, 16_384)}\n${STAMP} stdout F ${path.slice(16_384)}\n`),
    ).toEqual([path])
    const piece = `${STAMP} stdout P ${"y".repeat(16_384)}\n`
    expect(frame(framer, `${piece.repeat(9)}${STAMP} stdout F end\n${STAMP} stdout F next\n`)).toEqual([
      "next",
    ])
    expect(framer.drops.line_too_long).toBe(1)
    const plain = new LineFramer({ framing: "plain", maxLineBytes: 10 })
    expect(frame(plain, `${"x".repeat(10)}\n${"x".repeat(11)}\n`)).toEqual(["x".repeat(10)])
    expect(plain.drops.line_too_long).toBe(1)
  })

  test("half a line survives a restart; state that cannot be read counts as none", () => {
    const framer = new LineFramer()
    frame(framer, `${STAMP} stdout P half \n`)
    const next = new LineFramer()
    next.restore(framer.save() ?? new Uint8Array())
    expect(frame(next, `${STAMP} stdout F whole\n`)).toEqual(["half whole"])
    for (const bad of ["", "{", "null", '{"v":2}', '{"v":1,"framing":"x","stdout":"","stderr":""}']) {
      const fresh = new LineFramer()
      fresh.restore(Buffer.from(bad))
      expect(fresh.framing).toBeUndefined()
    }
    expect(new LineFramer().save()).toBeUndefined()
  })

  test("ranges in the middle of a buffer", () => {
    const framer = new LineFramer()
    const bytes = Buffer.from("no\na\nb\nno")
    const got: string[] = []
    expect(framer.frame(bytes, 3, 7, (line, start, end) => got.push(line.toString("utf8", start, end)))).toBe(
      2,
    )
    expect(got).toEqual(["a", "b"])
  })
})
