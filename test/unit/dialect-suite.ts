import * as fc from "fast-check"
import { expect, it } from "vitest"
import type { Cluster, EnvoyRoute, Listener, ProxyConfig, VirtualHost } from "#mesh/proxy.ts"
import type { Dialect } from "../../agent/resolve/dialects/dialect.ts"

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

function routeOf(parts: {
  name: string
  tags: Record<string, string>
  headers: EnvoyRoute["match"]["headers"]
}): EnvoyRoute {
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
    action: { kind: "direct", status: 200 },
    requestHeadersToAdd: parts.headers.map(({ name }) => ({ name, value: "v" })),
    tags: parts.tags,
  }
}

/** What every dialect promises, whatever a pod wrote into its configuration. */
export function dialectSuite(dialect: Dialect): void {
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
      role: "sidecar",
      resource: "pod-1",
    })
  })

  it("keeps the name of a discovered proxy that its configuration does not tell", () => {
    const identity = dialect.identify(configOf(""), { proxy: "p", mesh: "m", resource: "r", role: "gateway" })
    expect(identity).toMatchObject({ mesh: "m", resource: "r", role: "gateway" })
  })

  it("takes time linear in a name's length", () => {
    const identity = dialect.identify(configOf("mesh/m/virtualNode/n"), { proxy: "p" })
    const start = performance.now()
    for (const part of ["_http_1", "_self_redirect_", "_", "http_"]) {
      dialect.cluster(clusterNamed(`cds_ingress_m_${part.repeat(50_000)}`), { ...identity, role: "gateway" })
    }
    expect(performance.now() - start).toBeLessThan(2000)
  })
}
