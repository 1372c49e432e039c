import { describe, expect, test } from "vitest"
import { compileFormat } from "../../agent/decode/access-log/compile.ts"
import { DecodeResult } from "../../agent/decode/access-log/decoder.ts"
import { DEFAULT_TEXT } from "../../agent/decode/access-log/default-format.ts"
import { readFlags, readLongFlags } from "../../agent/decode/access-log/flag-bytes.ts"
import { readGrpcStatus } from "../../agent/decode/access-log/grpc-status.ts"
import { readNumber } from "../../agent/decode/access-log/number.ts"
import { parseFormatText } from "../../agent/decode/access-log/operator.ts"
import { FIELD_COUNT, fieldText } from "../../mesh/access.ts"
import { flagBits, OTHER_FLAG } from "../../mesh/flags.ts"
import type { AccessLogFormat } from "../../mesh/proxy.ts"
import { DEFAULT, decode, TIME, text, texts } from "../fixtures/access-log/decoding.ts"

describe("format strings", () => {
  test.each([
    ["plain", ["plain"], []],
    ["%%", ["%"], []],
    ["100%", ["100%"], []],
    ["%DURATION%", ["", ""], ["DURATION()"]],
    ["a%REQ(:PATH):10%b", ["a", "b"], ["REQ(:PATH)"]],
    ["%START_TIME(%Y/%m/%dT%H:%M:%S%z %s)%!", ["", "!"], ["START_TIME(%Y/%m/%dT%H:%M:%S%z %s)"]],
    ["%REQ(X?Y)%%RESP(Z)%", ["", "", ""], ["REQ(X?Y)", "RESP(Z)"]],
    ["%CEL(request.headers['a'] + f(1))%", ["", ""], ["CEL(request.headers['a'] + f(1))"]],
    ["%FILTER_STATE(a:PLAIN):7%", ["", ""], ["FILTER_STATE(a:PLAIN)"]],
    ["%lower%", ["%lower%"], []],
  ])("%s", (format, literals, operators) => {
    const parsed = parseFormatText(format)
    expect(parsed.literals).toEqual(literals)
    expect(parsed.operators.map(({ name, argument }) => `${name}(${argument})`)).toEqual(operators)
  })
})

describe("values", () => {
  test.each([
    ["0", 0],
    ["200", 200],
    ["9007199254740991", 9007199254740991],
    ["9007199254740993", -1],
    ["1e+05", 100000],
    ["1.5", 1],
    ["-5", -1],
    ["", -1],
    ["x", -1],
    ["1x", -1],
    ["1e999", -1],
    ["9".repeat(400), -1],
  ])("number %s", (value, expected) => {
    expect(readNumber(Buffer.from(value), 0, value.length)).toBe(expected)
  })

  test.each(["UH", "URX,UF", "UF,URX", "DC", "UMSDR", "DPE,RLSE,UAEX"])("flags %s", (value) => {
    expect(readFlags(Buffer.from(value), 0, value.length)).toBe(flagBits(value))
  })
  test.each([
    ["XX", OTHER_FLAG],
    ["UH,NEWFLAG", flagBits("UH") | OTHER_FLAG],
    ["uh", OTHER_FLAG],
    ["UHUHUHUHUH", OTHER_FLAG],
  ])("unknown flags %s", (value, bits) => {
    expect(readFlags(Buffer.from(value), 0, value.length)).toBe(bits)
  })
  test("long flags", () => {
    const value = "UpstreamConnectionFailure,UpstreamRetryLimitExceeded,Odd"
    expect(readLongFlags(Buffer.from(value), 0, value.length)).toBe(flagBits("UF,URX") | OTHER_FLAG)
  })
  test.each([
    ["0", 0],
    ["14", 14],
    ["OK", 0],
    ["NotFound", 5],
    ["DEADLINE_EXCEEDED", 4],
    ["Canceled", 1],
    ["CANCELLED", 1],
    ["Nonsense", -1],
  ])("gRPC status %s", (value, expected) => {
    expect(readGrpcStatus(Buffer.from(value), 0, value.length)).toBe(expected)
  })
})

describe("default text", () => {
  const decoder = compileFormat(DEFAULT, "http")

  test("abilities", () => {
    expect(decoder.abilities).toEqual({
      fields: [
        "startTime",
        "method",
        "eitherPath",
        "authority",
        "protocol",
        "flags",
        "upstreamHost",
        "userAgent",
        "requestId",
      ],
      headers: ["x-forwarded-for"],
      grpcStatus: false,
      attempts: false,
      durations: true,
      forgeable: true,
    })
    expect(decoder.unknownOperators).toEqual([])
  })

  test("a request", () => {
    const line = `[${TIME}] "GET /a b?c=1 HTTP/2" 503 URX,UF 1 22 333 4444 "10.0.0.1" "curl/8" "rid" "ui:80" "10.1.4.5:8080"`
    expect(decode(decoder, line)).toBe(DecodeResult.ok)
    expect(decoder.fact).toMatchObject({
      kind: "http",
      code: 503,
      flags: flagBits("UF,URX"),
      grpcStatus: -1,
      durationMs: 333,
      upstreamMs: 4444,
      bytesReceived: 1,
      bytesSent: 22,
      attempts: -1,
      doubtful: false,
    })
    expect(texts(decoder)).toEqual({
      startTime: TIME,
      method: "GET",
      eitherPath: "/a b?c=1",
      protocol: "HTTP/2",
      flags: "URX,UF",
      userAgent: "curl/8",
      requestId: "rid",
      authority: "ui:80",
      upstreamHost: "10.1.4.5:8080",
    })
    expect(fieldText(decoder.fact, FIELD_COUNT)).toBe("10.0.0.1")
  })

  test("what a line leaves out does not stay from the line before", () => {
    decode(decoder, `[${TIME}] "GET / HTTP/1.1" 200 UF 1 2 3 4 "x" "u" "r" "a" "h"`)
    expect(decode(decoder, `[${TIME}] "- - HTTP/1.1" 400 DPE 0 11 0 - "-" "-" "-" "-" "-"`)).toBe(
      DecodeResult.ok,
    )
    expect(decoder.fact).toMatchObject({ kind: "http", code: 400, flags: flagBits("DPE"), upstreamMs: -1 })
    expect(texts(decoder)).toEqual({ startTime: TIME, protocol: "HTTP/1.1", flags: "DPE" })
  })

  test("a connection of a TCP proxy", () => {
    expect(decode(decoder, `[${TIME}] "- - -" 0 - 16 4 7 - "-" "-" "-" "-" "127.2.0.6:6379"`)).toBe(
      DecodeResult.ok,
    )
    expect(decoder.fact).toMatchObject({
      kind: "tcp",
      code: 0,
      flags: 0,
      bytesReceived: 16,
      bytesSent: 4,
      durationMs: 7,
    })
  })

  test.each([
    [`[${TIME}] "GET / HTTP/1.1" 200`, DecodeResult.malformed],
    [`[${TIME}] "`, DecodeResult.malformed],
    [`[${TIME}`, DecodeResult.notAccessLine],
    ["", DecodeResult.notAccessLine],
    ["[2023-08-15 08:04:18.669][15][info][main] [source/server/server.cc:463] x", DecodeResult.notAccessLine],
    [`[${TIME}] "GET / HTTP/1.1" abc - 0 0 0 - "-" "-" "-" "-" "-"`, DecodeResult.malformed],
    [`[${TIME}] "GET / HTTP/1.1" 200 - 0 0 0 - "-" "-" "-" "-" "-" "-"`, DecodeResult.ok],
  ])("%s", (line, result) => {
    expect(decode(decoder, line)).toBe(result)
  })

  test("the long way and the written-out way say the same", () => {
    const generic = text(`${DEFAULT_TEXT.trimEnd()} `)
    for (const line of [
      `[${TIME}] "GET /a HTTP/1.1" 200 - 0 0 0 0 "-" "-" "-" "-" "-"`,
      `[${TIME}] "GET  HTTP/1.1" 200 - 0 0 0 - "-" "" "" "a" "h"`,
      `[${TIME}] "GET /a" 200 - 0 0 0 - "-" "" "" "a" "h"`,
      `[${TIME}] "GET /a HTTP/1.1" 200 - 0 0 - "-" "" "" "a" "h"`,
      `[${TIME}] "GET /a HTTP/1.1"  - 0 0 0 - "-" "" "" "a" "h"`,
      `[${TIME}] "GET /a"b HTTP/1.1" 200 - 0 0 0 - "-" "" "" "a" "h"`,
    ]) {
      const one = decode(decoder, line)
      expect([line, decode(generic, `${line} `)]).toEqual([line, one])
      expect(one === DecodeResult.ok ? texts(generic) : {}).toEqual(
        one === DecodeResult.ok ? texts(decoder) : {},
      )
    }
  })
})

describe("custom text", () => {
  test("Istio's", () => {
    const decoder = text(
      '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n',
    )
    const line = `[${TIME}] "GET /status HTTP/1.1" 418 - via_upstream - "-" 0 135 5 4 "-" "curl/7" "rid" "httpbin:8000" "10.44.1.23:80" outbound|8000||httpbin.foo.svc.cluster.local 10.44.1.27:37652 10.0.45.184:8000 10.44.1.27:46520 - default`
    expect(decode(decoder, line)).toBe(DecodeResult.ok)
    expect(decoder.fact).toMatchObject({ code: 418, durationMs: 5, upstreamMs: 4, doubtful: false })
    expect(texts(decoder)).toMatchObject({
      details: "via_upstream",
      upstreamCluster: "outbound|8000||httpbin.foo.svc.cluster.local",
      downstreamLocal: "10.0.45.184:8000",
      downstreamRemote: "10.44.1.27:46520",
      routeName: "default",
    })
  })

  test("two wild values side by side without a quote", () => {
    const decoder = text("%REQ(:METHOD)% %REQ(:PATH)% %REQ(USER-AGENT)% %RESPONSE_CODE%\n")
    expect(decode(decoder, "GET /a curl 200")).toBe(DecodeResult.ok)
    expect(decoder.fact.doubtful).toBe(false)
    expect(texts(decoder)).toEqual({ method: "GET", path: "/a", userAgent: "curl" })
    expect(decode(decoder, "GET /a my curl 200")).toBe(DecodeResult.ok)
    expect(decoder.fact).toMatchObject({ doubtful: true, code: 200 })
    expect(texts(decoder)).not.toHaveProperty("userAgent")
  })

  test("a time with blanks, unknown operators and glued values", () => {
    const decoder = text("%START_TIME(%d %b %Y)% | %NEW_THING(x)% | %DURATION%%BYTES_SENT% %RESPONSE_CODE%")
    expect(decoder.unknownOperators).toEqual(["NEW_THING"])
    expect(decoder.abilities.durations).toBe(false)
    expect(decode(decoder, "20 Nov 2026 | what ever | 12300 200")).toBe(DecodeResult.ok)
    expect(decoder.fact.code).toBe(200)
    expect(texts(decoder)).toEqual({ startTime: "20 Nov 2026" })
  })

  test("a format over several lines cannot be read", () => {
    const decoder = text("%REQ(:PATH)%\n%DURATION%\n")
    expect(decoder.unsupported).toContain("several lines")
    expect(decode(decoder, "/a")).toBe(DecodeResult.notAccessLine)
    expect(compileFormat({ kind: "unsupported", why: "Reason." }, "http").unsupported).toBe("Reason.")
  })

  test("Envoy's own log does not pass for a line of a format that begins with anything", () => {
    const decoder = text("%REQ(:PATH)% %RESPONSE_CODE%")
    expect(decode(decoder, "[2023-08-15 08:04:18.669][15][info][main] retries 3")).toBe(
      DecodeResult.notAccessLine,
    )
    expect(decode(decoder, "/a 200")).toBe(DecodeResult.ok)
  })

  test("periodic lines of a long request are not requests", () => {
    const decoder = text("%ACCESS_LOG_TYPE% %REQ(:METHOD)% %RESPONSE_CODE%")
    const kinds = [
      "DownstreamEnd",
      "NotSet",
      "-",
      "TcpConnectionEnd",
      "DownstreamPeriodic",
      "UpstreamEnd",
      "DownstreamStart",
    ]
    expect(kinds.map((kind) => decode(decoder, `${kind} GET 200`))).toEqual([0, 0, 0, 0, 1, 1, 1])
  })

  test("a format that tells neither method nor code leaves the kind to the filter", () => {
    const format: AccessLogFormat = { kind: "text", text: "%UPSTREAM_HOST% %DURATION%" }
    const kinds = (["http", "tcp"] as const).map((kind) => {
      const decoder = compileFormat(format, kind)
      decode(decoder, "1.2.3.4:5 6")
      return decoder.fact.kind
    })
    expect(kinds).toEqual(["http", "tcp"])
  })
})
