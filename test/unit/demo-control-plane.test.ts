import { expect, test } from "vitest"
import { placePods } from "../../demo/control-plane/placement.ts"
import { type ProxyFilesInput, proxyFiles } from "../../demo/control-plane/proxy-files.ts"
import { retryPolicy } from "../../demo/control-plane/retry.ts"
import type { TracerSettings } from "../../demo/control-plane/tracing.ts"
import { RICH } from "./demo-model.ts"

/** What App Mesh's control plane is known to have written; see the reference of names and route tables. */
const placement = placePods(RICH, { cart_ns: 2 }, 40)

function filesOf(name: string, more: Partial<ProxyFilesInput> = {}): ReadonlyMap<string, string> {
  const pod = placement.pods.find((known) => known.name === name)
  if (pod === undefined) throw new Error(name)
  return proxyFiles({ mesh: RICH, placement, pod, folder: "/xds", ...more })
}

type Resource = Readonly<Record<string, unknown>>
const parsed = (files: ReadonlyMap<string, string>, name: string): Resource =>
  JSON.parse(files.get(name) ?? "null") as Resource

/** What lies at a path; numbers are places in a list. */
function at(value: unknown, path: string): unknown {
  return path.split("/").reduce<unknown>((inner, key) => (inner as Resource | undefined)?.[key], value)
}

/** A list somewhere inside; empty when there is none. */
const listOf = (value: unknown): readonly Resource[] => (value ?? []) as readonly Resource[]
const resources = (files: ReadonlyMap<string, string>, name: string): readonly Resource[] =>
  parsed(files, name)["resources"] as readonly Resource[]

test("pods get three addresses each, gateways first", () => {
  expect(placement.pods.map(({ name, address }) => `${name} ${address}`)).toEqual([
    "door_ns-0 127.40.1.1",
    "front_ns-0 127.40.1.2",
    "cart_ns-0 127.40.1.3",
    "cart_ns-1 127.40.1.4",
    "cart-v2_ns-0 127.40.1.5",
    "store_ns-0 127.40.1.6",
    "store-v2_ns-0 127.40.1.7",
    "job_ns-0 127.40.1.8",
  ])
  expect(placement.pods[2]).toMatchObject({ appAddress: "127.40.2.3", egressAddress: "127.40.3.3" })
  expect(() => placePods(RICH, { ghost: 1 }, 40)).toThrow(/ghost/)
})

test("a sidecar's clusters: ingress, egress per target, AWS, allow-all; targets in the metadata", () => {
  const clusters = resources(filesOf("front_ns-0"), "cds.json")
  expect(clusters.map(({ name, type }) => `${String(name)} ${String(type)}`)).toEqual([
    "cds_ingress_shop_front_ns_http_8080 STATIC",
    "cds_egress_shop_cart-v2_ns_http_8080 LOGICAL_DNS",
    "cds_egress_shop_cart_ns_http_8080 EDS",
    "cds_egress_shop_cart_ns_grpc_9090 EDS",
    "cds_egress_shop_store_ns_tcp_6379 LOGICAL_DNS",
    "cds_egress_shop_store-v2_ns_tcp_6379 LOGICAL_DNS",
    "cds_egress_shop_amazonaws ORIGINAL_DST",
    "cds_egress_shop_mesh-allow-all ORIGINAL_DST",
  ])
  expect(at(clusters[2], "metadata/filter_metadata/aws.appmesh.aggregate_stats/config")).toBe(
    '{"tags":[{"key":"TargetVirtualNode","value":"cart_ns"}]}',
  )
  expect(at(clusters[2], "circuit_breakers/thresholds/0/max_requests")).toBe(2_147_483_647)
})

test("Cloud Map endpoints come by EDS, all pods of the node", () => {
  const [assignment] = resources(filesOf("front_ns-0"), "eds_cds_egress_shop_cart_ns_http_8080.json")
  const hosts = listOf(at(assignment, "endpoints/0/lb_endpoints"))
  expect(hosts.map((host) => at(host, "endpoint/address/socket_address/address"))).toEqual([
    "127.40.1.3",
    "127.40.1.4",
  ])
})

test("a node of several listeners has its protocol and port in the stat prefix", () => {
  const files = filesOf("cart_ns-0")
  const [ingress] = resources(files, "lds.json")
  expect(ingress).toMatchObject({
    name: "lds_ingress_0.0.0.0_15000",
    stat_prefix: "0.0.0.0_15000",
    traffic_direction: "INBOUND",
  })
  const chains = listOf(at(ingress, "filter_chains"))
  expect(
    chains.map((chain) => [
      at(chain, "filter_chain_match/destination_port"),
      at(chain, "filters/0/typed_config/stat_prefix"),
      at(chain, "filters/0/typed_config/rds/route_config_name"),
    ]),
  ).toEqual([
    [8080, "ingress.http.8080", "rds_ingress_http_8080"],
    [9090, "ingress.grpc.9090", "rds_ingress_grpc_9090"],
  ])
})

test("a node without listeners has no ingress", () => {
  expect(resources(filesOf("job_ns-0"), "lds.json").map(({ name }) => String(name))).toEqual([
    "lds_egress_0.0.0.0_15001",
  ])
})

test("egress chains: HTTP and TCP by port, then AWS, then everything where the mesh allows it", () => {
  const [, egress] = resources(filesOf("front_ns-0"), "lds.json")
  const chains = listOf(at(egress, "filter_chains"))
  expect(chains.map((chain) => at(chain, "filter_chain_match"))).toEqual([
    { destination_port: 6379 },
    { destination_port: 8080 },
    { destination_port: 9090 },
    {
      prefix_ranges: [{ address_prefix: "0.0.0.0", prefix_len: 0 }],
      destination_port: 443,
      server_names: ["*.amazonaws.com"],
    },
    { prefix_ranges: [{ address_prefix: "0.0.0.0", prefix_len: 0 }] },
    { prefix_ranges: [{ address_prefix: "0.0.0.0", prefix_len: 0 }], destination_port: 443 },
  ])
  const strict = filesOf("front_ns-0", { mesh: { ...RICH, egress: "DROP_ALL" } })
  expect(resources(strict, "cds.json").map(({ name }) => String(name))).not.toContain(
    "cds_egress_shop_mesh-allow-all",
  )
  expect(at(resources(strict, "lds.json")[1], "filter_chains")).toHaveLength(4)
})

test("egress routes: unnamed, in order, weight 0 kept, the service in the metadata", () => {
  const [config] = resources(filesOf("front_ns-0"), "rds_egress_http_8080.json")
  const [cart, nothing] = listOf(at(config, "virtual_hosts"))
  expect(cart).toMatchObject({ name: "cart.ns", domains: ["cart.ns", "cart.ns:8080"] })
  expect(nothing).toEqual({ name: "nothing.ns", domains: ["nothing.ns", "nothing.ns:8080"] })
  const [byHeader, rest] = listOf(at(cart, "routes"))
  expect(byHeader).not.toHaveProperty("name")
  expect(byHeader).toMatchObject({
    match: {
      prefix: "/",
      headers: [
        { name: ":method", string_match: { exact: "GET" } },
        { name: "x-canary", string_match: { safe_regex: { regex: "v[23]" } } },
        { name: "x-old", string_match: { exact: "yes" }, invert_match: true },
        { name: "x-age", range_match: { start: 1, end: 10 } },
        { name: "x-there", present_match: true },
      ],
      query_parameters: [{ name: "q", string_match: { exact: "1" } }],
    },
    route: { timeout: "2.5s", idle_timeout: "60s", retry_policy: { per_try_timeout: "1.5s" } },
    metadata: {
      filter_metadata: {
        "aws.appmesh.aggregate_stats": {
          config: '{"tags":[{"key":"TargetVirtualService","value":"cart.ns"}]}',
        },
      },
    },
  })
  expect(at(rest, "route")).toMatchObject({
    timeout: "15s",
    weighted_clusters: {
      clusters: [
        { name: "cds_egress_shop_cart_ns_http_8080", weight: 100 },
        { name: "cds_egress_shop_cart-v2_ns_http_8080", weight: 0 },
      ],
    },
  })
})

test("a gRPC method is an exact path", () => {
  const [config] = resources(filesOf("front_ns-0"), "rds_egress_grpc_9090.json")
  expect(at(config, "virtual_hosts/0/routes/0/match")).toEqual({
    path: "/shop.Stock/Get",
    headers: [{ name: "content-type", string_match: { prefix: "application/grpc" } }],
  })
})

test("a gateway redirects to itself, with the listener's port in the name when there are several", () => {
  const files = filesOf("door_ns-0")
  const names = resources(files, "cds.json").map(({ name }) => String(name))
  expect(names).toContain("cds_ingress_shop_door_ns_self_redirect_8088_http_15001")
  expect(names).toContain("cds_ingress_shop_door_ns_self_redirect_8089_http_15001")
  const [config] = resources(files, "rds_ingress_http_8088.json")
  const [host] = listOf(at(config, "virtual_hosts"))
  expect(host).toMatchObject({ name: "self_redirect", domains: ["*"] })
  const routes = listOf(at(host, "routes"))
  expect(
    routes.map((route) => [
      at(route, "match/path") ?? at(route, "match/prefix"),
      at(route, "route/prefix_rewrite"),
      at(route, "route/host_rewrite_literal"),
    ]),
  ).toEqual([
    ["/basket", "/cart", "cart.ns"],
    ["/keep/", "/keep/", undefined],
    ["/cart/", "/", "cart.ns"],
    ["/cart", "/", "cart.ns"],
    ["/nothing/", "/", "nothing.ns"],
    ["/nothing", "/", "nothing.ns"],
    ["/", "/", "front.ns"],
  ])
  expect(at(routes[1], "request_headers_to_add")).toEqual([
    { header: { key: "x-app-mesh-virtual-service", value: "cart.ns" } },
  ])
})

test("a gateway's egress finds a kept host by its header", () => {
  const [config] = resources(filesOf("door_ns-0"), "rds_egress_http_15001.json")
  const hosts = listOf(at(config, "virtual_hosts"))
  expect(hosts.map(({ name, domains }) => [name, domains])).toEqual([
    ["cart.ns", ["cart.ns", "cart.ns:15001"]],
    ["nothing.ns", ["nothing.ns", "nothing.ns:15001"]],
    ["front.ns", ["front.ns", "front.ns:15001"]],
    ["default_backend", ["*"]],
  ])
  expect(at(hosts[3], "routes/1")).toMatchObject({
    match: { headers: [{ name: "x-app-mesh-virtual-service", string_match: { exact: "cart.ns" } }] },
    response_headers_to_remove: ["x-app-mesh-virtual-service"],
  })
})

test.each([
  ["front_ns-0", "mesh/shop@111122223333/virtualNode/front_ns"],
  ["door_ns-0", "mesh/shop@111122223333/virtualGateway/door_ns"],
])("node id and metadata of %s", (pod, id) => {
  const bootstrap = parsed(filesOf(pod, { statsTags: true }), "bootstrap.json")
  expect(at(bootstrap, "node")).toMatchObject({ id, cluster: id })
  const addresses = at(bootstrap, "node/metadata/aws.appmesh.task.interfaces/ipv4/eth0")
  expect(String(addresses)).toMatch(/^127\.40\.1\.\d\/32$/)
  const tags = listOf(at(bootstrap, "stats_config/stats_tags"))
  expect(tags.at(-2)).toEqual({ tag_name: "appmesh.mesh", fixed_value: "shop@111122223333" })
})

function logFormat(pod: string): unknown {
  const [first] = resources(filesOf(pod), "lds.json")
  const [logger] = listOf(at(first, "filter_chains/0/filters/0/typed_config/access_log"))
  return at(logger, "typed_config/log_format") ?? (logger === undefined ? "none" : "default")
}

test("access logs: none, Envoy's default text, own text, JSON", () => {
  expect(logFormat("cart-v2_ns-0")).toBe("none")
  expect(logFormat("cart_ns-0")).toBe("default")
  expect(logFormat("door_ns-0")).toEqual({
    text_format_source: { inline_string: "%START_TIME% %RESPONSE_CODE%\n" },
  })
  expect(logFormat("front_ns-0")).toEqual({ json_format: { code: "%RESPONSE_CODE%" } })
})

test.each([
  [undefined, "reset,refused-stream,retriable-status-codes,connect-failure,unavailable", 2, [503]],
  [{ maxRetries: 1, httpRetryEvents: ["server-error"] }, "5xx", 1, undefined],
  [
    { maxRetries: 2, httpRetryEvents: ["server-error", "client-error", "gateway-error"] },
    "5xx,reset,retriable-status-codes",
    2,
    [409, 502, 503, 504],
  ],
  [
    { maxRetries: 1, httpRetryEvents: ["stream-error"], tcpRetryEvents: ["connection-error"] },
    "refused-stream,connect-failure",
    1,
    undefined,
  ],
  [
    { maxRetries: 4, grpcRetryEvents: ["unavailable", "deadline-exceeded"] },
    "unavailable,deadline-exceeded",
    4,
    undefined,
  ],
])("retry policy %j", (policy, on, retries, codes) => {
  const envoy = retryPolicy(policy)
  expect(at(envoy, "retry_on")).toBe(on)
  expect(at(envoy, "num_retries")).toBe(retries)
  expect(at(envoy, "retriable_status_codes")).toEqual(codes)
})

test("versions move with the content and not otherwise", () => {
  const first = parsed(filesOf("front_ns-0"), "cds.json")["version_info"] as string
  expect(parsed(filesOf("front_ns-0"), "cds.json")["version_info"]).toBe(first)
  const disturbance = { withoutEndpoints: new Set(["cart-v2_ns"]) }
  const changed = filesOf("front_ns-0", { disturbance })
  expect(parsed(changed, "cds.json")["version_info"]).not.toBe(first)
  expect(resources(changed, "cds.json")[1]).toMatchObject({
    type: "STRICT_DNS",
    load_assignment: { endpoints: [{ lb_endpoints: [] }] },
  })
})

test("two TCP services on one port cannot be told apart, and that is said", () => {
  const [front, ...others] = RICH.virtualNodes
  if (front === undefined) throw new Error("no node")
  const mesh = {
    ...RICH,
    virtualServices: [
      ...RICH.virtualServices,
      { name: "other.ns", provider: { kind: "virtual_node", name: "store_ns" } as const },
    ],
    virtualNodes: [{ ...front, backends: [...front.backends, "other.ns"] }, ...others],
  }
  expect(() => filesOf("front_ns-0", { mesh })).toThrow(/TCP port 6379.*store\.ns, other\.ns/)
})

const TO = { host: "127.0.0.1", port: 2000 }
const bootstrapWith = (tracer: TracerSettings, pod = "door_ns-0"): Resource =>
  parsed(filesOf(pod, { tracer }), "bootstrap.json")

test("no tracer unless told so", () => {
  expect(Object.keys(parsed(filesOf("door_ns-0"), "bootstrap.json"))).not.toContain("tracing")
})

test("X-Ray: a gateway too is called a virtual node, and a shared mesh keeps its owner", () => {
  const files = filesOf("door_ns-0", { tracer: { kind: "xray", ...TO, samplingRate: 1 } })
  const http = at(parsed(files, "bootstrap.json"), "tracing/http")
  expect(http).toEqual({
    name: "envoy.tracers.xray",
    typed_config: {
      "@type": "type.googleapis.com/envoy.config.trace.v3.XRayConfig",
      daemon_endpoint: { protocol: "UDP", address: "127.0.0.1", port_value: 2000 },
      segment_name: "shop@111122223333/door_ns",
      segment_fields: {
        origin: "AWS::AppMesh::Proxy",
        aws: { app_mesh: { mesh_name: "shop@111122223333", virtual_node_name: "door_ns" } },
      },
      sampling_rule_manifest: { filename: "/xds/sampling-rules.json" },
    },
  })
  expect(parsed(files, "sampling-rules.json")).toEqual({
    version: 2,
    default: { fixed_target: 1, rate: 1 },
    rules: [],
  })
})

test("X-Ray at the tracer's own rate has no manifest", () => {
  const files = filesOf("door_ns-0", { tracer: { kind: "xray", ...TO, samplingRate: 0.049 } })
  expect([...files.keys()]).not.toContain("sampling-rules.json")
  const config = at(parsed(files, "bootstrap.json"), "tracing/http/typed_config")
  expect(config).not.toHaveProperty("sampling_rule_manifest")
})

test.each([
  [{ json: true }, "HTTP_JSON"],
  [{}, "HTTP_PROTO"],
])("Zipkin under Jaeger's name, %o", (how, version) => {
  const start = bootstrapWith({ kind: "zipkin", ...TO, ...how })
  expect(at(start, "tracing/http/typed_config")).toMatchObject({
    collector_cluster: "jaeger",
    collector_endpoint: "/api/v2/spans",
    collector_endpoint_version: version,
    shared_span_context: false,
  })
  expect(at(start, "static_resources/clusters/0")).toMatchObject({ name: "jaeger", type: "STRICT_DNS" })
})

test("OpenTelemetry over HTTP", () => {
  const start = bootstrapWith({ kind: "otlp", ...TO })
  expect(at(start, "tracing/http/typed_config")).toMatchObject({
    http_service: { http_uri: { uri: "http://127.0.0.1:2000/v1/traces" } },
    service_name: "shop@111122223333/door_ns",
  })
})
