import { describe, expect, it } from "vitest"
import type { DeclaredMesh } from "#mesh/declared.ts"
import type { ClusterHost, FilterChain, ProxyConfig } from "#mesh/proxy.ts"
import { decodeConfigDump } from "../../agent/decode/config-dump/decode.ts"
import type { Resolving } from "../../agent/resolve/resolver.ts"
import { parseKubernetesObjects } from "../../mesh/declare/kubernetes.ts"
import { appMeshDump } from "../fixtures/config-dump/app-mesh-dump.ts"
import { factOf } from "../fixtures/config-dump/fact.ts"
import { resolvingFor, told } from "../fixtures/config-dump/resolving.ts"

/** TCP services of a log that tells no cluster: one on its node's port, one on another, and one that speaks HTTP. */
const meshOf = (egress: string): DeclaredMesh =>
  parseKubernetesObjects(
    `
{apiVersion: appmesh.k8s.aws/v1beta2, kind: Mesh, metadata: {name: m}, spec: {egressFilter: {type: ${egress}}}}
---
{apiVersion: appmesh.k8s.aws/v1beta2, kind: VirtualNode, metadata: {name: app, namespace: n}, spec: {awsName: app, listeners: [{portMapping: {port: 9000, protocol: http}}], logging: {accessLog: {file: {path: /dev/stdout}}},
  backends: [{virtualService: {virtualServiceRef: {name: same}}}, {virtualService: {virtualServiceRef: {name: other}}}, {virtualService: {virtualServiceRef: {name: web}}}]}}
---
{apiVersion: appmesh.k8s.aws/v1beta2, kind: VirtualNode, metadata: {name: store, namespace: n}, spec: {awsName: store, listeners: [{portMapping: {port: 6379, protocol: tcp}}, {portMapping: {port: 5432, protocol: tcp}}, {portMapping: {port: 8081, protocol: http}}], serviceDiscovery: {dns: {hostname: store.n}}}}
---
{apiVersion: appmesh.k8s.aws/v1beta2, kind: VirtualService, metadata: {name: same, namespace: n}, spec: {awsName: same, provider: {virtualRouter: {virtualRouterRef: {name: same}}}}}
---
{apiVersion: appmesh.k8s.aws/v1beta2, kind: VirtualService, metadata: {name: other, namespace: n}, spec: {awsName: other, provider: {virtualRouter: {virtualRouterRef: {name: other}}}}}
---
{apiVersion: appmesh.k8s.aws/v1beta2, kind: VirtualService, metadata: {name: web, namespace: n}, spec: {awsName: web, provider: {virtualRouter: {virtualRouterRef: {name: web}}}}}
---
{apiVersion: appmesh.k8s.aws/v1beta2, kind: VirtualRouter, metadata: {name: same, namespace: n}, spec: {listeners: [{portMapping: {port: 6379, protocol: tcp}}], routes: [{name: r, tcpRoute: {action: {weightedTargets: [{virtualNodeRef: {name: store}, weight: 1, port: 6379}]}}}]}}
---
{apiVersion: appmesh.k8s.aws/v1beta2, kind: VirtualRouter, metadata: {name: other, namespace: n}, spec: {listeners: [{portMapping: {port: 5000, protocol: tcp}}], routes: [{name: r, tcpRoute: {action: {weightedTargets: [{virtualNodeRef: {name: store}, weight: 1, port: 5432}]}}}]}}
---
{apiVersion: appmesh.k8s.aws/v1beta2, kind: VirtualRouter, metadata: {name: web, namespace: n}, spec: {listeners: [{portMapping: {port: 8080, protocol: http}}], routes: [{name: r, httpRoute: {match: {prefix: /}, action: {weightedTargets: [{virtualNodeRef: {name: store}, weight: 1, port: 8081}]}}}]}}
`,
    "m.yaml",
  ).model.meshes[0] as DeclaredMesh

function leavesTheMesh({ filter }: FilterChain): boolean {
  return filter.kind === "tcp" && filter.clusters.some(({ name }) => name.endsWith("_mesh-allow-all"))
}

/** The chain for port 443 that App Mesh had since 2019, so that more than AWS can be reached there. */
function withSecondOn443(config: ProxyConfig): ProxyConfig {
  return {
    ...config,
    listeners: config.listeners.map((listener) => ({
      ...listener,
      chains: listener.chains.flatMap((chain) =>
        leavesTheMesh(chain) ? [chain, { ...chain, destinationPort: 443 }] : [chain],
      ),
    })),
  }
}

const host = (cluster: string, port: number, address = "10.0.0.7"): ClusterHost => ({
  cluster,
  address: { host: address, port },
  state: "healthy",
  counters: {},
})
const HOSTS = [
  host("cds_egress_m_store_tcp_6379", 6379),
  host("cds_egress_m_store_tcp_5432", 5432),
  host("cds_egress_m_store_http_8081", 8081),
]

function resolving(egress: string, second = false, hosts = HOSTS): Resolving {
  const mesh = meshOf(egress)
  const config = decodeConfigDump(appMeshDump(mesh, "app", 2022))
  return resolvingFor(mesh, "app", { config: second ? withSecondOn443(config) : config, hosts })
}

const ask = ({ resolver }: Resolving, upstreamHost: string): string =>
  told(resolver.resolve(factOf({ upstreamHost }, { kind: "tcp" })))

const call = (service: string, node: string, doubt = ""): string =>
  `tcp source service=${service} source=app node=${node}${doubt === "" ? "" : ` doubt=${doubt}`}`

describe("connections of which the log tells the host alone", () => {
  it.each([
    // Nothing but AWS may leave: the service's host is the service's, AWS has its port for itself.
    ["DROP_ALL", "10.0.0.7:6379", call("same", "store")],
    ["DROP_ALL", "10.0.0.7:5432", call("other", "store")],
    ["DROP_ALL", "52.1.2.3:443", call("(aws)", "(aws)")],
    ["DROP_ALL", "10.9.9.9:7000", call("(unknown)", "(unknown)", "host")],
    // Everything may leave. A chain of the service takes its port wherever the caller wants to go …
    ["ALLOW_ALL", "10.0.0.7:6379", call("same", "store")],
    // … but who calls the node's own port passes by a service on another: then only the node is sure.
    ["ALLOW_ALL", "10.0.0.7:5432", call("(unknown)", "store", "forgeable")],
    // A host of theirs that is not known yet.
    ["ALLOW_ALL", "10.0.0.8:5432", call("(unknown)", "(unknown)", "host")],
    // A TCP connection is none of a service that speaks HTTP.
    ["ALLOW_ALL", "10.0.0.7:8081", call("(undeclared)", "(undeclared)")],
    ["ALLOW_ALL", "10.9.9.9:7000", call("(undeclared)", "(undeclared)")],
    // Envoy looks at the port first: without a second chain for 443 nothing but AWS gets through.
    ["ALLOW_ALL", "52.1.2.3:443", call("(aws)", "(aws)")],
  ])("%s %s", (egress, upstreamHost, expected) => {
    expect(ask(resolving(egress), upstreamHost)).toBe(expected)
  })

  it("may be AWS's or another's where chains differ by the name in TLS alone: no backend in any case", () => {
    expect(ask(resolving("ALLOW_ALL", true), "52.1.2.3:443")).toBe(
      call("(undeclared)", "(undeclared)", "forgeable"),
    )
    expect(ask(resolving("ALLOW_ALL", true), "10.9.9.9:7000")).toBe(call("(undeclared)", "(undeclared)"))
  })

  it("are told alike whoever was called lately", () => {
    const lately = [...HOSTS, host("cds_egress_m_amazonaws", 443, "52.1.2.3")]
    const past = [...HOSTS, host("cds_egress_m_mesh-allow-all", 6379)]
    expect(ask(resolving("ALLOW_ALL", true, lately), "52.1.2.3:443")).toBe(
      ask(resolving("ALLOW_ALL", true), "52.1.2.3:443"),
    )
    expect(ask(resolving("ALLOW_ALL", false, past), "10.0.0.7:6379")).toBe(call("same", "store"))
  })

  it("are of no cluster when no host was reached", () => {
    const line = { downstreamLocal: "0.0.0.0:15001" }
    expect(told(resolving("ALLOW_ALL").resolver.resolve(factOf(line, { kind: "tcp" })))).toBe(
      call("(unknown)", "(unknown)", "host"),
    )
  })
})
