import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as fc from "fast-check"
import { expect, test } from "vitest"
import { LineReader } from "../../agent/decode/access-log/line-reader.ts"
import { decodeConfigDump } from "../../agent/decode/config-dump/decode.ts"
import { makeResolver } from "../../agent/resolve/resolver.ts"
import { type LineSpans, makeLineSpans } from "../../agent/resolve/spans/line-spans.ts"
import { parseKubernetesObjects } from "../../mesh/declare/kubernetes.ts"
import type { ProxyConfig } from "../../mesh/proxy.ts"
import { RECOMMENDED_JSON } from "../../mesh/recommended-format.ts"
import { makeInterner } from "../../mesh/request.ts"
import type { Span } from "../../mesh/span.ts"
import { appMeshDump } from "../fixtures/config-dump/app-mesh-dump.ts"

const FILE = join(import.meta.dirname, "../../demo/yelb.yaml")
const { model } = parseKubernetesObjects(readFileSync(FILE, "utf8"), FILE)
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")
const B3 = ["b3", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-b3-flags"]

interface LoggedProxy {
  readonly spans: LineSpans
  /** The span of a line with these values beside the usual ones; `doubtful`: a caller may have written it. */
  of(values: Readonly<Record<string, unknown>>, doubtful?: boolean): Span | undefined
}

/** A proxy of yelb that logs the recommended format, and further headers. */
function logged(
  resource: string,
  headers: readonly string[] = [],
  more: Partial<ProxyConfig> = {},
  proxy = `${resource}-0`,
): LoggedProxy {
  const [mesh] = model.meshes
  if (mesh === undefined) throw new Error("no mesh")
  const config = { ...decodeConfigDump(appMeshDump(mesh, resource, 2022)), ...more }
  const fields = {
    ...RECOMMENDED_JSON,
    ...Object.fromEntries(headers.map((name) => [name, `%REQ(${name})%`])),
  }
  const reader = new LineReader([{ kind: "http", format: { kind: "json", fields } }])
  const { abilities } = reader.decoder
  const { resolver, identity } = makeResolver({
    config,
    identity: { proxy },
    declared: model,
    interner: makeInterner(),
    readableLogs: new Set(["/dev/stdout"]),
    abilities,
  })
  const spans = makeLineSpans(sha256)
  spans.setProxy(proxy, config, abilities)
  const absent = Object.fromEntries(Object.keys(fields).map((name) => [name, null]))
  return {
    spans,
    of(values, doubtful = false) {
      const bytes = Buffer.from(JSON.stringify({ ...absent, ...USUAL, ...values }))
      expect(reader.read(bytes, 0, bytes.length)).toBe(0)
      reader.fact.doubtful = doubtful
      return spans.span(reader.fact, resolver.resolve(reader.fact), identity)
    },
  }
}

const TRACE = "6b01e67c1f03cf1aa75e4f6388b7e88b"
const PARENT = "7ff2155c8f2ea92a"
const XRAY = `Root=1-6b01e67c-1f03cf1aa75e4f6388b7e88b;Parent=${PARENT};Sampled=1`
const USUAL = {
  start_time: "2026-11-21T18:44:12.046Z",
  method: "GET",
  path: "/api/hostname",
  protocol: "HTTP/1.1",
  authority: "yelb-appserver:4567",
  response_code: 200,
  response_code_details: "via_upstream",
  response_flags: "-",
  bytes_received: 0,
  bytes_sent: 14,
  duration: 90,
  upstream_cluster: "cds_egress_yelb_yelb-appserver-virtual-node_http_4567",
  upstream_host: "10.0.0.9:4567",
  downstream_remote_address: "127.0.0.1:40112",
  user_agent: "curl/8",
  request_id: "r1",
  x_amzn_trace_id: XRAY,
}
const UI = "yelb-ui-virtual-node"
const ui = logged(UI)

test("a call, as Envoy's own tracer would have told it", () => {
  const span = ui.of({})
  expect(span).toEqual({
    traceId: TRACE,
    id: expect.stringMatching(/^[0-9a-f]{16}$/),
    parentId: PARENT,
    name: "egress yelb-appserver:4567",
    kind: "client",
    startUs: 1_795_286_652_046_000,
    endUs: 1_795_286_652_136_000,
    service: `yelb/${UI}`,
    remote: "yelb/yelb-appserver-virtual-node",
    http: {
      method: "GET",
      url: "http://yelb-appserver:4567/api/hostname",
      status: 200,
      userAgent: "curl/8",
      clientIp: "127.0.0.1",
      requestBytes: 0,
      responseBytes: 14,
    },
    status: { error: false, throttle: false, fault: false },
    attributes: new Map([
      ["component", "proxy"],
      ["node_id", `mesh/yelb/virtualNode/${UI}`],
      ["direction", "egress"],
      ["guid:x-request-id", "r1"],
      ["upstream_cluster", "cds_egress_yelb_yelb-appserver-virtual-node_http_4567"],
      ["response_flags", "-"],
    ]),
    resource: new Map(),
    proxy: {
      mesh: "yelb",
      flavor: "app-mesh",
      role: "sidecar",
      resource: UI,
      direction: "egress",
      cluster: "cds_egress_yelb_yelb-appserver-virtual-node_http_4567",
      target: "yelb-appserver-virtual-node",
      virtualService: "yelb-appserver",
      route: "route-to-yelb-appserver",
      flags: "-",
    },
    document: undefined,
  })
})

const INBOUND = {
  authority: "yelb-ui",
  path: "/",
  upstream_cluster: "cds_ingress_yelb_yelb-ui-virtual-node_http_80",
  upstream_host: "127.0.0.1:80",
}

test("a request that came in, and one through a gateway's door", () => {
  expect(ui.of(INBOUND)).toMatchObject({
    kind: "server",
    name: "ingress",
    remote: "",
    proxy: { direction: "ingress", target: UI },
  })
  const gateway = logged("yelb-gateway_yelb")
  const door = gateway.of({
    authority: "yelb-ui",
    path: "/",
    original_path: "/shown/to/the/caller",
    upstream_cluster: "cds_ingress_yelb_yelb-gateway_yelb_self_redirect_http_15001",
    upstream_host: "127.0.0.1:15001",
  })
  expect(door).toMatchObject({
    service: "yelb/yelb-gateway_yelb",
    http: { url: "http://yelb-ui/shown/to/the/caller" },
    proxy: { role: "gateway", direction: "ingress", target: "" },
  })
})

test("a failure: flags, fault", () => {
  const failed = {
    response_code: 503,
    response_flags: "UF,URX",
    response_code_details: "upstream_reset",
    attempts: 3,
  }
  expect(ui.of(failed)).toMatchObject({ status: { fault: true, error: false }, proxy: { flags: "UF,URX" } })
})

const none = { x_amzn_trace_id: null }
const withB3 = logged(UI, B3)
const withW3c = logged(UI, ["traceparent"])
test("B3 headers, where the format logs them", () => {
  const b3 = { ...none, b3: `${TRACE}-${PARENT}-1` }
  expect(withB3.of(b3)).toMatchObject({ traceId: TRACE, parentId: PARENT })
  const many = { ...none, "x-b3-traceid": PARENT, "x-b3-spanid": PARENT, "x-b3-sampled": "1" }
  expect(withB3.of(many)).toMatchObject({ traceId: `${"0".repeat(16)}${PARENT}`, parentId: PARENT })
  expect(ui.of(none)).toBeUndefined()
})

test("a sampled header beside one that is not", () => {
  const both = { x_amzn_trace_id: XRAY.replace("Sampled=1", "Sampled=0"), b3: `${TRACE}-${PARENT}-1` }
  expect(withB3.of(both)).toMatchObject({ traceId: TRACE })
})

test("traceparent", () => {
  expect(withW3c.of({ ...none, traceparent: `00-${TRACE}-${PARENT}-01` })).toMatchObject({ traceId: TRACE })
})

test("why a line is no span", () => {
  const proxy = logged(UI)
  proxy.of(none)
  proxy.of({ x_amzn_trace_id: XRAY.replace("Sampled=1", "Sampled=0") })
  proxy.of({ x_amzn_trace_id: "Sampled=1" })
  proxy.of({ start_time: "yesterday" })
  proxy.of({ duration: null })
  proxy.of({ ...INBOUND, user_agent: "ELB-HealthChecker/2.0" })
  expect(proxy.of({}, true)).toBeUndefined()
  proxy.of({})
  expect(proxy.spans.counters).toEqual({
    made: 1,
    traced: 0,
    unread: 0,
    not_request: 1,
    no_trace: 2,
    not_sampled: 1,
    doubtful: 1,
    no_start: 1,
    no_duration: 1,
  })
})

test("a proxy with a tracer tells its spans by itself; one that was not read may", () => {
  const tracer = { kind: "xray", protocol: "udp", to: [], service: "" } as const
  const traced = logged(UI, [], { tracers: [tracer] })
  expect(traced.of({})).toBeUndefined()
  expect(traced.spans.counters.traced).toBe(1)
  traced.spans.dropProxy(`${UI}-0`)
  expect(traced.of({})).toBeUndefined()
  expect(traced.spans.counters.unread).toBe(1)
})

test("a line that is read again makes the same id; another proxy, direction, start or try another one", () => {
  const again = logged(UI).of({})
  expect(ui.of({})?.id).toBe(again?.id)
  const others = [
    ui.of({ start_time: "2026-11-21T18:44:12.047Z" }),
    ui.of({ request_id: "r2" }),
    ui.of({ duration: 91 }),
    ui.of({ upstream_host: "10.0.0.8:4567" }),
    ui.of({ x_amzn_trace_id: XRAY.replace(PARENT, PARENT.replace("7", "8")) }),
    ui.of(INBOUND),
    logged(UI, [], {}, `${UI}-1`).of({}),
  ]
  expect(new Set([again, ...others].map((span) => span?.id)).size).toBe(8)
})

test("whatever a caller sends, a span is whole or there is none", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 100 }),
    fc.constantFrom(XRAY, `00-${TRACE}-${PARENT}-01`, "-", "Root=;Sampled=1"),
  )
  const keys = ["x_amzn_trace_id", "request_id", "path", "authority", "user_agent", "method", "start_time"]
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...keys), text), { maxLength: 5 }), (pairs) => {
      const span = ui.of(Object.fromEntries(pairs))
      expect(span?.traceId ?? TRACE).toMatch(/^[0-9a-f]{32}$/)
      expect(span?.id ?? PARENT).toMatch(/^[0-9a-f]{16}$/)
      expect(Number.isSafeInteger(span?.startUs ?? 1)).toBe(true)
    }),
  )
})
