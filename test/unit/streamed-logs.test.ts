import { describe, expect, test } from "vitest"
import { entryReader, fileLoggers, streamedAbilities, streamedLogs } from "../../agent/access-logs.ts"
import { decodeConfigDump } from "../../agent/decode/config-dump/decode.ts"
import type { AccessLogSink, ClusterHost, FilterChain, ProxyConfig, SocketAddress } from "../../mesh/proxy.ts"
import { appMeshDump } from "../fixtures/config-dump/app-mesh-dump.ts"
import { resolvingFor, SHOP } from "../fixtures/config-dump/resolving.ts"

const HERE: SocketAddress = { host: "10.0.0.1", port: 18_090 }
const leadsHere = ({ host, port }: SocketAddress): boolean => host === HERE.host && port === HERE.port

const FILE: AccessLogSink = { path: "/dev/stdout", format: { kind: "default" } }
const stream = (more: Partial<Extract<AccessLogSink["format"], { kind: "als" }>> = {}): AccessLogSink => ({
  path: `grpc:${more.cluster ?? "als"}`,
  format: { kind: "als", cluster: "als", requestHeaders: [], grpcStatus: true, ...more },
})

/** The front's configuration with these loggers at its filters, by the direction of their listener. */
function front(
  loggers: { readonly inbound: readonly AccessLogSink[]; readonly outbound: readonly AccessLogSink[] },
  endpoints: readonly SocketAddress[] = [HERE],
): ProxyConfig {
  const config = decodeConfigDump(appMeshDump(SHOP, "front_ns", 2022))
  const als = { name: "als", statName: "als", type: "STATIC", endpoints, tags: {}, circuitBreakers: {} }
  return {
    ...config,
    clusters: [...config.clusters, als],
    listeners: config.listeners.map((listener) => {
      const accessLogs = loggers[listener.direction === "inbound" ? "inbound" : "outbound"]
      return Object.assign({}, listener, {
        chains: listener.chains.map((chain) => logging(chain, accessLogs)),
      })
    }),
  }
}

function logging(chain: FilterChain, accessLogs: readonly AccessLogSink[]): FilterChain {
  const { filter } = chain
  return filter.kind === "other" ? chain : { ...chain, filter: { ...filter, accessLogs } }
}

const both = (...loggers: AccessLogSink[]) => ({ inbound: loggers, outbound: loggers })

const host = (address: SocketAddress): ClusterHost => ({
  cluster: "als",
  address,
  state: "healthy",
  counters: {},
})

describe("a logger streams to this agent", () => {
  const other = { host: "10.0.0.2", port: 18_090 }

  test.each([
    ["where its cluster's endpoint is the agent", stream(), [HERE], undefined, true],
    ["not where that is another", stream(), [other], undefined, false],
    [
      "not where one of several is another: it has entries that do not come here",
      stream(),
      [HERE, other],
      undefined,
      false,
    ],
    ["not where nobody tells endpoints", stream(), [], undefined, false],
    ["where hosts tell what the configuration does not", stream(), [], [host(HERE)], true],
    ["not where hosts tell of another", stream(), [], [host(HERE), host(other)], false],
    ["where its own address is the agent", stream({ address: HERE }), [], undefined, true],
    ["not where it names a cluster that is not there", stream({ cluster: "gone" }), [HERE], undefined, false],
  ])("%s", (_, sink, endpoints, hosts, here) => {
    const paths = streamedLogs(front(both(sink), endpoints), hosts, leadsHere)
    expect([...paths]).toEqual(here ? [sink.path] : [])
  })
})

const log = { inbound: "log", outbound: "log" }
const yes = { inbound: true, outbound: true }
const no = { inbound: false, outbound: false }

describe("what counts a side", () => {
  const filtered = { ...stream(), filtered: true }
  test.each([
    ["streams", both(stream()), log, yes],
    ["a file", both(FILE), log, no],
    ["streams, where there is a file too", both(FILE, stream()), log, yes],
    ["counters, where the stream is filtered", both(filtered), { inbound: "stats", outbound: "stats" }, no],
    ["a file, where the stream is filtered", both(filtered, FILE), log, no],
    ["each its own", { inbound: [stream()], outbound: [FILE] }, log, { inbound: true, outbound: false }],
    ["nothing but counters", both(), { inbound: "stats", outbound: "stats" }, no],
  ])("%s", (_, loggers, http, streamed) => {
    const config = front(loggers)
    const readableLogs = new Set(["/dev/stdout", ...streamedLogs(config, undefined, leadsHere)])
    const { provenances } = resolvingFor(SHOP, "front_ns", { config, readableLogs })
    expect(provenances.http).toEqual(http)
    expect(provenances.streamed.http).toEqual(streamed)
  })
})

test("loggers that stream are none of lines", () => {
  const config = front(both(FILE, stream()))
  const loggers = fileLoggers(config, new Set(["/dev/stdout", "grpc:als"]))
  expect(new Set(loggers.map(({ format }) => format.kind))).toEqual(new Set(["default"]))
})

describe("what entries tell", () => {
  const readable = new Set(["grpc:als"])
  const abilitiesOf = (loggers: Parameters<typeof front>[0]) => {
    const config = front(loggers)
    return streamedAbilities(config, readable, entryReader(config, readable))
  }

  test("is what every logger logs", () => {
    const more = stream({ requestHeaders: ["x-a", "x-b", "x-amzn-trace-id"] })
    const less = stream({ requestHeaders: ["x-b"], grpcStatus: false })
    expect(abilitiesOf(both(more))).toMatchObject({ headers: ["x-a", "x-b"], grpcStatus: true })
    expect(abilitiesOf(both(more))?.fields).toContain("traceId")
    const mixed = abilitiesOf({ inbound: [more], outbound: [less] })
    expect(mixed).toMatchObject({ headers: ["x-b"], grpcStatus: false })
    expect(mixed?.fields).not.toContain("traceId")
  })

  test("decides for a proxy only where all of its filters stream", () => {
    expect(abilitiesOf({ inbound: [stream()], outbound: [FILE] })).toBeUndefined()
  })

  test("lacks the gRPC status where it is not logged, and the proxy's state says so", () => {
    const config = front(both(stream({ grpcStatus: false })))
    const { missing } = resolvingFor(SHOP, "front_ns", { config, readableLogs: readable })
    expect(missing).toEqual(["grpc_status"])
    const whole = resolvingFor(SHOP, "front_ns", { config: front(both(stream())), readableLogs: readable })
    expect(whole.missing).toEqual([])
  })
})
