import { describe, expect, test } from "vitest"
import { type Span, type SpanProxy, STATUS_OK } from "#mesh/span.ts"
import { makeXrayDecoder } from "../../agent/decode/spans/xray.ts"
import { documentOf } from "../../agent/publish/xray/document.ts"
import { makeXrayEncoder } from "../../agent/publish/xray/encoder.ts"
import { cleanName } from "../../agent/publish/xray/names.ts"
import { ENVOY } from "../fixtures/spans/envoy-document.ts"

const TRACE = "5759e988bd862e3fe1be46a994272793"
const PARENT = "aaaaaaaaaaaaaaaa"
const SPAN: Span = {
  traceId: TRACE,
  id: "53995c3f42cd8ad8",
  parentId: "",
  name: "",
  kind: "server",
  startUs: 1_480_615_200_010_000,
  endUs: 1_480_615_200_090_000,
  service: "mesh/yelb/virtualNode/ui",
  remote: "",
  http: { method: "GET", url: "http://yelb-ui/api?x=1", status: 200 },
  status: STATUS_OK,
  attributes: new Map(),
  resource: new Map(),
  proxy: undefined,
  document: undefined,
}
const PROXY: SpanProxy = {
  mesh: "yelb",
  flavor: "app-mesh",
  role: "sidecar",
  resource: "ui",
  direction: "ingress",
  cluster: "",
  target: "",
  virtualService: "",
  route: "",
  flags: "",
}
const EGRESS: SpanProxy = {
  ...PROXY,
  direction: "egress",
  target: "appserver",
  virtualService: "app.yelb",
  route: "r1",
}
const GATEWAY: SpanProxy = { ...PROXY, role: "gateway", resource: "gw" }

const encode = (
  change: Partial<Span>,
  options: Parameters<typeof makeXrayEncoder>[0] = {},
): Record<string, unknown> => {
  const filled = { annotate: new Set<string>(), logGroup: () => undefined, ...options }
  return JSON.parse(JSON.stringify(documentOf({ ...SPAN, ...change }, filled))) as Record<string, unknown>
}
const received = (document: Record<string, unknown>): Span => {
  const spans: Span[] = []
  makeXrayDecoder().decode(Buffer.from(JSON.stringify(document)), (span) => spans.push(span))
  const [span] = spans
  if (span === undefined) throw new Error("no span")
  return span
}

describe("what a span is named", () => {
  const sub = { parentId: PARENT, kind: "client" as const }
  const rows: readonly [string, Partial<Span>, string][] = [
    ["an application by its service", { service: "shop" }, "shop"],
    ["an application without one by what it did", { service: "", name: "GET /" }, "GET /"],
    ["its call by whom it called", { ...sub, service: "shop", remote: "db", name: "select" }, "db"],
    [
      "its own work by what it did",
      { parentId: PARENT, kind: "internal", name: "parse", service: "shop" },
      "parse",
    ],
    ["by what it did where it does not say whom", { ...sub, service: "shop", name: "GET /" }, "GET /"],
    ["a proxy by what its resolver calls it", { proxy: PROXY, service: "yelb/ui" }, "yelb/ui"],
    [
      "a proxy's call by whom it called",
      { ...sub, proxy: EGRESS, remote: "yelb/appserver" },
      "yelb/appserver",
    ],
    [
      "its document too",
      { ...sub, proxy: EGRESS, remote: "yelb/appserver", service: "yelb/ui", document: ENVOY },
      "yelb/appserver",
    ],
    [
      "a proxy's call without parent stays its segment",
      { proxy: EGRESS, kind: "client", service: "yelb/ui" },
      "yelb/ui",
    ],
  ]
  test.each(rows)("%s", (_, change, name) => {
    expect(encode(change)["name"]).toBe(name)
  })

  test("names keep what X-Ray allows, in 200 characters", () => {
    expect(cleanName("a <b>; Grüße/x:1@2\\")).toBe("a _b__ Grüße/x:1@2\\")
    expect(cleanName("x".repeat(300))).toHaveLength(200)
    expect(cleanName("")).toBe("unknown")
    expect(cleanName("   ")).toBe("   ")
    expect(cleanName("😀".repeat(150))).toBe("_".repeat(150))
  })
})

describe("segment or subsegment", () => {
  const call = { parentId: PARENT, kind: "client" as const }
  const rows: readonly [string, Partial<Span>, string | undefined, string | undefined][] = [
    ["a server with a parent", { parentId: PARENT }, undefined, undefined],
    ["a client without one", { kind: "client" }, undefined, undefined],
    ["a client with one", { kind: "client", parentId: PARENT }, "subsegment", "remote"],
    [
      "a call to AWS",
      { kind: "client", parentId: PARENT, attributes: new Map([["rpc.system", "aws-api"]]) },
      "subsegment",
      "aws",
    ],
    ["work inside", { kind: "internal", parentId: PARENT }, "subsegment", undefined],
    ["a proxy's ingress", { proxy: PROXY, parentId: PARENT }, undefined, undefined],
    ["a proxy's egress", { ...call, proxy: EGRESS }, "subsegment", "remote"],
    ["a proxy's egress that is a root", { proxy: EGRESS }, undefined, undefined],
    ["a proxy's own document", { ...call, proxy: EGRESS, document: ENVOY }, "subsegment", "remote"],
    [
      "a proxy's document whose side is not known",
      { parentId: PARENT, kind: "internal", proxy: { ...PROXY, direction: "unknown" }, document: ENVOY },
      undefined,
      undefined,
    ],
    [
      "an application's document stays",
      { kind: "client", parentId: PARENT, document: ENVOY },
      undefined,
      undefined,
    ],
  ]
  test.each(rows)("%s", (_, change, type, namespace) => {
    const document = encode(change)
    expect(document["type"]).toBe(type)
    expect(document["namespace"]).toBe(namespace)
    const origin = change.proxy !== undefined && type === undefined ? "AWS::AppMesh::Proxy" : undefined
    expect(document["origin"]).toBe(origin)
  })
})

describe("error, throttle and fault", () => {
  test("are those of the span, also where its document said otherwise", () => {
    const status = { error: true, throttle: true, fault: false }
    const document = encode({ proxy: PROXY, status, document: { ...ENVOY, fault: true } })
    expect(document).toMatchObject({ error: true, throttle: true })
    expect(document).not.toHaveProperty("fault")
  })
})

describe("a proxy's document", () => {
  test("keeps what it had, and gets the names of the mesh", () => {
    const span = {
      ...received(ENVOY),
      proxy: { ...PROXY, virtualService: "ui.yelb", route: "r", flags: "-" },
    }
    expect(encode(span, { logGroup: (mesh) => `/mesh/${mesh}` })).toEqual({
      ...ENVOY,
      origin: "AWS::AppMesh::Proxy",
      aws: {
        app_mesh: { mesh_name: "yelb", virtual_node_name: "ui" },
        cloudwatch_logs: [{ log_group: "/mesh/yelb" }],
      },
      annotations: {
        mesh: "yelb",
        virtual_node: "ui",
        virtual_service: "ui.yelb",
        route: "r",
        response_flags: "-",
        direction: "ingress",
        grpc_status_code: "2",
        upstream_cluster: "cds_egress_yelb_appserver",
      },
    })
  })

  test("keeps its own origin, app_mesh and log group", () => {
    const aws = {
      app_mesh: { mesh_name: "m", virtual_node_name: "n" },
      cloudwatch_logs: [{ log_group: "theirs" }],
    }
    const span = { ...received({ ...ENVOY, origin: "AWS::ECS::Container", aws }), proxy: PROXY }
    expect(encode(span, { logGroup: () => "ours" })).toMatchObject({ origin: "AWS::ECS::Container", aws })
  })

  test("of a gateway says so", () => {
    expect(encode({ proxy: GATEWAY })).toMatchObject({
      aws: { app_mesh: { mesh_name: "yelb", virtual_node_name: "gw", virtual_gateway_name: "gw" } },
      annotations: { virtual_gateway: "gw" },
    })
  })

  test("of another mesh product is not called App Mesh", () => {
    const document = encode({ proxy: { ...PROXY, flavor: "istio" } })
    expect(document).not.toHaveProperty("origin")
    expect(document).not.toHaveProperty("aws")
    expect(document).toMatchObject({ annotations: { mesh: "yelb", virtual_node: "ui" } })
  })

  test("has at most 50 annotations, those of the mesh first; the rest is metadata", () => {
    const annotations = Object.fromEntries(Array.from({ length: 80 }, (_, index) => [`k.${index}`, index]))
    const document = encode({
      ...received({ ...ENVOY, annotations: { ...annotations, list: [1] } }),
      proxy: PROXY,
    })
    const kept = document["annotations"] as Record<string, unknown>
    expect(Object.keys(kept)).toHaveLength(50)
    expect(kept).toMatchObject({ mesh: "yelb", virtual_node: "ui", k_0: 0 })
    expect(Object.keys((document["metadata"] as Record<string, object>)["annotations"] ?? {})).toHaveLength(
      34,
    )
  })

  test("keys of annotations have letters, digits and _; the first of a name stays", () => {
    const annotations = { "a.b": 1, "a:b": 2, __proto__x: 3, "": 4, mesh: "forged" }
    const document = encode({ ...received({ ...ENVOY, annotations }), proxy: PROXY })
    expect(document["annotations"]).toMatchObject({ a_b: 1, __proto__x: 3, _: 4, mesh: "yelb" })
  })
})

describe("a document of an application", () => {
  test("leaves as it came", () => {
    const odd = {
      ...ENVOY,
      http: { response: { status: 503 } },
      annotations: { "a.b": 1 },
      aws: { app_mesh: 1 },
    }
    expect(encode(received(odd), { logGroup: () => "ours" })).toEqual(odd)
  })

  test("but for a name that X-Ray would refuse", () => {
    expect(encode(received({ ...ENVOY, name: "a|b" }))).toEqual({ ...ENVOY, name: "a_b" })
  })
})

describe("a span that was no document", () => {
  test("has all that X-Ray has words for; the rest is metadata", () => {
    const document = encode(
      {
        service: "shop",
        name: "GET /cart",
        status: { error: false, throttle: false, fault: true },
        http: {
          method: "GET",
          url: "http://shop/cart",
          userAgent: "curl",
          clientIp: "10.0.0.1",
          forwarded: true,
          status: 500,
          responseBytes: 9,
        },
        attributes: new Map<string, string | number>([
          ["enduser.id", "ann"],
          ["tenant.id", "t1"],
          ["db.system", "mysql"],
          ["db.statement", "select 1"],
        ]),
        resource: new Map([
          ["service.version", "1.2"],
          ["cloud.platform", "aws_ecs"],
          ["aws.ecs.launchtype", "FARGATE"],
          ["container.id", "c1"],
          ["aws.log.group.names", "/shop"],
        ]),
        events: [
          {
            timeUs: 1_480_615_200_020_000,
            name: "exception",
            attributes: new Map([["exception.type", "Boom"]]),
          },
        ],
        links: [{ traceId: TRACE, id: PARENT, attributes: new Map() }],
      },
      { annotate: new Set(["tenant.id"]) },
    )
    expect(document).toEqual({
      name: "shop",
      id: SPAN.id,
      trace_id: "1-5759e988-bd862e3fe1be46a994272793",
      start_time: 1_480_615_200.01,
      end_time: 1_480_615_200.09,
      http: {
        request: {
          method: "GET",
          url: "http://shop/cart",
          user_agent: "curl",
          client_ip: "10.0.0.1",
          x_forwarded_for: true,
        },
        response: { status: 500, content_length: 9 },
      },
      fault: true,
      origin: "AWS::ECS::Fargate",
      aws: { ecs: { container_id: "c1" }, cloudwatch_logs: [{ log_group: "/shop" }] },
      annotations: { tenant_id: "t1" },
      metadata: {
        default: {
          "otel.name": "GET /cart",
          "enduser.id": "ann",
          "tenant.id": "t1",
          "db.system": "mysql",
          "db.statement": "select 1",
          "otel.resource.service.version": "1.2",
          "otel.resource.cloud.platform": "aws_ecs",
          "otel.resource.aws.ecs.launchtype": "FARGATE",
          "otel.resource.container.id": "c1",
          "otel.resource.aws.log.group.names": "/shop",
          "otel.links": [`1-5759e988-bd862e3fe1be46a994272793@${PARENT}`],
        },
        events: [{ time: 1_480_615_200.02, name: "exception", "exception.type": "Boom" }],
      },
      user: "ann",
      service: { version: "1.2" },
      sql: { database_type: "mysql", sanitized_query: "select 1" },
      cause: { exceptions: [{ id: SPAN.id, type: "Boom" }] },
    })
  })

  test("of a proxy has its attributes as annotations, as Envoy's own documents have", () => {
    const attributes = new Map([
      ["upstream_cluster", "c"],
      ["response_flags", "UF"],
    ])
    expect(encode({ proxy: { ...PROXY, flags: "UF" }, attributes })).toMatchObject({
      annotations: { response_flags: "UF", upstream_cluster: "c", virtual_node: "ui" },
    })
  })

  test("that has not ended is in progress; a code of 0 is no code", () => {
    const document = encode({ endUs: undefined, http: { status: 0 } })
    expect(document).toMatchObject({ in_progress: true })
    expect(document).not.toHaveProperty("end_time")
    expect(document).not.toHaveProperty("http")
  })
})

test("only a segment tells that its client's address is a claim of a header", () => {
  const http = { clientIp: "10.0.0.1", forwarded: true }
  expect(encode({ http })["http"]).toEqual({ request: { client_ip: "10.0.0.1", x_forwarded_for: true } })
  expect(encode({ http, kind: "client", parentId: PARENT })["http"]).toEqual({
    request: { client_ip: "10.0.0.1" },
  })
})

test("documents go into the outbox by trace; a carried span is not sent twice", () => {
  const records: [string, number, number][] = []
  const encoder = makeXrayEncoder(
    {},
    { append: (key, timeMs, payload) => records.push([key, timeMs, payload.length]) },
  )
  encoder.span(SPAN)
  encoder.span({ ...SPAN, carried: true })
  encoder.span({ ...SPAN, service: "x", document: { ...ENVOY, cause: "x".repeat(70_000) } })
  expect(records).toEqual([[TRACE, 1_480_615_200_090, expect.any(Number)]])
  expect(encoder.counters()).toEqual({ spans: 2, documents: 1, refused: { too_large: 1, no_id: 0 } })
})
