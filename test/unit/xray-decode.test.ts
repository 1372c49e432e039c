import { describe, expect, test } from "vitest"
import type { Span } from "#mesh/span.ts"
import { makeXrayDecoder } from "../../agent/decode/spans/xray.ts"
import { captured } from "../fixtures/spans/captured.ts"

const WHOLE = {
  name: "shop",
  id: "70de5b6f19ff9a0a",
  trace_id: "1-581cf771-a006649127e371903a2de979",
  start_time: 1_478_293_361.271,
  end_time: 1_478_293_361.449,
}

function decode(document: unknown): Span[] {
  const { spans, drop } = decodeText(JSON.stringify(document))
  if (drop !== undefined) throw new Error(drop)
  return spans
}
function decodeText(text: string) {
  const decoder = makeXrayDecoder()
  const spans: Span[] = []
  const drop = decoder.decode(Buffer.from(text), (span) => spans.push(span))
  return { spans, drop, counters: decoder.counters() }
}
const only = (document: unknown): Span => {
  const [span, ...rest] = decode(document)
  if (span === undefined || rest.length > 0) throw new Error("expected one span")
  return span
}

describe("a segment becomes a span", () => {
  test("with its ids in our form, and times in microseconds", () => {
    expect(only({ ...WHOLE, parent_id: "AAAABBBBCCCCDDDD" })).toMatchObject({
      traceId: "581cf771a006649127e371903a2de979",
      id: "70de5b6f19ff9a0a",
      parentId: "aaaabbbbccccdddd",
      service: "shop",
      name: "",
      kind: "server",
      startUs: 1_478_293_361_271_000,
      endUs: 1_478_293_361_449_000,
      status: { error: false, throttle: false, fault: false },
    })
  })

  test("unfinished, it has no end", () => {
    const { end_time: _, ...begun } = WHOLE
    expect(only({ ...begun, in_progress: true }).endUs).toBeUndefined()
  })

  test("what is not known stays in its document, which is as it came", () => {
    const document = { ...WHOLE, novelty: { deep: [1] }, precursor_ids: ["x"] }
    expect(only(document).document).toEqual(document)
  })

  test("http, user, sql and cause have OpenTelemetry's names", () => {
    const span = only({
      ...WHOLE,
      user: "ann",
      http: {
        request: {
          method: "GET",
          url: "http://a/b",
          user_agent: "curl",
          client_ip: "10.0.0.1",
          x_forwarded_for: true,
        },
        response: { status: 503, content_length: 12 },
      },
      sql: { database_type: "PostgreSQL", sanitized_query: "select 1" },
      cause: { exceptions: [{ type: "Timeout", message: "too late" }] },
      fault: true,
    })
    expect(span.http).toEqual({
      method: "GET",
      url: "http://a/b",
      userAgent: "curl",
      clientIp: "10.0.0.1",
      forwarded: true,
      status: 503,
      responseBytes: 12,
    })
    expect(Object.fromEntries(span.attributes)).toEqual({
      "enduser.id": "ann",
      "db.system": "PostgreSQL",
      "db.statement": "select 1",
      "exception.type": "Timeout",
      "exception.message": "too late",
    })
    expect(span.status.fault).toBe(true)
  })

  test("aws and origin tell of the process", () => {
    const aws = {
      account_id: "123456789012",
      ecs: { container: "web" },
      app_mesh: { mesh_name: "yelb", virtual_node_name: "ui" },
      cloudwatch_logs: [{ arn: "no name" }, { log_group: "/mesh" }],
      xray: { sdk: "X-Ray for Go" },
    }
    expect(Object.fromEntries(only({ ...WHOLE, origin: "AWS::ECS::Fargate", aws }).resource)).toEqual({
      "cloud.provider": "aws",
      "cloud.platform": "aws_ecs",
      "aws.xray.origin": "AWS::ECS::Fargate",
      "cloud.account.id": "123456789012",
      "container.name": "web",
      "aws.app_mesh.mesh_name": "yelb",
      "aws.app_mesh.virtual_node_name": "ui",
      "aws.log.group.names": "/mesh",
      "telemetry.sdk.name": "X-Ray for Go",
    })
  })

  test("annotations and metadata are attributes", () => {
    const span = only({
      ...WHOLE,
      annotations: { "grpc.status_code": "2", n: 1, list: [] },
      metadata: { ns: { a: 1 } },
    })
    expect(Object.fromEntries(span.attributes)).toEqual({
      "grpc.status_code": "2",
      n: 1,
      "aws.xray.metadata.ns": '{"a":1}',
    })
  })
})

const kindBy = (annotations: object) => only({ ...WHOLE, annotations }).kind
test("the side of an Envoy is its annotation's, or that of its cluster's name", () => {
  expect(kindBy({ direction: "egress" })).toBe("client")
  expect(kindBy({ direction: "ingress", upstream_cluster: "cds_egress_m_n_http_80" })).toBe("server")
  expect(kindBy({ upstream_cluster: "cds_egress_m_n_http_80" })).toBe("client")
  expect(kindBy({ upstream_cluster: "cds_ingress_m_n_http_80" })).toBe("server")
})

describe("subsegments", () => {
  test("nested ones are spans that their document carries", () => {
    const document = {
      ...WHOLE,
      origin: "AWS::EC2::Instance",
      subsegments: [
        {
          name: "api.example.com",
          id: "53995c3f42cd8ad8",
          start_time: 1,
          end_time: 2,
          namespace: "remote",
          subsegments: [{ name: "## parse", id: "53995c3f42cd8ad9", start_time: 1.5, in_progress: true }],
        },
      ],
    }
    const [root, call, inner] = decode(document)
    expect(root?.carried).toBeUndefined()
    expect(call).toMatchObject({
      traceId: root?.traceId,
      parentId: root?.id,
      kind: "client",
      service: "shop",
      name: "api.example.com",
      remote: "api.example.com",
      carried: true,
      document: undefined,
    })
    expect(call?.resource).toBe(root?.resource)
    expect(inner).toMatchObject({ parentId: call?.id, kind: "internal", remote: "", carried: true })
  })

  test("one that was sent by itself keeps its document", () => {
    const span = only({
      ...WHOLE,
      type: "subsegment",
      parent_id: "53995c3f42cd8ad8",
      namespace: "aws",
      aws: { operation: "GetItem" },
    })
    expect(span).toMatchObject({ kind: "client", service: "", name: "shop", remote: "shop" })
    expect(span.attributes.get("aws.operation")).toBe("GetItem")
    expect(span.document).toMatchObject({ type: "subsegment" })
  })

  test("those that are none are counted, the rest is read", () => {
    const good = { name: "ok", id: "53995c3f42cd8ad8", start_time: 1, end_time: 2 }
    const { spans, counters } = decodeText(
      JSON.stringify({ ...WHOLE, subsegments: [1, null, [], { ...good, id: "x" }, good] }),
    )
    expect(spans.map(({ name }) => name)).toEqual(["", "ok"])
    expect(counters).toMatchObject({ documents: 1, spans: 2, unread: 4 })
  })

  test("a list of them is as if each had come by itself", () => {
    const sub = { ...WHOLE, type: "subsegment", parent_id: "53995c3f42cd8ad8" }
    const { spans, drop, counters } = decodeText(JSON.stringify([sub, 1, { ...sub, id: "53995c3f42cd8ad9" }]))
    expect(drop).toBeUndefined()
    expect(spans.map(({ id, document }) => [id, document?.["id"]])).toEqual([
      ["70de5b6f19ff9a0a", "70de5b6f19ff9a0a"],
      ["53995c3f42cd8ad9", "53995c3f42cd8ad9"],
    ])
    expect(counters).toMatchObject({ spans: 2, unread: 1 })
    expect(decodeText("[]").drop).toBe("bad_json")
    expect(decodeText('[{"name":"x"}]').drop).toBe("no_id")
  })

  test("no more than a thousand become spans", () => {
    const subsegments = Array.from({ length: 1500 }, (_, index) => ({
      name: "s",
      id: (index + 1).toString(16).padStart(16, "0"),
      start_time: 1,
    }))
    const { spans, counters } = decodeText(JSON.stringify({ ...WHOLE, subsegments }))
    expect(spans).toHaveLength(1001)
    expect(counters.unread).toBe(500)
  })
})

describe("what is no span is refused with a word", () => {
  const rows: readonly [string, unknown, string][] = [
    ["no object", [1], "bad_json"],
    ["a text", "x", "bad_json"],
    ["no name", { ...WHOLE, name: "" }, "no_name"],
    ["a name of another type", { ...WHOLE, name: { a: 1 } }, "no_name"],
    ["no id", { ...WHOLE, id: undefined }, "no_id"],
    ["a short id", { ...WHOLE, id: "70de5b6f" }, "no_id"],
    ["an id of zeros", { ...WHOLE, id: "0000000000000000" }, "no_id"],
    ["no trace id", { ...WHOLE, trace_id: undefined }, "no_trace_id"],
    ["a W3C trace id", { ...WHOLE, trace_id: "581cf771a006649127e371903a2de979" }, "no_trace_id"],
    ["a trace id of zeros", { ...WHOLE, trace_id: `1-${"0".repeat(8)}-${"0".repeat(24)}` }, "no_trace_id"],
    ["no start", { ...WHOLE, start_time: undefined }, "bad_time"],
    ["a start before all time", { ...WHOLE, start_time: -1 }, "bad_time"],
    ["a start in nanoseconds", { ...WHOLE, start_time: 1.4e18 }, "bad_time"],
    ["a start that is a text", { ...WHOLE, start_time: "1478293361" }, "bad_time"],
  ]
  test.each(rows)("%s", (_, document, reason) => {
    const { spans, drop, counters } = decodeText(JSON.stringify(document))
    expect(drop).toBe(reason)
    expect(spans).toEqual([])
    expect(counters.dropped).toMatchObject({ [reason]: 1 })
  })

  test("broken JSON, numbers that are none, and nothing", () => {
    for (const text of ["", "{", '{"start_time":NaN}', "\u0000", '{"a":1}}'])
      expect(decodeText(text).drop).toBe("bad_json")
  })

  test("JSON that is nested too deep, wherever", () => {
    expect(decodeText(`{"metadata":${"[".repeat(30_000)}${"]".repeat(30_000)}}`).drop).toBe("too_deep")
    expect(decodeText("[".repeat(60_000)).drop).toBe("too_deep")
    const text = JSON.stringify({ ...WHOLE, metadata: { brackets: "[{".repeat(1000) } })
    expect(decodeText(text).drop).toBeUndefined()
  })

  test("a number that JSON cannot hold is no time", () => {
    expect(decodeText(JSON.stringify(WHOLE).replace("1478293361.271", "1e999")).drop).toBe("bad_time")
  })
})

describe("hostile documents", () => {
  test("names of prototypes are names", () => {
    const text = `{"__proto__":{"polluted":1},"constructor":{"name":"x"},${JSON.stringify(WHOLE).slice(1, -1)},"annotations":{"__proto__":"a","constructor":"b"}}`
    const { spans } = decodeText(text)
    expect(spans[0]?.attributes.get("__proto__")).toBe("a")
    expect(spans[0]?.attributes.get("constructor")).toBe("b")
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false)
    expect(Reflect.get({}, "polluted")).toBeUndefined()
  })

  test("a document without its own name does not inherit one", () => {
    expect(decodeText('{"__proto__":{"name":"x"},"id":"70de5b6f19ff9a0a"}').drop).toBe("no_name")
  })

  test("attributes above the limit are counted, and long texts cut", () => {
    const annotations = Object.fromEntries(
      Array.from({ length: 200 }, (_, index) => [`k${index}`, index === 0 ? "x".repeat(5000) : index]),
    )
    const { spans, counters } = decodeText(JSON.stringify({ ...WHOLE, annotations }))
    expect(spans[0]?.attributes.size).toBe(128)
    expect(spans[0]?.attributes.get("k0")).toHaveLength(4096)
    expect(counters.cutAttributes).toBe(72)
  })

  test("wrong types everywhere are as if nothing were told", () => {
    const wrong = {
      http: [],
      aws: "x",
      annotations: 3,
      sql: null,
      cause: { exceptions: [null] },
      subsegments: {},
      parent_id: 7,
      user: [],
    }
    expect(only({ ...WHOLE, ...wrong })).toMatchObject({ parentId: "", http: {} })
  })

  test("a document of 300 KB", () => {
    expect(decodeText(JSON.stringify({ ...WHOLE, metadata: "x".repeat(300_000) })).drop).toBe("too_large")
  })
})

test("what Envoys send: ids, sides and statuses", () => {
  const spans = ["fine", "throttled", "missing", "broken"].map((request) =>
    captured("xray", request).flatMap((datagram) =>
      decode(JSON.parse(datagram.toString().split("\n")[1] ?? "")),
    ),
  )
  const [fine = [], throttled = [], missing = []] = spans
  expect(new Set(fine.map(({ traceId }) => traceId)).size).toBe(1)
  expect(fine.filter(({ parentId }) => parentId === "")).toHaveLength(1)
  expect(new Set(fine.map(({ kind }) => kind))).toEqual(new Set(["server", "client"]))
  expect(fine[0]?.attributes.get("upstream_cluster")).toMatch(/^cds_ingress_yelb_/)
  expect(throttled.some(({ status }) => status.throttle)).toBe(true)
  expect(missing.some(({ http }) => http.status === 404)).toBe(true)
})
