import type { AccessLogSink, Listener } from "#mesh/proxy.ts"
import type { Provenance } from "#mesh/resource.ts"
import type { HttpWay, Side, TcpWay, Topology } from "./topology.ts"

/** By side and kind of traffic; rests on configuration and discovery alone, never on whether lines come. */
export interface Provenances {
  readonly http: Readonly<Record<Side, Provenance>>
  readonly tcp: Readonly<Record<Side, Provenance>>
}

/**
 * `log` where every way of that side writes an access log that can be read: one unread way would be missing from the
 * counts. A side without ways has nothing to count, and is `stats`.
 */
export function provenancesOf(topology: Topology, readableLogs: ReadonlySet<string>): Provenances {
  const of = (ways: readonly (HttpWay | TcpWay)[], side: Side): Provenance => {
    const own = ways.filter((way) => way.side === side)
    const read =
      own.length > 0 && own.every((way) => way.filter.accessLogs.some((log) => isReadable(log, readableLogs)))
    return read ? "log" : "stats"
  }
  const both = (ways: readonly (HttpWay | TcpWay)[]): Record<Side, Provenance> => ({
    inbound: of(ways, "inbound"),
    outbound: of(ways, "outbound"),
  })
  return { http: both(topology.http), tcp: both(topology.tcp) }
}

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
  { tcp }: Provenances,
  readableLogs: ReadonlySet<string>,
): boolean {
  return tcp.outbound === "log" && accessLogs.some((log) => isDecodable(log, readableLogs))
}

/** A log with a filter holds only some requests, and an unknown format cannot be decoded. */
function isReadable(log: AccessLogSink, readableLogs: ReadonlySet<string>): boolean {
  return isDecodable(log, readableLogs) && log.filtered !== true
}

function isDecodable(log: AccessLogSink, readableLogs: ReadonlySet<string>): boolean {
  return readableLogs.has(log.path) && log.format.kind !== "unsupported"
}
