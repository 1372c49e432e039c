import { describe, expect, test } from "vitest"
import { DecodeResult } from "../../agent/decode/access-log/decoder.ts"
import { FIELD_COUNT, fieldText } from "../../mesh/access.ts"
import type { JsonFormat } from "../../mesh/proxy.ts"
import { decode, json, texts } from "../fixtures/access-log/decoding.ts"

describe("JSON", () => {
  const fields: JsonFormat = {
    code: "%RESPONSE_CODE%",
    path: "%REQ(:PATH)%",
    flags: "%RESPONSE_FLAGS%",
    duration: "%DURATION%",
    svc: "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
    method: "%REQ(:METHOD)%",
    attempts: "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
    grpc: "%GRPC_STATUS%",
    nested: { local: "%DOWNSTREAM_LOCAL_ADDRESS%", deep: { rx: "%BYTES_RECEIVED%" } },
    team: "%REQ(X-Team)%",
    fixed: "constant",
    mixed: "%PROTOCOL% over %REQ(:SCHEME)%",
  }
  const sample = {
    attempts: 1,
    code: 200,
    duration: 12,
    fixed: "constant",
    flags: "-",
    grpc: "NotFound",
    method: "GET",
    mixed: "HTTP/1.1 over http",
    nested: { deep: { rx: 7 }, local: "10.0.0.1:80" },
    path: "/a",
    svc: "4",
    team: "blue",
  }

  test("abilities", () => {
    expect(json(fields).abilities).toEqual({
      fields: ["method", "path", "flags", "downstreamLocal"],
      headers: ["x-team"],
      grpcStatus: true,
      attempts: true,
      durations: true,
      forgeable: false,
    })
  })

  test.each([
    ["as learned", sample],
    ["in another order", Object.fromEntries(Object.entries(sample).toReversed())],
    ["numbers as texts", { ...sample, code: "200", duration: "12", attempts: "1" }],
  ])("a line %s", (_, line) => {
    const decoder = json(fields)
    // The second time by the template.
    for (const round of [1, 2]) {
      expect([round, decode(decoder, JSON.stringify(line))]).toEqual([round, DecodeResult.ok])
      expect(decoder.fact).toMatchObject({
        kind: "http",
        code: 200,
        flags: 0,
        grpcStatus: 5,
        durationMs: 12,
        upstreamMs: 4,
        attempts: 1,
        bytesReceived: 7,
        doubtful: false,
      })
      expect(texts(decoder)).toEqual({ method: "GET", path: "/a", downstreamLocal: "10.0.0.1:80" })
      expect(fieldText(decoder.fact, FIELD_COUNT)).toBe("blue")
    }
  })

  test.each([
    ["null", { ...sample, path: null, code: null, grpc: null, team: null, svc: null, nested: null }],
    [
      "a dash",
      {
        ...sample,
        path: "-",
        code: "-",
        grpc: "-",
        team: "-",
        svc: "-",
        nested: { deep: { rx: "-" }, local: "-" },
      },
    ],
    ["missing", { duration: 12, method: "GET", flags: "-" }],
  ])("empty as %s", (_, line) => {
    const decoder = json(fields)
    decode(decoder, JSON.stringify(sample))
    expect(decode(decoder, JSON.stringify(line))).toBe(DecodeResult.ok)
    expect(decoder.fact).toMatchObject({
      code: 0,
      grpcStatus: -1,
      upstreamMs: -1,
      bytesReceived: -1,
      durationMs: 12,
    })
    expect(texts(decoder)).toEqual({ method: "GET" })
    expect(fieldText(decoder.fact, FIELD_COUNT)).toBeUndefined()
  })

  test("escapes, also those of old Envoys, and raw bytes", () => {
    const decoder = json({ path: "%REQ(:PATH)%", code: "%RESPONSE_CODE%" })
    const line = String.raw`{"code":404,"path":"/\u0022\\\"\/\b\n\t\u00e9\ud83d\ude00\ud83d\377\x"}`
    for (const round of [1, 2]) {
      expect([round, decode(decoder, line)]).toEqual([round, DecodeResult.ok])
      expect(texts(decoder)).toEqual({ path: '/"\\"/\b\n\té😀\ufffdÿx' })
    }
    const raw = Buffer.concat([
      Buffer.from('{"code":200,"path":"/'),
      Buffer.from([0xff, 0xc3, 0x28]),
      Buffer.from('"}'),
    ])
    expect(decode(decoder, raw)).toBe(DecodeResult.ok)
    expect(texts(decoder)).toEqual({ path: "/\ufffd\ufffd(" })
  })

  test("round numbers of old Envoys", () => {
    const decoder = json({ tx: "%BYTES_SENT%", code: "%RESPONSE_CODE%" })
    for (const value of ["5", "1e+05", "12.0"]) decode(decoder, `{"code":200,"tx":${value}}`)
    expect(decode(decoder, '{"code":200,"tx":1e+05}')).toBe(DecodeResult.ok)
    expect(decoder.fact.bytesSent).toBe(100000)
  })

  test.each([
    ['{"code":200,"path":"/a","extra":1}', DecodeResult.notAccessLine],
    ['{"type":"CONSECUTIVE_5XX","action":"EJECT"}', DecodeResult.notAccessLine],
    ['{"code":200,"pa', DecodeResult.malformed],
    ['{"code":200,"path":"/a"', DecodeResult.malformed],
    ['{"code":200,"path":"/a"}{"code":200}', DecodeResult.malformed],
    ["{}", DecodeResult.notAccessLine],
    ["{", DecodeResult.notAccessLine],
    ["[1]", DecodeResult.notAccessLine],
    ['{ "code" : 200 , "path" : "/a" }', DecodeResult.ok],
    ['{"__proto__":1,"code":200}', DecodeResult.notAccessLine],
  ])("%s", (line, result) => {
    const decoder = json({ path: "%REQ(:PATH)%", code: "%RESPONSE_CODE%" })
    decode(decoder, '{"code":200,"path":"/a"}')
    expect(decode(decoder, line)).toBe(result)
  })

  test("of several trace ids the best one counts", () => {
    const decoder = json({
      a: "%TRACE_ID%",
      b: "%REQ(TRACEPARENT)%",
      c: "%REQ(X-AMZN-TRACE-ID)%",
      d: "%RESPONSE_CODE%",
    })
    const trace = (a: string | null, b: string | null, c: string | null): string | undefined => {
      decode(decoder, JSON.stringify({ a, b, c, d: 200 }))
      return texts(decoder).traceId
    }
    expect([
      trace("1", "2", "3"),
      trace("1", "2", null),
      trace("1", null, null),
      trace(null, null, null),
    ]).toEqual(["3", "2", "1", undefined])
  })

  test("a TCP line", () => {
    const decoder = json({ method: "%REQ(:METHOD)%", code: "%RESPONSE_CODE%", tx: "%BYTES_SENT%" })
    expect(decode(decoder, '{"code":0,"method":null,"tx":4}')).toBe(DecodeResult.ok)
    expect(decoder.fact).toMatchObject({ kind: "tcp", bytesSent: 4 })
  })
})
