import type { AccessLogSink, Listener } from "#mesh/proxy.ts"
import type { Provenance } from "#mesh/resource.ts"
import type { HttpWay, Side, TcpWay, Topology } from "./topology.ts"

/** By side and kind of traffic; rests on configuration and discovery alone, never on whether lines come. */
export interface Provenances {
  readonly http: Readonly<Record<Side, Provenance>>
  readonly tcp: Readonly<Record<Side, Provenance>>
  /** Sides whose log is what the proxy streams (gRPC access logs); lines of its files do not count there. */
  readonly streamed: Readonly<Record<"http" | "tcp", Readonly<Record<Side, boolean>>>>
}

/**
 * `log` where every way of that side writes an access log that can be read, each by the same means: one unread way would be
 * missing from the counts. A side without ways has nothing to count, and is `stats`. Streams come first.
 */
export function provenancesOf(topology: Topology, readableLogs: ReadonlySet<string>): Provenances {
  const all = (ways: readonly (HttpWay | TcpWay)[], side: Side, streams: boolean): boolean => {
    const own = ways.filter((way) => way.side === side)
    const reads = (log: AccessLogSink): boolean =>
      (log.format.kind === "als") === streams && isReadable(log, readableLogs)
    return own.length > 0 && own.every((way) => way.filter.accessLogs.some(reads))
  }
  const streamed = (ways: readonly (HttpWay | TcpWay)[]): Record<Side, boolean> => ({
    inbound: all(ways, "inbound", true),
    outbound: all(ways, "outbound", true),
  })
  const both = (
    ways: readonly (HttpWay | TcpWay)[],
    streams: Record<Side, boolean>,
  ): Record<Side, Provenance> => ({
    inbound: streams.inbound || all(ways, "inbound", false) ? "log" : "stats",
    outbound: streams.outbound || all(ways, "outbound", false) ? "log" : "stats",
  })
  const http = streamed(topology.http)
  const tcp = streamed(topology.tcp)
  return { http: both(topology.http, http), tcp: both(topology.tcp, tcp), streamed: { http, tcp } }
}

/**
 * Where the configuration cannot be read but lines name what they tell of. A page of stats that can be read counts HTTP:
 * whether there is an access log, and whether it holds every request, nobody can tell. Else a log that is there counts.
 */
export function provenancesUnread(readableLogs: ReadonlySet<string>, paged: boolean): Provenances {
  const log = readableLogs.size > 0 ? "log" : "stats"
  const streamed = { inbound: false, outbound: false }
  return {
    http: bothSides(paged ? "stats" : log),
    tcp: bothSides(log),
    streamed: { http: streamed, tcp: streamed },
  }
}

const bothSides = (word: Provenance): Record<Side, Provenance> => ({ inbound: word, outbound: word })

/** All of it as one word, over the sides that have something to count; `mixed` where they differ. */
export function provenanceWord(topology: Topology, { http, tcp }: Provenances): Provenance | "mixed" {
  const found = new Set([
    ...topology.http.map(({ side }) => http[side]),
    ...topology.tcp.map(({ side }) => tcp[side]),
  ])
  const [only = "stats"] = found
  return found.size > 1 ? "mixed" : only
}

/**
 * Whether log lines tell of connections that no filter chain of the listener took. One with a filter does, too: it is
 * there for just these, and what it leaves out cannot be told from what it wrote.
 */
export function toldByListener(
  { accessLogs }: Listener,
  { tcp, streamed }: Provenances,
  readableLogs: ReadonlySet<string>,
): boolean {
  return (
    tcp.outbound === "log" &&
    accessLogs.some(
      (log) => (log.format.kind === "als") === streamed.tcp.outbound && isDecodable(log, readableLogs),
    )
  )
}

/** A log with a filter holds only some requests, and an unknown format cannot be decoded. */
function isReadable(log: AccessLogSink, readableLogs: ReadonlySet<string>): boolean {
  return isDecodable(log, readableLogs) && log.filtered !== true
}

function isDecodable(log: AccessLogSink, readableLogs: ReadonlySet<string>): boolean {
  return readableLogs.has(log.path) && log.format.kind !== "unsupported"
}
