import type { FormatAbilities } from "#mesh/access.ts"
import type { AccessLogSink, ProxyConfig } from "#mesh/proxy.ts"
import { RECOMMENDED_JSON } from "#mesh/recommended-format.ts"
import { type FileLogger, LineReader } from "./decode/access-log/line-reader.ts"

/** What a container's own output is called in a configuration. */
const OUTPUTS = ["/dev/stdout", "/dev/stderr", "/proc/self/fd/1", "/proc/1/fd/1"]

/** Paths of access logs that can be read here: the files themselves, and a container's output where one is its log. */
export function readableLogs(logs: readonly string[]): ReadonlySet<string> {
  return new Set(logs.length === 0 ? [] : [...logs, ...OUTPUTS])
}

/** Every logger of a proxy that writes to a readable path. */
export function fileLoggers(config: ProxyConfig, readable: ReadonlySet<string>): readonly FileLogger[] {
  const usable = (sink: AccessLogSink): boolean =>
    readable.has(sink.path) && sink.format.kind !== "unsupported"
  return config.listeners.flatMap((listener) => [
    ...listener.accessLogs.filter(usable).map(({ format }): FileLogger => ({ format, kind: "tcp" })),
    ...listener.chains.flatMap(({ filter }) =>
      filter.kind === "other"
        ? []
        : filter.accessLogs.filter(usable).map(({ format }): FileLogger => ({ format, kind: filter.kind })),
    ),
  ])
}

/** What lines may look like where the configuration cannot be read: App Mesh's own format, or the one that we recommend. */
export const UNREAD_LOGGERS: readonly FileLogger[] = [
  { format: { kind: "default" }, kind: "http" },
  { format: { kind: "json", fields: RECOMMENDED_JSON }, kind: "http" },
]

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
