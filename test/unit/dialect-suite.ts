import * as fc from "fast-check"
import { expect, it } from "vitest"
import type { Cluster, EnvoyRoute, Listener, ProxyConfig, ProxyIdentity, VirtualHost } from "#mesh/proxy.ts"
import { makeInterner } from "#mesh/request.ts"
import type { Dialect } from "../../agent/resolve/dialects/dialect.ts"
import { makeResolver } from "../../agent/resolve/resolver.ts"

export function clusterNamed(name: string, tags: Record<string, string> = {}): Cluster {
  return { name, statName: name, type: "EDS", endpoints: [], tags, circuitBreakers: {} }
}

export function configOf(id: string, clusters: readonly Cluster[] = []): ProxyConfig {
  return {
    node: { id, cluster: "", metadata: {}, version: "" },
    listeners: [],
    routeConfigs: [],
    clusters,
    versions: {},
    updatedMs: undefined,
  }
}

const text = fc.oneof(
  fc.string({ maxLength: 60 }),
  fc
    .array(
      fc.constantFrom(
        "cds",
        "_",
        "egress",
        "ingress",
        "mesh",
        "http",
        "8080",
        "self_redirect",
        "/",
        "virtualNode",
        "arn:aws:appmesh:",
        ":",
        "@",
        "*",
        "outbound",
        "inbound|",
        "|",
        "80||web.default.svc.cluster.local",
        ";",
        "sidecar~",
        "~",
        ".consul",
        "httproute/",
        "/rule/0",
        "__proto__",
      ),
      { maxLength: 12 },
    )
    .map((parts) => parts.join("")),
)
const tags = fc.dictionary(
  fc.constantFrom("TargetVirtualNode", "TargetVirtualService", "istio.config", "istio.services", "__proto__"),
  text,
)
const header = fc.record({
  name: text,
  match: fc.record({ exact: text }),
  invert: fc.boolean(),
  treatMissingAsEmpty: fc.boolean(),
})

function routeOf(
  parts: { name: string; tags: Record<string, string>; headers: EnvoyRoute["match"]["headers"] },
  taken: EnvoyRoute["action"] = { kind: "direct", status: 200 },
): EnvoyRoute {
  return {
    name: parts.name,
    match: {
      kind: "prefix",
      value: "/",
      caseSensitive: true,
      headers: parts.headers,
      query: [],
      grpc: false,
      fractional: false,
    },
    action: taken,
    requestHeadersToAdd: parts.headers.map(({ name }) => ({ name, value: "v" })),
    tags: parts.tags,
  }
}

const action = fc.oneof(
  fc.record({
    kind: fc.constant("route" as const),
    clusters: fc.array(fc.record({ name: text, weight: fc.nat(9) })),
    retries: fc.nat(3),
  }),
  fc.constant({ kind: "redirect" as const }),
  fc.constant({ kind: "direct" as const, status: 503 }),
)
const hosts = fc.array(
  fc.record({
    name: text,
    domains: fc.array(text, { maxLength: 2 }),
    routes: fc.array(
      fc
        .record({ name: text, tags, headers: fc.array(header, { maxLength: 1 }), action })
        .map((parts) => routeOf(parts, parts.action)),
      { maxLength: 3 },
    ),
  }),
  { maxLength: 3 },
)
const side = fc.constantFrom("inbound" as const, "outbound" as const, "unspecified" as const)

/** Whole configurations of hostile names, joined as Envoy's are: a listener to routes, routes to clusters. */
const configs = fc
  .record({
    id: text,
    names: fc.array(fc.tuple(text, tags), { maxLength: 4 }),
    hosts,
    listener: text,
    side,
    tcp: text,
  })
  .map(({ id, names, hosts: virtualHosts, listener, side: direction, tcp }): ProxyConfig => {
    const common = {
      name: listener,
      statPrefix: listener,
      direction,
      addresses: [{ host: "0.0.0.0", port: 80 }],
      accessLogs: [],
    }
    const http = {
      kind: "http" as const,
      statPrefix: listener,
      routeConfig: "r",
      accessLogs: [],
      normalizePath: true,
      mergeSlashes: true,
    }
    const proxy = {
      kind: "tcp" as const,
      statPrefix: tcp,
      clusters: [{ name: tcp, weight: 1 }],
      accessLogs: [],
    }
    const chain = { name: "", serverNames: [] }
    return {
      node: { id, cluster: "", metadata: {}, version: "" },
      clusters: names.map(([name, tagged]) => clusterNamed(name, tagged)),
      versions: {},
      updatedMs: undefined,
      listeners: [
        {
          ...common,
          chains: [
            { ...chain, filter: http },
            { ...chain, filter: proxy },
          ],
        },
      ],
      routeConfigs: [{ name: "r", virtualHosts }],
    }
  })

function namesOf(config: ProxyConfig, flavor: Dialect["flavor"]): unknown {
  const { identity, plan, missing, notes } = makeResolver({
    config,
    identity: { proxy: "p", flavor },
    interner: makeInterner(),
    readableLogs: new Set(),
  })
  return { identity, plan, missing, notes }
}

/** What every dialect promises, whatever a pod wrote into its configuration. */
export function dialectSuite(dialect: Dialect, role: ProxyIdentity["role"] = "sidecar"): void {
  it("never throws, and answers the same again", () => {
    fc.assert(
      fc.property(text, text, tags, fc.array(header, { maxLength: 2 }), (id, name, tagged, headers) => {
        const cluster = clusterNamed(name, tagged)
        const config = configOf(id, [cluster])
        const host: VirtualHost = { name, domains: [name], routes: [] }
        const route = routeOf({ name, tags: tagged, headers })
        const listener: Listener = {
          name,
          statPrefix: "",
          direction: "unspecified",
          addresses: [],
          chains: [],
          accessLogs: [],
        }
        const identity = dialect.identify(config, { proxy: "p" })
        const ask = () => [
          dialect.claims(config, { proxy: "p" }),
          dialect.identify(config, { proxy: "p" }),
          dialect.cluster(cluster, identity),
          dialect.direction(listener),
          dialect.service(host, route),
          dialect.service(host, undefined),
          dialect.gatewayService(route, host),
          dialect.router?.(route),
          dialect.wireNames?.(route),
          dialect.chainless(listener),
        ]
        expect(ask()).toEqual(ask())
      }),
    )
  })

  it("names a proxy even when its configuration says nothing", () => {
    const identity = dialect.identify(configOf(""), { proxy: "pod-1" })
    expect(identity).toMatchObject({
      proxy: "pod-1",
      flavor: dialect.flavor,
      role,
      resource: "pod-1",
    })
  })

  it("names whole configurations of any names, the same way again", () => {
    fc.assert(
      fc.property(configs, (config) => {
        expect(namesOf(config, dialect.flavor)).toEqual(namesOf(config, dialect.flavor))
      }),
    )
  })

  it("never shortens the name of a node: it stands in the cluster's or is the proxy's own", () => {
    fc.assert(
      fc.property(text, (name) => {
        const identity = dialect.identify(configOf(""), { proxy: "p", mesh: "mesh" })
        const meaning = dialect.cluster(clusterNamed(name), identity)
        if (meaning.kind !== "node" || meaning.node === identity.resource) return
        // A subset is written behind its host.
        const [host = "", ...subset] = name.includes(meaning.node) ? [meaning.node] : meaning.node.split("/")
        expect(name).toContain(host)
        expect(name).toContain(subset.join("/"))
      }),
    )
  })

  it("keeps the name of a discovered proxy that its configuration does not tell", () => {
    const identity = dialect.identify(configOf(""), { proxy: "p", mesh: "m", resource: "r", role: "gateway" })
    expect(identity).toMatchObject({ mesh: "m", resource: "r", role: "gateway" })
  })

  it("takes time linear in a name's length", () => {
    const identity = dialect.identify(configOf("mesh/m/virtualNode/n"), { proxy: "p" })
    const start = performance.now()
    for (const part of [
      "_http_1",
      "_self_redirect_",
      "_",
      "http_",
      "|",
      "~",
      ".",
      "/rule/0",
      ".internal.",
      "-1",
    ]) {
      for (const begin of ["cds_ingress_m_", "outbound|80|", "httproute/", "0~", ""]) {
        const name = begin + part.repeat(50_000)
        dialect.cluster(clusterNamed(name), { ...identity, role: "gateway" })
        dialect.router?.(
          routeOf({
            name,
            tags: { "istio.config": `/apis/a/b/namespaces/c/virtual-service/${name}` },
            headers: [],
          }),
        )
      }
    }
    expect(performance.now() - start).toBeLessThan(2000)
  })
}
