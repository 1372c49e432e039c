import { readFileSync } from "node:fs"
import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import { type FieldName, Field as fields, fieldText } from "#mesh/access.ts"
import { FLAGS, flagsText } from "#mesh/flags.ts"
import { plainJson } from "#mesh/plain-text.ts"
import { RECOMMENDED_JSON } from "#mesh/recommended-format.ts"
import { DOUBTS } from "#mesh/request.ts"
import { LineReader, LineResult } from "../../agent/decode/access-log/line-reader.ts"
import { type LineEncoderConfig, makeLineEncoder } from "../../agent/publish/lines/line-encoder.ts"
import { LINE_MEMBERS } from "../../agent/publish/lines/line-members.ts"
import { factOf, PROXY, resolutionOf } from "./line-facts.ts"

const NOW = Date.UTC(2026, 10, 21, 18, 30)
const START = "2026-11-20T15:53:52.113Z"
const XRAY = "Root=1-67891233-abcdef012345678912345678"

const encoder = (config: Partial<LineEncoderConfig> = {}) =>
  makeLineEncoder({ cluster: "prod", query: "keep", maxBytes: 1_048_550, ...config }, { now: () => NOW })

type Line = Record<string, unknown>
function lineOf(
  fact: Parameters<typeof factOf>,
  resolution: Parameters<typeof resolutionOf>[0] = {},
  config: Partial<LineEncoderConfig> = {},
): Line {
  const { bytes } = encoder(config).encode(factOf(...fact), resolutionOf(resolution), PROXY)
  return JSON.parse(new TextDecoder("utf8", { fatal: true }).decode(bytes))
}

const REQUEST = {
  startTime: START,
  method: "GET",
  path: "/api/getvotes?who=me",
  originalPath: "/getvotes?who=me",
  authority: "appserver.yelb:4567",
  details: "via_upstream",
  upstreamHost: "10.1.2.3:4567",
  userAgent: "curl/8.5.0",
  requestId: "3f0c7f6e-0d8c-4b8d-9d6d-0a4a4cbb5a31",
  traceId: `${XRAY};Parent=53995c3f42cd8ad8;Sampled=1`,
}
const NUMBERS = {
  code: 200,
  flags: "-",
  attempts: 1,
  durationMs: 12,
  upstreamMs: 11,
  bytesReceived: 0,
  bytesSent: 9_007_199_254_740_991,
}
const WHO = {
  mesh: "yelb",
  flavor: "app-mesh",
  cluster: "prod",
  proxy: "ui-7d9f",
  reporter: "source",
  virtual_service: "appserver.yelb",
  virtual_router: "appserver",
  route: "v1",
  source: "ui",
  virtual_node: "appserver-v1",
}

test("a request with all that a line can tell", () => {
  expect(lineOf([REQUEST, NUMBERS])).toEqual({
    time: START,
    ...WHO,
    protocol: "http",
    method: "GET",
    path: "/api/getvotes?who=me",
    original_path: "/getvotes?who=me",
    authority: "appserver.yelb:4567",
    code: 200,
    flags: "-",
    details: "via_upstream",
    outcome: "ok",
    answered_by: "app",
    attempts: 1,
    duration_ms: 12,
    upstream_ms: 11,
    request_bytes: 0,
    response_bytes: 9_007_199_254_740_991,
    upstream_host: "10.1.2.3:4567",
    user_agent: "curl/8.5.0",
    request_id: "3f0c7f6e-0d8c-4b8d-9d6d-0a4a4cbb5a31",
    trace_id: "1-67891233-abcdef012345678912345678",
    trace_sampled: true,
  })
})

test("queries are cut off where they are not wanted", () => {
  const told = lineOf([{ ...REQUEST, originalPath: "/x#part" }, NUMBERS], {}, { query: "drop" })
  expect(told).toMatchObject({ path: "/api/getvotes", original_path: "/x" })
})

test("a line that does not tell which path it is", () => {
  expect(lineOf([{ eitherPath: "/a" }])).toMatchObject({ path: "/a" })
})

test("what a line does not tell is not in it", () => {
  expect(lineOf([{}], { target: "", row: { route: "" } })).toEqual({
    time: new Date(NOW).toISOString(),
    time_from: "read",
    ...Object.fromEntries(
      Object.entries(WHO).filter(([name]) => name !== "virtual_node" && name !== "route"),
    ),
    protocol: "http",
    outcome: "ok",
    answered_by: "unknown",
  })
})

test("a connection", () => {
  const fact = { startTime: START, upstreamHost: "10.1.2.3:6379", termination: "access_denied" }
  const numbers = {
    kind: "tcp",
    code: 0,
    flags: "UF,URX",
    durationMs: 8,
    bytesReceived: 0,
    bytesSent: 0,
  } as const
  expect(lineOf([fact, numbers], { kind: "tcp" })).toEqual({
    time: START,
    ...WHO,
    protocol: "tcp",
    termination: "access_denied",
    upstream_host: "10.1.2.3:6379",
    flags: "UF,URX",
    outcome: "error",
    duration_ms: 8,
    request_bytes: 0,
    response_bytes: 0,
  })
})

test("a gateway's own 404 is its caller's fault, a sidecar's is the mesh's", () => {
  const fact: Parameters<typeof factOf> = [{ details: "route_not_found" }, { code: 404, flags: "NR" }]
  const gateway = {
    reporter: "gateway",
    virtualGateway: "gw",
    gatewayRoute: "(unmatched)",
    source: "",
  } as const
  expect(lineOf(fact, { row: gateway, target: "" })).toMatchObject({
    virtual_gateway: "gw",
    gateway_route: "(unmatched)",
    outcome: "client_error",
    answered_by: "proxy",
  })
  expect(lineOf(fact)).toMatchObject({ outcome: "error" })
})

test("a line that nobody can place names its proxy alone", () => {
  expect(lineOf([{ startTime: START }, { code: 200 }], { kind: "undecided", doubt: "direction" })).toEqual({
    time: START,
    mesh: "yelb",
    flavor: "app-mesh",
    cluster: "prod",
    proxy: "ui-7d9f",
    code: 200,
    doubt: "direction",
  })
})

test("health checks and gRPC are told as such", () => {
  expect(lineOf([{}, { code: 200 }], { kind: "health_check" })).toMatchObject({ health_check: true })
  const failed = lineOf([{}, { code: 200, grpcStatus: 14 }], { protocol: 2 })
  expect(failed).toMatchObject({ protocol: "grpc", grpc_status: 14, outcome: "error" })
})

test.each([
  [XRAY, { trace_id: "1-67891233-abcdef012345678912345678" }],
  [`${XRAY};Sampled=0`, { trace_id: "1-67891233-abcdef012345678912345678", trace_sampled: false }],
  [
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
    { trace_id: "4bf92f3577b34da6a3ce929d0e0e4736", trace_sampled: false },
  ],
  ["4bf92f3577b34da6a3ce929d0e0e4736", { trace_id: "4bf92f3577b34da6a3ce929d0e0e4736" }],
  [`"},{`, {}],
])("the trace of %s", (traceId, expected) => {
  const { trace_id, trace_sampled } = lineOf([{ traceId }])
  expect(JSON.parse(JSON.stringify({ trace_id, trace_sampled }))).toEqual(expected)
})

test("flags are written as the metrics' labels write them", () => {
  const sets = fc.subarray([...FLAGS.map(({ name }) => name), "ZZ"], { minLength: 1 })
  fc.assert(
    fc.property(sets, (names) => {
      const fact = factOf({}, { flags: names.join(",") })
      const { bytes } = encoder().encode(fact, resolutionOf(), PROXY)
      expect(JSON.parse(Buffer.from(bytes).toString())).toMatchObject({ flags: flagsText(fact.flags) })
    }),
  )
})

test("a line of exactly the most bytes is whole; of one byte more it is cut", () => {
  const maxBytes = 65_536
  const encoded = (path: number): Uint8Array =>
    encoder({ maxBytes }).encode(factOf({ path: "x".repeat(path) }), resolutionOf(), PROXY).bytes
  const most = maxBytes - encoded(1).length + 1
  const whole = Buffer.from(encoded(most))
  expect(whole.length).toBe(maxBytes)
  expect(JSON.parse(whole.toString())).not.toHaveProperty("truncated")
  const cut = Buffer.from(encoded(most + 1))
  expect(cut.length).toBeLessThanOrEqual(maxBytes)
  expect(JSON.parse(cut.toString())).toHaveProperty("truncated", true)
})

test("every member that is documented is written, and no other", () => {
  const lines = [
    lineOf([
      { ...REQUEST, termination: "t" },
      { ...NUMBERS, grpcStatus: 0 },
    ]),
    lineOf([{}], { kind: "health_check", row: { virtualGateway: "g", gatewayRoute: "r" } }),
    lineOf([{ path: "x".repeat(70_000) }], { doubt: "forgeable" }, { maxBytes: 65_536 }),
  ]
  const told = new Set(lines.flatMap((line) => Object.keys(line)))
  expect([...told].toSorted()).toEqual(Object.keys(LINE_MEMBERS).toSorted())
})

describe("hostile bytes", () => {
  const bits = fc.constantFrom(
    '"',
    "\\",
    "\n",
    "\u0000",
    "\u001b",
    "\u007f",
    "é",
    "\u2028",
    "\u202e",
    "😀",
    "\ufffe",
    "a",
  )
  const torn = fc.constantFrom(
    [0xc3],
    [0xe2, 0x80],
    [0xf0, 0x9f],
    [0xed, 0xa0, 0x80],
    [0xff],
    [0xf4, 0x90],
    [0xc0, 0x80],
  )
  const hostile = fc
    .array(
      fc.oneof(
        bits.map((text) => Buffer.from(text)),
        torn.map((bytes) => Buffer.from(bytes)),
        fc.uint8Array({ maxLength: 4 }),
      ),
    )
    .map((parts) => Buffer.concat(parts))
  const texts: readonly [FieldName, string][] = [
    ["method", "method"],
    ["path", "path"],
    ["originalPath", "original_path"],
    ["authority", "authority"],
    ["details", "details"],
    ["termination", "termination"],
    ["upstreamHost", "upstream_host"],
    ["userAgent", "user_agent"],
    ["requestId", "request_id"],
  ]

  test("are told as they would be read, and act on nothing", () => {
    const shared = encoder()
    fc.assert(
      fc.property(fc.tuple(...texts.map(() => hostile)), (values) => {
        const fact = factOf(Object.fromEntries(texts.map(([field], index) => [field, values[index]])))
        const json = Buffer.from(shared.encode(fact, resolutionOf(), PROXY).bytes).toString()
        expect(plainJson(json)).toBe(json)
        const line = JSON.parse(json)
        for (const [field, name] of texts) {
          expect(line[name]).toBe(fieldText(fact, fields[field]))
        }
      }),
      { numRuns: 1000 },
    )
  })

  test("every character of the basic plane", () => {
    const all = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code)).join("")
    const json = Buffer.from(
      encoder().encode(factOf({ userAgent: all }), resolutionOf(), PROXY).bytes,
    ).toString()
    expect(plainJson(json)).toBe(json)
    expect(JSON.parse(json).user_agent).toBe(Buffer.from(all).toString())
  })

  test("names of any length and bytes", () => {
    const shared = encoder()
    const proxy = { ...PROXY, proxy: `p"\u0000${"x".repeat(5000)}` }
    const line = shared.encode(
      factOf({}),
      resolutionOf({ row: { route: `"},{"a":"${"é".repeat(9000)}` } }),
      proxy,
    )
    expect(line.bytes.length).toBeLessThan(4000)
    expect(JSON.parse(Buffer.from(line.bytes).toString())).toMatchObject({ mesh: "yelb" })
  })

  test("long texts are cut to the limit, the longest most, and it is said", () => {
    const length = fc.integer({ min: 0, max: 90_000 })
    const pieces = fc.constantFrom("a", "é", "😀", "\u0000", '"', "\u2028")
    fc.assert(
      fc.property(
        length,
        length,
        pieces,
        fc.integer({ min: 65_536, max: 140_000 }),
        (path, agent, piece, maxBytes) => {
          const wanted = {
            path: piece.repeat(path),
            userAgent: piece.repeat(agent),
            authority: "short",
          }
          const { bytes } = encoder({ maxBytes }).encode(factOf(wanted), resolutionOf(), PROXY)
          const line = JSON.parse(new TextDecoder("utf8", { fatal: true }).decode(bytes))
          expect(bytes.length).toBeLessThanOrEqual(maxBytes)
          expect(wanted.path.startsWith(line.path)).toBe(true)
          expect(wanted.userAgent.startsWith(line.user_agent)).toBe(true)
          expect(line.authority).toBe("short")
          const whole = line.path === wanted.path && line.user_agent === wanted.userAgent
          expect(line.truncated).toBe(whole ? undefined : true)
          // Nothing is cut that would have fitted.
          expect(whole || bytes.length > maxBytes - 20).toBe(true)
        },
      ),
      { numRuns: 60 },
    )
  })
})

test("lines as Envoy writes them, read by the agent's own decoder", () => {
  const raw = readFileSync(new URL("../fixtures/access-log/recommended-json.log", import.meta.url))
  const reader = new LineReader([{ format: { kind: "json", fields: RECOMMENDED_JSON }, kind: "http" }])
  const shared = encoder()
  let requests = 0
  const lines = raw.toString("latin1").trimEnd().split("\n")
  for (const text of lines) {
    const bytes = Buffer.from(text, "latin1")
    // Two of them are none, on purpose.
    if (reader.read(bytes, 0, bytes.length) !== LineResult.access) continue
    requests += 1
    const kind = reader.fact.kind === "tcp" ? "tcp" : "request"
    const encoded = shared.encode(reader.fact, resolutionOf({ kind }), PROXY).bytes
    const got = JSON.parse(Buffer.from(encoded).toString())
    expect(got).toMatchObject(toldBy(bytes, kind))
  }
  expect(requests).toBe(lines.length - 2)
})

/** What an Envoy line in JSON says, by the name that a structured line has for it. Older Envoys quote all values. */
function toldBy(bytes: Buffer, kind: string): Line {
  const said: Line = JSON.parse(bytes.toString())
  const texts = {
    time: "start_time",
    method: "method",
    path: "path",
    original_path: "original_path",
    authority: "authority",
    details: "response_code_details",
    upstream_host: "upstream_host",
    user_agent: "user_agent",
    request_id: "request_id",
  }
  const numbers = {
    ...(kind === "tcp" ? {} : { code: "response_code", upstream_ms: "upstream_service_time" }),
    grpc_status: "grpc_status",
    duration_ms: "duration",
    request_bytes: "bytes_received",
    response_bytes: "bytes_sent",
  }
  const told = (names: Record<string, string>, read: (value: unknown) => unknown) =>
    Object.entries(names)
      .filter(([, key]) => said[key] !== null && said[key] !== "-" && said[key] !== undefined)
      .map(([name, key]) => [name, read(said[key])])
  return Object.fromEntries([...told(texts, String), ...told(numbers, Number)])
}

test("a line is overwritten by the next one, and nothing of it is left", () => {
  const shared = encoder()
  const first = Buffer.from(shared.encode(factOf(REQUEST, NUMBERS), resolutionOf(), PROXY).bytes).toString()
  shared.encode(factOf({ path: "x".repeat(200_000) }), resolutionOf(), PROXY)
  shared.encode(factOf({}), resolutionOf({ doubt: DOUBTS[0] }), PROXY)
  const again = Buffer.from(shared.encode(factOf(REQUEST, NUMBERS), resolutionOf(), PROXY).bytes).toString()
  expect(again).toBe(first)
})
