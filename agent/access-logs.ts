import type { FormatAbilities } from "#mesh/access.ts"
import { ISTIO_JSON, ISTIO_TEXT } from "#mesh/istio-log-format.ts"
import type {
  AccessLogFormat,
  AccessLogSink,
  ClusterHost,
  ProxyConfig,
  ProxyTarget,
  SocketAddress,
} from "#mesh/proxy.ts"
import { RECOMMENDED_JSON } from "#mesh/recommended-format.ts"
import type { Flavor } from "#mesh/resource.ts"
import { type FileLogger, LineReader } from "./decode/access-log/line-reader.ts"
import { EntryReader } from "./decode/als/entry-reader.ts"

/** What a container's own output is called in a configuration. */
const OUTPUTS = ["/dev/stdout", "/dev/stderr", "/proc/self/fd/1", "/proc/1/fd/1"]

/**
 * Paths of access logs that can be read here: the files themselves, and a container's output where one is its log or where
 * it is sent.
 */
export function readableLogs({
  logs,
  sent = false,
}: Pick<ProxyTarget, "logs" | "sent">): ReadonlySet<string> {
  return new Set(logs.length === 0 && !sent ? [] : [...logs, ...OUTPUTS])
}

type AlsFormat = Extract<AccessLogFormat, { kind: "als" }>

/** Paths of the loggers that stream entries to this agent: all that their cluster leads to, or their address, is the agent. */
export function streamedLogs(
  config: ProxyConfig,
  hosts: readonly ClusterHost[] | undefined,
  leadsHere: (to: SocketAddress) => boolean,
): ReadonlySet<string> {
  const endpointsOf = ({ cluster: name, address }: AlsFormat): readonly SocketAddress[] => {
    if (address !== undefined) return [address]
    const told = config.clusters.find((cluster) => cluster.name === name)?.endpoints ?? []
    if (told.length > 0) return told
    return (hosts ?? []).filter(({ cluster }) => cluster === name).map((host) => host.address)
  }
  const paths = new Set<string>()
  for (const { path, format } of [...sinksOf(config, "http"), ...sinksOf(config, "tcp")]) {
    if (format.kind !== "als" || paths.has(path)) continue
    const endpoints = endpointsOf(format)
    if (endpoints.length > 0 && endpoints.every(leadsHere)) paths.add(path)
  }
  return paths
}

/** Loggers of all filters of a kind; those of a listener itself tell of connections. */
function sinksOf({ listeners }: ProxyConfig, kind: "http" | "tcp"): readonly AccessLogSink[] {
  return listeners.flatMap(({ accessLogs, chains }) => [
    ...(kind === "tcp" ? accessLogs : []),
    ...chains.flatMap(({ filter }) => (filter.kind === kind ? filter.accessLogs : [])),
  ])
}

/**
 * The reader of what a proxy streams.
 * @param readable with the paths of the loggers that stream here; where there is none, all that stream count
 */
export function entryReader(config: ProxyConfig, readable: ReadonlySet<string>): EntryReader {
  const formats = sinksOf(config, "http").filter(({ format }) => format.kind === "als")
  const here = formats.filter(({ path }) => readable.has(path))
  const used = (here.length > 0 ? here : formats)
    .map(({ format }) => format)
    .filter((format) => format.kind === "als")
  return new EntryReader({
    // What only some log would be taken for absent in the others' entries.
    requestHeaders: (used[0]?.requestHeaders ?? []).filter((name) =>
      used.every(({ requestHeaders }) => requestHeaders.includes(name)),
    ),
    grpcStatus: used.every(({ grpcStatus }) => grpcStatus) && used.length > 0,
  })
}

/** What is told of a proxy's requests, where all of its HTTP filters stream here; undefined where lines are what counts. */
export function streamedAbilities(
  config: ProxyConfig,
  readable: ReadonlySet<string>,
  entries: EntryReader,
): FormatAbilities | undefined {
  const filters = config.listeners.flatMap(({ chains }) =>
    chains.flatMap(({ filter }) => (filter.kind === "http" ? [filter] : [])),
  )
  const streams = ({ format, path }: AccessLogSink): boolean => format.kind === "als" && readable.has(path)
  const all = filters.length > 0 && filters.every(({ accessLogs }) => accessLogs.some(streams))
  return all ? entries.abilities : undefined
}

/** Every logger of a proxy that writes to a readable path. */
export function fileLoggers(config: ProxyConfig, readable: ReadonlySet<string>): readonly FileLogger[] {
  const usable = (sink: AccessLogSink): boolean =>
    readable.has(sink.path) && sink.format.kind !== "unsupported" && sink.format.kind !== "als"
  return config.listeners.flatMap((listener) => [
    ...listener.accessLogs.filter(usable).map(({ format }): FileLogger => ({ format, kind: "tcp" })),
    ...listener.chains.flatMap(({ filter }) =>
      filter.kind === "other"
        ? []
        : filter.accessLogs.filter(usable).map(({ format }): FileLogger => ({ format, kind: filter.kind })),
    ),
  ])
}

const OURS: FileLogger = { format: { kind: "json", fields: RECOMMENDED_JSON }, kind: "http" }
const UNREAD: readonly FileLogger[] = [{ format: { kind: "default" }, kind: "http" }, OURS]
const UNREAD_ISTIO: readonly FileLogger[] = [
  { format: { kind: "text", text: ISTIO_TEXT }, kind: "http" },
  { format: { kind: "json", fields: ISTIO_JSON }, kind: "http" },
  OURS,
]

/** What lines may look like where the configuration cannot be read: the mesh's own formats, or the one that we recommend. */
export function unreadLoggers(flavor: Flavor): readonly FileLogger[] {
  return flavor === "istio" ? UNREAD_ISTIO : UNREAD
}

/** The reader of a proxy's lines, and what its HTTP format can tell; undefined where formats differ. */
export function lineReader(loggers: readonly FileLogger[]): {
  readonly reader: LineReader
  readonly abilities: FormatAbilities | undefined
} {
  const formats = new Set(
    loggers.filter(({ kind }) => kind === "http").map(({ format }) => JSON.stringify(format)),
  )
  const http = loggers.find(({ kind }) => kind === "http")
  const abilities =
    formats.size === 1 && http !== undefined ? new LineReader([http]).decoder.abilities : undefined
  return { reader: new LineReader(loggers), abilities }
}
