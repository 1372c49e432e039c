import { describe, expect, test } from "vitest"
import { MAX_ATTRIBUTES, MAX_EVENTS } from "#mesh/span.ts"
import { readOtlpJson } from "../../agent/decode/spans/otlp-json.ts"
import { readOtlpProtobuf } from "../../agent/decode/spans/otlp-protobuf.ts"
import { readZipkinJson } from "../../agent/decode/spans/zipkin-json.ts"
import { readZipkinProtobuf } from "../../agent/decode/spans/zipkin-protobuf.ts"
import { Kept } from "../fixtures/spans/span-arbitrary.ts"

const TRACE = "463ac35c9f6413ad48485a3953bb6124"
const ID = "48485a3953bb6124"
const START_US = 1_795_190_178_464_010

function zipkin(...spans: readonly unknown[]): Kept {
  const kept = new Kept()
  readZipkinJson(Buffer.from(JSON.stringify(spans)), kept)
  return kept
}
const zipkinSpan = (change: object) => ({ traceId: TRACE, id: ID, timestamp: START_US, ...change })

const list = (all: object) =>
  Object.entries(all).map(([key, value]: [string, unknown]) => ({
    key,
    value:
      typeof value === "string"
        ? { stringValue: value }
        : typeof value === "boolean"
          ? { boolValue: value }
          : { intValue: String(value) },
  }))

/** One span of OTLP's JSON with these attributes. */
function otlp(
  change: object,
  attributes: Record<string, string | number | boolean> = {},
  resource = {},
): Kept {
  const kept = new Kept()
  const span = {
    traceId: TRACE,
    spanId: ID,
    startTimeUnixNano: `${START_US}999`,
    endTimeUnixNano: START_US * 1000 + 5_000_000,
    attributes: list(attributes),
    ...change,
  }
  const resourceSpans = [{ resource: { attributes: list(resource) }, scopeSpans: [{ spans: [span] }] }]
  readOtlpJson(Buffer.from(JSON.stringify({ resourceSpans })), kept)
  return kept
}

describe("Zipkin", () => {
  test("a short trace id is filled up on the left, and upper case is the same id", () => {
    const { spans } = zipkin(zipkinSpan({ traceId: "48485A3953BB6124", id: "1", parentId: "2a" }))
    expect(spans[0]).toMatchObject({
      traceId: "000000000000000048485a3953bb6124",
      id: "0000000000000001",
      parentId: "000000000000002a",
    })
  })

  test("a shared server span gets an id of its own below the shared one, the same each time", () => {
    const server = zipkinSpan({ kind: "SERVER", shared: true, localEndpoint: { serviceName: "ui" } })
    const other = { ...server, localEndpoint: { serviceName: "proxy" } }
    const again = { ...server, timestamp: START_US + 1 }
    const { spans } = zipkin(server, server, other, again, zipkinSpan({ kind: "CLIENT", shared: true }))
    const ids = spans.map(({ id }) => id)
    expect(ids[0]).toBe(ids[1])
    expect(new Set(ids).size).toBe(4)
    expect(ids[4]).toBe(ID)
    expect(spans.map(({ parentId }) => parentId)).toEqual([ID, ID, ID, ID, ""])
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{16}$/)
  })

  test("without a timestamp the first annotation tells when it began; without both, nothing does", () => {
    const { spans, reasons } = zipkin(
      {
        traceId: TRACE,
        id: ID,
        annotations: [
          { timestamp: 200, value: "ss" },
          { timestamp: 100, value: "sr" },
        ],
      },
      { traceId: TRACE, id: ID },
    )
    expect(spans.map(({ startUs, endUs }) => [startUs, endUs])).toEqual([[100, undefined]])
    expect(reasons).toEqual(["bad_time"])
  })

  test.each([
    [{ "http.status_code": "404" }, { error: true, throttle: false, fault: false }],
    [
      { "http.status_code": "429", error: "true" },
      { error: true, throttle: true, fault: false },
    ],
    [
      { "http.status_code": "503", error: "true" },
      { error: false, throttle: false, fault: true },
    ],
    [{ "http.status_code": "0" }, { error: false, throttle: false, fault: true }],
    [
      { "http.status_code": "200", error: "true" },
      { error: false, throttle: false, fault: true },
    ],
    [{ error: "" }, { error: false, throttle: false, fault: true }],
    [{ error: "false" }, { error: false, throttle: false, fault: false }],
  ])("tags %j tell the status", (tags, status) => {
    expect(zipkin(zipkinSpan({ tags })).spans[0]?.status).toEqual(status)
  })

  test("Envoy's tags for HTTP go to their fields, the others stay attributes", () => {
    const tags = {
      "http.method": "GET",
      "http.url": "http://ui/a",
      "http.status_code": "200",
      user_agent: "curl",
      request_size: "0",
      response_size: "12",
      "peer.address": "10.0.0.1",
      node_id: "mesh/yelb/virtualNode/ui",
      upstream_cluster: "cds_egress_yelb_ui_http_80",
      response_flags: "-",
    }
    const [span] = zipkin(zipkinSpan({ kind: "SERVER", tags })).spans
    expect(span?.http).toEqual({
      method: "GET",
      url: "http://ui/a",
      status: 200,
      userAgent: "curl",
      clientIp: "10.0.0.1",
      requestBytes: 0,
      responseBytes: 12,
    })
    expect([...(span?.attributes.keys() ?? [])]).toEqual(["node_id", "upstream_cluster", "response_flags"])
  })

  test.each([
    ["no trace id", { traceId: undefined }, "no_trace_id"],
    ["a trace id of zeros", { traceId: "0".repeat(32) }, "no_trace_id"],
    ["a trace id that is none", { traceId: "xyz" }, "invalid"],
    ["a long trace id", { traceId: "1".repeat(33) }, "invalid"],
    ["no id", { id: null }, "no_id"],
    ["an id of another type", { id: 5 }, "invalid"],
    ["an unknown kind", { kind: "SERVERS" }, "invalid"],
    ["tags in a list", { tags: ["a"] }, "invalid"],
    ["a tag that is an object", { tags: { a: {} } }, "invalid"],
    ["a time below zero", { timestamp: -5 }, "bad_time"],
    ["a time beyond all clocks", { timestamp: 1e300 }, "bad_time"],
    ["half a microsecond", { timestamp: 1.5 }, "bad_time"],
    ["a duration that is a text", { duration: "long" }, "invalid"],
    ["a duration beyond all clocks", { duration: 1e300 }, "bad_time"],
    ["an annotation that is none", { annotations: [null] }, "invalid"],
    ["an endpoint that is a text", { localEndpoint: "ui" }, "invalid"],
  ])("%s is counted, and the spans around it are read", (_what, change, reason) => {
    const { spans, reasons } = zipkin(zipkinSpan({}), zipkinSpan(change), zipkinSpan({}))
    expect([spans.length, reasons]).toEqual([2, [reason]])
  })

  test("names of object members are names like any other", () => {
    const text = `[{"traceId":"${TRACE}","id":"${ID}","timestamp":5,"tags":{"__proto__":"a","constructor":"b"}}]`
    const kept = new Kept()
    readZipkinJson(Buffer.from(text), kept)
    expect([...(kept.spans[0]?.attributes ?? [])]).toEqual([
      ["__proto__", "a"],
      ["constructor", "b"],
    ])
  })

  test.each([
    ["no JSON", "[{"],
    ["no list", "{}"],
    ["a bomb of brackets", "[".repeat(1_000_000)],
    ["a bomb of objects", `${'{"a":'.repeat(100)}1${"}".repeat(100)}`],
    ["a million values", `[${"0,".repeat(1_100_000)}0]`],
  ])("%s is refused whole", (_what, text) => {
    expect(() => {
      readZipkinJson(Buffer.from(text), new Kept())
    }).toThrow(/^The body (is|holds)/)
  })

  test("brackets within texts do not count as depth", () => {
    const tags = { text: `${"[{".repeat(500)}\\"`, other: '\\\\"' }
    expect(zipkin(zipkinSpan({ tags })).spans[0]?.attributes.get("text")).toBe(tags.text)
  })

  test("what is too many or too long is cut off and counted", () => {
    const tags = Object.fromEntries(
      Array.from({ length: MAX_ATTRIBUTES + 5 }, (_, index) => [`t${index}`, "v"]),
    )
    const annotations = Array.from({ length: MAX_EVENTS + 3 }, () => ({ timestamp: START_US, value: "e" }))
    const { spans, cuts } = zipkin(
      zipkinSpan({ tags, annotations }),
      zipkinSpan({ tags: { long: "x".repeat(40_000), ["k".repeat(300)]: "v" } }),
    )
    expect([spans[0]?.attributes.size, spans[0]?.events?.length]).toEqual([MAX_ATTRIBUTES, MAX_EVENTS])
    expect(spans[1]?.attributes.get("long")).toHaveLength(32_768)
    expect(cuts).toBe(5 + 3 + 2)
  })
})

describe("OTLP", () => {
  test.each([
    [
      "the stable conventions",
      {
        "http.request.method": "GET",
        "url.full": "https://a/b?c",
        "http.response.status_code": 404,
        "user_agent.original": "curl",
        "client.address": "10.0.0.1",
        "http.request.body.size": 1,
        "http.response.body.size": 2,
      },
      "https://a/b?c",
    ],
    [
      "the older ones",
      {
        "http.method": "GET",
        "http.scheme": "https",
        "http.host": "a",
        "http.target": "/b?c",
        "http.status_code": 404,
        "http.user_agent": "curl",
        "http.client_ip": "10.0.0.1",
        "http.request_content_length": 1,
        "http.response_content_length": 2,
      },
      "https://a/b?c",
    ],
    [
      "both at once",
      {
        "http.method": "GET",
        "http.request.method": "GET",
        "url.path": "/b",
        "url.query": "c",
        "http.status_code": 404,
        "http.response.status_code": 404,
        "http.user_agent": "curl",
        "user_agent.original": "curl",
        "client.address": "10.0.0.1",
        "http.request.body.size": 1,
        "http.response.body.size": 2,
      },
      "/b?c",
    ],
  ])("%s are read", (_what, attributes, url) => {
    const [span] = otlp({ kind: 2 }, attributes).spans
    expect(span?.http).toEqual({
      method: "GET",
      url,
      status: 404,
      userAgent: "curl",
      clientIp: "10.0.0.1",
      forwarded: true,
      requestBytes: 1,
      responseBytes: 2,
    })
    expect(span?.status).toEqual({ error: true, throttle: false, fault: false })
  })

  test("a server behind a port is named in the URL; the peer is the client where no header claims another", () => {
    const attributes = {
      "url.scheme": "http",
      "url.path": "/a",
      "server.address": "ui",
      "server.port": 8080,
      "network.peer.address": "10.0.0.9",
    }
    const [span] = otlp({ kind: "SPAN_KIND_SERVER" }, attributes).spans
    expect(span?.http).toEqual({ url: "http://ui:8080/a", clientIp: "10.0.0.9" })
    expect(span?.kind).toBe("server")
  })

  test("times are whole microseconds, exact, as text or number; the resource names the service", () => {
    const [span] = otlp({}, {}, { "service.name": "ui", "host.name": "h" }).spans
    expect(span).toMatchObject({ startUs: START_US, endUs: START_US + 5000, service: "ui" })
    expect(span?.resource).toEqual(new Map([["host.name", "h"]]))
  })

  test.each([
    ["no trace id", { traceId: "" }, "no_trace_id"],
    ["a short trace id", { traceId: ID }, "invalid"],
    ["a span id in base64", { spanId: "SEhaOVO7YSQ=" }, "invalid"],
    ["no start", { startTimeUnixNano: "0" }, "bad_time"],
    ["a start that is a text", { startTimeUnixNano: "now" }, "invalid"],
    ["attributes that are an object", { attributes: {} }, "invalid"],
    ["an attribute that is a text", { attributes: ["a"] }, "invalid"],
    ["an attribute of another type", { attributes: [{ key: "a", value: { intValue: {} } }] }, "invalid"],
    ["events that are null in a list", { events: [null] }, "invalid"],
    ["a link that has no ids is cut off", { links: [{}] }, undefined],
  ])("%s is counted", (_what, change, reason) => {
    const { reasons, spans } = otlp(change)
    expect([reasons, spans.length]).toEqual(reason === undefined ? [[], 1] : [[reason], 0])
  })

  test("lists and maps become text, and what is nested too deep is cut off", () => {
    let deep: object = { stringValue: "x" }
    for (let level = 0; level < 10; level++) deep = { arrayValue: { values: [deep] } }
    const kept = otlp({
      attributes: [
        { key: "list", value: { arrayValue: { values: [{ stringValue: "a" }, { intValue: "1" }, {}] } } },
        {
          key: "map",
          value: { kvlistValue: { values: [{ key: "__proto__", value: { boolValue: true } }] } },
        },
        { key: "big", value: { intValue: "9223372036854775807" } },
        { key: "nan", value: { doubleValue: "NaN" } },
        { key: "deep", value: deep },
      ],
    })
    expect(kept.spans[0]?.attributes).toEqual(
      new Map([
        ["list", '["a",1,null]'],
        ["map", '{"__proto__":true}'],
        ["big", "9223372036854775807"],
        ["nan", "NaN"],
        ["deep", "[[[[[[[[null]]]]]]]]"],
      ]),
    )
  })

  test.each([
    ["the request", { resourceSpans: {} }],
    ["a resource", { resourceSpans: [{ resource: [] }] }],
    ["a scope", { resourceSpans: [{ scopeSpans: [{ scope: "a" }] }] }],
    ["its spans", { resourceSpans: [{ scopeSpans: [{ spans: {} }] }] }],
  ])("of the wrong type: %s", (_what, request) => {
    expect(() => {
      readOtlpJson(Buffer.from(JSON.stringify(request)), new Kept())
    }).toThrow("The body holds")
  })
})

/** A field with a length below 2^21. */
function field(tag: number, content: readonly number[] | Uint8Array): number[] {
  const { length } = content
  const head = length < 128 ? [length] : [(length & 127) | 128, ((length >> 7) & 127) | 128, length >> 14]
  return [tag, ...head, ...content]
}

describe("protobuf of a hostile sender", () => {
  const good = [
    ...field(10, [...Buffer.from(TRACE, "hex")]),
    ...field(18, [...Buffer.from(ID, "hex")]),
    57,
    0,
    0,
    1,
    0,
    0,
    0,
    0,
    0,
  ]
  const request = (...spans: readonly (readonly number[])[]) =>
    Uint8Array.from(
      field(
        10,
        field(
          18,
          spans.flatMap((span) => field(18, span)),
        ),
      ),
    )

  test.each([
    ["a length beyond the span", [...good, 42, 99]],
    ["a varint without end", [...good, 48, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]],
    ["a number cut in half", good.slice(0, -3)],
    ["a group", [...good, 0x7b]],
    ["a field without a number", [...good, 0x02, 0]],
    [
      "a trace id of 17 bytes",
      field(
        10,
        Array.from({ length: 17 }, () => 1),
      ),
    ],
    ["a trace id of 3 bytes", [...good, ...field(10, [1, 2, 3])]],
  ])("%s spoils one span", (_what, span) => {
    const kept = new Kept()
    readOtlpProtobuf(request(good, span, good), kept)
    expect([kept.spans.length, kept.reasons]).toEqual([2, ["invalid"]])
  })

  test("a value nested a thousand times is cut off, and the stack stays short", () => {
    let value = [10, 1, 120]
    for (let level = 0; level < 1000; level++) value = field(42, field(10, value))
    const attribute = field(74, [10, 1, 97, ...field(18, value)])
    const kept = new Kept()
    readOtlpProtobuf(request([...good, ...attribute]), kept)
    expect(kept.spans[0]?.attributes.get("a")).toBe("[[[[[[[[null]]]]]]]]")
  })

  test("a list that breaks off is an error; what came before is kept", () => {
    for (const read of [readOtlpProtobuf, readZipkinProtobuf]) {
      const kept = new Kept()
      expect(() => {
        read(Uint8Array.from([...request(good), 10, 255]), kept)
      }).toThrow(/^The body (ends|holds)/)
    }
  })
})
