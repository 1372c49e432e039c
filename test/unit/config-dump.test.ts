import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { decodeConfigDump } from "../../agent/decode/config-dump/decode.ts"

const TYPE = "type.googleapis.com/"
type Json = Record<string, unknown>

function dump(...sections: Json[]): Buffer {
  return Buffer.from(JSON.stringify({ configs: sections }))
}

function section(name: string, content: Json): Json {
  return { "@type": `${TYPE}envoy.admin.v3.${name}`, ...content }
}

/** Every key in camelCase, as other tools print a dump; values and type URLs stay. */
function camel(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camel)
  if (typeof value !== "object" || value === null) return value
  const entries = Object.entries(value).map(([key, inner]) => {
    const name = key.includes(".")
      ? key
      : key.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
    return [name, camel(inner)]
  })
  return Object.fromEntries(entries)
}

function manager(more: Json): Json {
  const type = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
  return { name: "hcm", typed_config: { "@type": TYPE + type, stat_prefix: "ingress", ...more } }
}

function listener(filter: Json, more: Json = {}): Json {
  return {
    name: "l",
    address: { socket_address: { address: "0.0.0.0", port_value: 15000 } },
    filter_chains: [{ filters: [filter] }],
    ...more,
  }
}

function listeners(...all: Json[]): Json {
  return section("ListenersConfigDump", {
    version_info: "7",
    dynamic_listeners: all.map((one) => ({
      name: "l",
      active_state: { listener: one, last_updated: "2026-11-20T10:00:00Z" },
    })),
  })
}

function accessLogs(...loggers: Json[]) {
  const config = decodeConfigDump(
    dump(listeners(listener(manager({ rds: { route_config_name: "r" }, access_log: loggers })))),
  )
  const filter = config.listeners[0]?.chains[0]?.filter
  return { logs: filter?.kind === "http" ? filter.accessLogs : [], notes: config.notes }
}

function fileLog(config: Json, type = "envoy.extensions.access_loggers.file.v3.FileAccessLog"): Json {
  return {
    name: "envoy.access_loggers.file",
    typed_config: { "@type": TYPE + type, path: "/dev/stdout", ...config },
  }
}

function firstMatch(match: Json, more: Json = {}) {
  const routes = [{ match, route: { cluster: "c" }, ...more }]
  const config = { name: "rds", virtual_hosts: [{ name: "v", domains: ["*"], routes }] }
  const { routeConfigs } = decodeConfigDump(
    dump(
      section("RoutesConfigDump", { dynamic_route_configs: [{ version_info: "3", route_config: config }] }),
    ),
  )
  const route = routeConfigs[0]?.virtualHosts[0]?.routes[0]
  if (route === undefined) throw new Error("no route")
  return route
}

const stream = (kind: string): Json => ({
  name: "s",
  typed_config: { "@type": `${TYPE}envoy.extensions.access_loggers.stream.v3.${kind}` },
})

const action = (more: Json) => firstMatch({ prefix: "/" }, more).action

const tags = (config: unknown) =>
  firstMatch(
    { prefix: "/" },
    { metadata: { filter_metadata: { "aws.appmesh.aggregate_stats": { config } } } },
  ).tags

describe("access logs of a dump", () => {
  it.each([
    ["the default format", {}, { kind: "default" }],
    [
      "log_format as text",
      { log_format: { text_format_source: { inline_string: "%PROTOCOL%\n" } } },
      { kind: "text", text: "%PROTOCOL%\n" },
    ],
    [
      "log_format as bytes",
      { log_format: { text_format_source: { inline_bytes: "JUFfQg==" } } },
      { kind: "text", text: "%A_B" },
    ],
    ["the older text_format", { log_format: { text_format: "%A%" } }, { kind: "text", text: "%A%" }],
    [
      "log_format as JSON",
      { log_format: { json_format: { a: "%A%", n: { b: "%B%" }, number: 3 } } },
      { kind: "json", fields: { a: "%A%", n: { b: "%B%" }, number: "3" } },
    ],
    ["the old format", { format: "%A%" }, { kind: "text", text: "%A%" }],
    ["the old json_format", { json_format: { a: "%A%" } }, { kind: "json", fields: { a: "%A%" } }],
    [
      "the old typed_json_format",
      { typed_json_format: { a: "%A%" } },
      { kind: "json", fields: { a: "%A%" } },
    ],
  ])("tell %s", (_, config, format) => {
    expect(accessLogs(fileLog(config)).logs).toEqual([{ path: "/dev/stdout", format }])
  })

  it("of the type names of v2, and of loggers without a type", () => {
    const old = { name: "envoy.file_access_log", config: { path: "/var/log/x", format: "%A%" } }
    expect(accessLogs(fileLog({}, "envoy.config.accesslog.v2.FileAccessLog"), old).logs).toEqual([
      { path: "/dev/stdout", format: { kind: "default" } },
      { path: "/var/log/x", format: { kind: "text", text: "%A%" } },
    ])
  })

  it("of the stream loggers", () => {
    expect(
      accessLogs(stream("StdoutAccessLog"), stream("StderrAccessLog")).logs.map(({ path }) => path),
    ).toEqual(["/dev/stdout", "/dev/stderr"])
  })

  it("say when a format cannot be known and when a filter leaves lines out", () => {
    const { logs } = accessLogs({
      ...fileLog({ log_format: { text_format_source: { filename: "/etc/f" } } }),
      filter: { status_code_filter: {} },
    })
    expect(logs).toEqual([
      {
        path: "/dev/stdout",
        format: { kind: "unsupported", why: "the format is in the proxy's file /etc/f" },
        filtered: true,
      },
    ])
  })

  it("pass over other loggers with a note", () => {
    const fluentd = {
      name: "envoy.access_loggers.fluentd",
      typed_config: { "@type": `${TYPE}x.FluentdAccessLogConfig` },
    }
    expect(accessLogs(fluentd)).toEqual({
      logs: [],
      notes: ["access logger envoy.access_loggers.fluentd writes no file"],
    })
  })

  it.each([
    [{ envoy_grpc: { cluster_name: "als" } }, { path: "grpc:als", cluster: "als" }],
    [
      { google_grpc: { target_uri: "dns:///als.example:18090" } },
      { path: "grpc:dns:///als.example:18090", address: { host: "als.example", port: 18_090 } },
    ],
  ])("tell where entries are streamed to: %j", (grpc_service, { path, ...to }) => {
    const config = {
      "@type": `${TYPE}x.HttpGrpcAccessLogConfig`,
      common_config: { grpc_service },
      additional_request_headers_to_log: ["X-Canary"],
      additional_response_headers_to_log: ["grpc-status"],
      additional_response_trailers_to_log: ["grpc-status"],
    }
    const { logs } = accessLogs({ name: "any", typed_config: config, filter: { and_filter: {} } })
    const format = { kind: "als", ...to, requestHeaders: ["x-canary"], grpcStatus: true }
    expect(logs).toEqual([{ path, format, filtered: true }])
  })
})

describe("routes of a dump", () => {
  it.each([
    ["prefix", { prefix: "/a" }, "prefix", "/a"],
    ["path", { path: "/a" }, "path", "/a"],
    ["pattern", { safe_regex: { google_re2: {}, regex: "/a.*" } }, "regex", "/a.*"],
    ["old pattern", { regex: "/a.*" }, "regex", "/a.*"],
    ["separated prefix", { path_separated_prefix: "/a" }, "path_separated_prefix", "/a"],
    ["CONNECT", { connect_matcher: {} }, "connect", ""],
    ["anything else", { path_match_policy: { name: "x" } }, "other", ""],
  ])("%s", (_, match, kind, value) => {
    expect(firstMatch(match).match).toMatchObject({
      kind,
      value,
      caseSensitive: true,
      grpc: false,
      fractional: false,
    })
  })

  it("header matches of today and of before", () => {
    const headers = [
      { name: "X-A", string_match: { exact: "1", ignore_case: true } },
      { name: "b", exact_match: "1" },
      { name: "c", prefix_match: "1", invert_match: true },
      { name: "d", safe_regex_match: { regex: "1+" } },
      { name: "e", regex_match: "1+" },
      { name: "f", range_match: { start: "-1", end: "10" } },
      { name: "g", present_match: false },
      { name: "h", string_match: { contains: "1" }, treat_missing_header_as_empty: true },
    ]
    const base = { invert: false, treatMissingAsEmpty: false }
    expect(firstMatch({ prefix: "/", headers }).match.headers).toEqual([
      { ...base, name: "x-a", match: { exact: "1", ignoreCase: true } },
      { ...base, name: "b", match: { exact: "1" } },
      { ...base, name: "c", match: { prefix: "1" }, invert: true },
      { ...base, name: "d", match: { regex: "1+" } },
      { ...base, name: "e", match: { regex: "1+" } },
      { ...base, name: "f", range: { start: -1, end: 10 } },
      { ...base, name: "g", present: false },
      { ...base, name: "h", match: { contains: "1" }, treatMissingAsEmpty: true },
    ])
  })

  it("query parameters, gRPC, case, and chance", () => {
    const match = {
      prefix: "/",
      case_sensitive: false,
      grpc: {},
      query_parameters: [
        { name: "a", string_match: { exact: "1" } },
        { name: "b", present_match: true },
        { name: "c", value: "x", regex: true },
      ],
    }
    expect(firstMatch(match).match).toMatchObject({
      caseSensitive: false,
      grpc: true,
      query: [{ name: "a", match: { exact: "1" } }, { name: "b" }, { name: "c", match: { regex: "x" } }],
    })
    const fraction = (value: Json): boolean =>
      firstMatch({ prefix: "/", runtime_fraction: value }).match.fractional
    expect(fraction({ default_value: { numerator: 100 } })).toBe(false)
    expect(fraction({ default_value: { numerator: 100, denominator: "MILLION" } })).toBe(true)
    expect(fraction({ default_value: { numerator: 100 }, runtime_key: "k" })).toBe(true)
    expect(fraction({})).toBe(true)
  })

  it("actions", () => {
    const weighted = {
      clusters: [{ name: "a", weight: 0 }, { name: "b" }, { name: "c", weight: 3 }],
      total_weight: 3,
    }
    expect(
      action({
        route: {
          weighted_clusters: weighted,
          timeout: "0.500s",
          retry_policy: {},
          prefix_rewrite: "/",
          host_rewrite: "h",
        },
      }),
    ).toEqual({
      kind: "route",
      clusters: [
        { name: "a", weight: 0 },
        { name: "b", weight: 0 },
        { name: "c", weight: 3 },
      ],
      timeoutMs: 500,
      retries: 1,
      prefixRewrite: "/",
      hostRewrite: "h",
    })
    expect(action({ route: { cluster_header: "x-c" } })).toMatchObject({ clusters: [], clusterHeader: "x-c" })
    expect(action({ route: undefined, redirect: {} })).toEqual({ kind: "redirect" })
    expect(action({ route: undefined, direct_response: { status: 404 } })).toEqual({
      kind: "direct",
      status: 404,
    })
    expect(action({ route: undefined, filter_action: {} })).toEqual({ kind: "other" })
  })

  it("App Mesh's tags, however they are damaged", () => {
    expect(
      tags(
        '{"tags":[{"key":"TargetVirtualService","value":"a.b"},{"key":3},{"key":"__proto__","value":"x"}]}',
      ),
    ).toEqual(
      Object.fromEntries([
        ["TargetVirtualService", "a.b"],
        ["__proto__", "x"],
      ]),
    )
    for (const damaged of ["{", "null", "[]", 3, { tags: "x" }, '{"tags":{}}'])
      expect(tags(damaged)).toEqual({})
    expect(({} as Json)["value"]).toBeUndefined()
  })
})

describe("a dump as a whole", () => {
  const inline = {
    name: "local",
    virtual_hosts: [
      { name: "v", domains: ["*"], routes: [{ match: { prefix: "/" }, direct_response: { status: 200 } }] },
    ],
  }
  const whole = [
    section("BootstrapConfigDump", {
      bootstrap: {
        node: {
          id: "n",
          cluster: "c",
          extensions: [{}],
          user_agent_build_version: { version: { major_number: 1, minor_number: 40 } },
        },
      },
    }),
    section("ClustersConfigDump", {
      version_info: "5",
      static_clusters: [{ cluster: { name: "xds", type: "STATIC" } }],
      dynamic_active_clusters: [
        {
          last_updated: "2026-11-20T11:00:00Z",
          cluster: {
            name: "a:b",
            type: "EDS",
            eds_cluster_config: { service_name: "s" },
            circuit_breakers: { thresholds: [{ priority: "HIGH", max_requests: 1 }, { max_requests: 9 }] },
          },
        },
      ],
      dynamic_warming_clusters: [
        { cluster: { name: "a:b", type: "STATIC" } },
        { cluster: { name: "warm", alt_stat_name: "w;" } },
      ],
    }),
    section("EndpointsConfigDump", {
      dynamic_endpoint_configs: [
        {
          endpoint_config: {
            cluster_name: "s",
            endpoints: [
              {
                lb_endpoints: [
                  { endpoint: { address: { socket_address: { address: "10.0.0.1", port_value: 80 } } } },
                  { endpoint: { address: { pipe: { path: "/x" } } } },
                ],
              },
            ],
          },
        },
      ],
    }),
    listeners(
      listener(manager({ route_config: inline, normalize_path: true }), { traffic_direction: "INBOUND" }),
      listener(
        {
          name: "envoy.tcp_proxy",
          config: { stat_prefix: "t", weighted_clusters: { clusters: [{ name: "a", weight: 1 }] } },
        },
        {
          name: "t",
          address: { socket_address: { address: "::", port_value: 1 } },
          default_filter_chain: { filters: [] },
        },
      ),
    ),
    section("RoutesConfigDump", {
      static_route_configs: [{ route_config: inline }],
      dynamic_route_configs: [
        {
          version_info: "9",
          last_updated: "2026-11-20T12:00:00.5Z",
          route_config: { name: "r", virtual_hosts: [], ignore_port_in_host_matching: true },
        },
      ],
    }),
    section("StrangeConfigDump", {}),
  ]
  const expected = decodeConfigDump(dump(...whole))

  it("is reduced to what resolving needs", () => {
    expect(expected.node).toEqual({ id: "n", cluster: "c", metadata: {}, version: "1.40.0" })
    expect(expected.versions).toEqual({ cds: "5", lds: "7", "rds/r": "9" })
    expect(expected.updatedMs).toBe(Date.parse("2026-11-20T12:00:00.5Z"))
    expect(expected.clusters).toEqual([
      { name: "xds", statName: "xds", type: "STATIC", endpoints: [], tags: {}, circuitBreakers: {} },
      {
        name: "a:b",
        statName: "a_b",
        type: "EDS",
        endpoints: [{ host: "10.0.0.1", port: 80 }],
        tags: {},
        circuitBreakers: { requests: 9 },
      },
      { name: "warm", statName: "w;", type: "STATIC", endpoints: [], tags: {}, circuitBreakers: {} },
    ])
    expect(expected.listeners.map(({ statPrefix, direction }) => [statPrefix, direction])).toEqual([
      ["0.0.0.0_15000", "inbound"],
      ["[__]_1", "unspecified"],
    ])
    expect(expected.listeners[0]?.chains[0]?.filter).toMatchObject({
      kind: "http",
      routeConfig: "l#0/local",
      normalizePath: true,
      mergeSlashes: false,
    })
    expect(expected.listeners[1]?.chains.map(({ filter }) => filter)).toMatchObject([
      { kind: "tcp", statPrefix: "t", clusters: [{ name: "a", weight: 1 }] },
      { kind: "other", name: "" },
    ])
    expect(expected.routeConfigs.map(({ name, ignorePort }) => [name, ignorePort])).toEqual([
      ["l#0/local", undefined],
      ["local", undefined],
      ["r", true],
    ])
    expect(expected.notes).toEqual([
      "section StrangeConfigDump passed over",
      "filter chain t#1 ends in no filter, which is neither HTTP nor TCP",
    ])
  })

  it("means the same in camelCase", () => {
    expect(decodeConfigDump(dump(...(camel(whole) as Json[])))).toEqual(expected)
  })

  it("reads a version of 2019", () => {
    const node = { id: "n", build_version: "abc/1.11.2/Clean/RELEASE/BoringSSL" }
    const old = { "@type": `${TYPE}envoy.admin.v2alpha.BootstrapConfigDump`, bootstrap: { node } }
    expect(decodeConfigDump(dump(old)).node.version).toBe("1.11.2")
  })

  it.each([
    ["", "is not JSON"],
    ["{", "is not JSON"],
    ["null", "has no list"],
    ['{"configs":{}}', "has no list"],
  ])("refuses %j", (text, expectedText) => {
    expect(() => decodeConfigDump(Buffer.from(text))).toThrow(
      expect.objectContaining({
        code: "ADMIN_BAD_ANSWER",
        message: expect.stringContaining(expectedText) as string,
      }),
    )
  })

  it("survives anything that is JSON in any place", () => {
    const anything = fc.jsonValue({ maxDepth: 4 })
    const paths = [
      "bootstrap",
      "dynamic_active_clusters",
      "dynamic_listeners",
      "dynamic_route_configs",
    ] as const
    fc.assert(
      fc.property(
        fc.constantFrom(...whole.map((one) => one["@type"] as string)),
        fc.constantFrom(...paths),
        anything,
        anything,
        (type, key, value, inner) => {
          const holder = {
            cluster: inner,
            listener: inner,
            route_config: inner,
            active_state: { listener: inner },
          }
          decodeConfigDump(dump({ "@type": type, [key]: value }))
          decodeConfigDump(dump({ "@type": type, [key]: [holder, value] }))
          const routes = {
            name: "r",
            virtual_hosts: [{ name: inner, domains: inner, routes: [{ match: value, route: inner }] }, value],
          }
          decodeConfigDump(
            dump(section("RoutesConfigDump", { dynamic_route_configs: [{ route_config: routes }] })),
          )
          const filter = manager({ access_log: [value, inner], route_config: value })
          expect(decodeConfigDump(dump(listeners(listener(filter)))).listeners).toHaveLength(1)
        },
      ),
      { numRuns: 500 },
    )
  })

  it("keeps its notes few and short", () => {
    const many = Array.from({ length: 500 }, (_, index) => section(`Type${index}${"x".repeat(2000)}`, {}))
    const { notes = [] } = decodeConfigDump(dump(...many))
    expect(notes).toHaveLength(33)
    expect(Math.max(...notes.map((note) => note.length))).toBeLessThanOrEqual(300)
  })
})
