import { describe, expect, it } from "vitest"
import type { AccessLogSink, FilterChain, Listener, ProxyConfig } from "#mesh/proxy.ts"
import { type ListenerPlan, makeInterner } from "#mesh/request.ts"
import { decodeConfigDump } from "../../agent/decode/config-dump/decode.ts"
import { makeResolver, type Resolving } from "../../agent/resolve/resolver.ts"
import { appMeshDump } from "../fixtures/config-dump/app-mesh-dump.ts"
import { ask, resolvingFor, SHOP } from "../fixtures/config-dump/resolving.ts"

const FRONT = decodeConfigDump(appMeshDump(SHOP, "front_ns", 2022))
const STDOUT: AccessLogSink = { path: "/dev/stdout", format: { kind: "default" } }

function withListeners(change: (listener: Listener) => Partial<Listener>): ProxyConfig {
  return { ...FRONT, listeners: FRONT.listeners.map((one) => Object.assign({}, one, change(one))) }
}

/** The front's configuration with logs of the outgoing listener itself. */
const withLog = (...accessLogs: readonly AccessLogSink[]): ProxyConfig =>
  withListeners(({ direction }) => (direction === "outbound" ? { accessLogs } : {}))

function unlogged(chain: FilterChain): FilterChain {
  const { filter } = chain
  return filter.kind === "tcp" ? { ...chain, filter: { ...filter, accessLogs: [] } } : chain
}

const texts = (plans: readonly ListenerPlan[]): string[] =>
  plans.map(
    ({ statPrefix, row, target }) =>
      `${statPrefix}: ${row.reporter} ${row.source} => ${row.virtualService} -> ${target.name}`,
  )
const planned = (...[mesh, resource, more]: Parameters<typeof resolvingFor>): string[] =>
  texts(resolvingFor(mesh, resource, more).plan.listeners)
const SIDECAR = ["0.0.0.0_15001: source front_ns => (undeclared) -> (undeclared)"]

/** The front's listeners at an Envoy that App Mesh did not configure. */
function plainly(direction: "outbound" | "unspecified"): Resolving {
  return makeResolver({
    config: {
      ...withListeners(() => ({ name: "out", direction })),
      node: { ...FRONT.node, id: "n1", cluster: "shop" },
      clusters: [],
    },
    identity: { proxy: "p", flavor: "plain" },
    interner: makeInterner(),
    readableLogs: new Set(),
  })
}

describe("connections that no filter chain takes are counted of", () => {
  it.each([2019, 2022] as const)(
    "the outgoing listener of a sidecar, whatever its filters log (%i)",
    (era) => {
      expect(planned(SHOP, "front_ns", { era })).toEqual(SIDECAR)
      expect(planned(SHOP, "front_ns", { era, readableLogs: new Set() })).toEqual(SIDECAR)
    },
  )

  it("none of a gateway: its outgoing listener hears from itself alone", () => {
    expect(planned(SHOP, "gw_ns")).toEqual([])
  })

  it("none whose own log tells them, with a filter or without", () => {
    expect(planned(SHOP, "front_ns", { config: withLog(STDOUT) })).toEqual([])
    expect(planned(SHOP, "front_ns", { config: withLog({ ...STDOUT, filtered: true }) })).toEqual([])
  })

  it("one whose own log cannot be read", () => {
    const far = withLog({ ...STDOUT, path: "/var/log/far" })
    expect(planned(SHOP, "front_ns", { config: far })).toEqual(SIDECAR)
    const strange = withLog({ ...STDOUT, format: { kind: "unsupported", why: "" } })
    expect(planned(SHOP, "front_ns", { config: strange })).toEqual(SIDECAR)
  })

  it("one whose log's lines do not count, as stats count the connections of that side", () => {
    const config = withListeners(({ chains }) => ({ accessLogs: [STDOUT], chains: chains.map(unlogged) }))
    expect(planned(SHOP, "front_ns", { config })).toEqual(SIDECAR)
  })

  it("none that shares its name in stats with another that must not count", () => {
    expect(planned(SHOP, "front_ns", { config: withListeners(() => ({ statPrefix: "all" })) })).toEqual([])
  })

  it("an Envoy without App Mesh where it says that it is outgoing, and nobody knows for whom", () => {
    expect(texts(plainly("outbound").plan.listeners)).toEqual([
      "0.0.0.0_15000: source shop => (unknown) -> (unknown)",
      "0.0.0.0_15001: source shop => (unknown) -> (unknown)",
    ])
    expect(texts(plainly("unspecified").plan.listeners)).toEqual([])
  })
})

describe("a line of the listener's own log", () => {
  const LINE = { details: "filter_chain_not_found", downstreamLocal: "127.0.0.1:15001" }
  it.each<readonly [string, Resolving, string]>([
    [
      "has the name that stats would give",
      resolvingFor(SHOP, "front_ns", { config: withLog(STDOUT) }),
      "tcp source service=(undeclared) source=front_ns node=(undeclared)",
    ],
    [
      "of an Envoy without App Mesh is in doubt",
      plainly("outbound"),
      "tcp source service=(unknown) source=shop node=(unknown) doubt=host",
    ],
    [
      "of a gateway is in doubt",
      resolvingFor(SHOP, "gw_ns"),
      "tcp source gateway=gw_ns service=(unknown) node=(unknown) doubt=host",
    ],
  ])("%s", (_, resolving, told) => {
    expect(ask(resolving, LINE, { kind: "tcp" })).toBe(told)
  })

  it("says so by its details: no host alone is no proof", () => {
    const { downstreamLocal } = LINE
    expect(ask(resolvingFor(SHOP, "front_ns"), { downstreamLocal }, { kind: "tcp" })).toBe(
      "tcp source service=(unknown) source=front_ns node=(unknown) doubt=host",
    )
  })
})
