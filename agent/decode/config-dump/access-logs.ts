import { isObject } from "#mesh/json-object.ts"
import type { AccessLogFormat, AccessLogSink, JsonFormat } from "#mesh/proxy.ts"
import { alsSinkOf } from "./als-logger.ts"
import { field, list, someText, text, typeName } from "./json.ts"
import type { Notes } from "./notes.ts"

/** Names of file loggers that carried no type URL (2019), and what the stream loggers write to. */
const FILE_NAMES = new Set(["envoy.file_access_log", "envoy.access_loggers.file"])
const STREAMS = new Map([
  ["StdoutAccessLog", "/dev/stdout"],
  ["StderrAccessLog", "/dev/stderr"],
  ["envoy.access_loggers.stdout", "/dev/stdout"],
  ["envoy.access_loggers.stderr", "/dev/stderr"],
])

/** The `access_log` list of a connection manager, TCP proxy or listener: those that write lines to a file or stream, or stream entries by gRPC. */
export function accessLogsOf(owner: unknown, notes: Notes): AccessLogSink[] {
  const sinks: AccessLogSink[] = []
  for (const logger of list(field(owner, "access_log"))) {
    const sink = sinkOf(logger)
    if (sink === undefined) notes.add(`access logger ${loggerName(logger)} writes no file`)
    else sinks.push(sink)
  }
  return sinks
}

function loggerName(logger: unknown): string {
  return text(field(logger, "name")) || typeName(configOf(logger)) || "without a name"
}

function configOf(logger: unknown): unknown {
  return field(logger, "typed_config") ?? field(logger, "config")
}

function sinkOf(logger: unknown): AccessLogSink | undefined {
  const config = configOf(logger)
  const type = typeName(config)
  const name = text(field(logger, "name"))
  const path =
    STREAMS.get(type) ??
    (type === "FileAccessLog" || (type === "" && FILE_NAMES.has(name))
      ? someText(field(config, "path"))
      : STREAMS.get(type === "" ? name : ""))
  const sink =
    path === undefined ? alsSinkOf(config, type === "" ? name : type) : { path, format: formatOf(config) }
  if (sink === undefined) return undefined
  const filtered = isObject(field(logger, "filter"))
  return { ...sink, ...(filtered ? { filtered } : {}) }
}

/** `log_format` since 2020; `format`, `json_format` and `typed_json_format` before. */
function formatOf(config: unknown): AccessLogFormat {
  const format = field(config, "log_format")
  const json =
    field(format, "json_format") ?? field(config, "json_format") ?? field(config, "typed_json_format")
  if (isObject(json)) return { kind: "json", fields: jsonFormat(json, 0) }
  const inline = field(format, "text_format") ?? field(config, "format")
  if (typeof inline === "string" && inline !== "") return { kind: "text", text: inline }
  const source = field(format, "text_format_source")
  if (isObject(source)) return sourced(source)
  return { kind: "default" }
}

/** A text format kept elsewhere. Bytes are base64 in a dump; what lies in the proxy's file or environment cannot be known. */
function sourced(source: object): AccessLogFormat {
  const inline = someText(field(source, "inline_string"))
  if (inline !== undefined) return { kind: "text", text: inline }
  const bytes = someText(field(source, "inline_bytes"))
  if (bytes !== undefined) return { kind: "text", text: Buffer.from(bytes, "base64").toString("utf8") }
  const file = someText(field(source, "filename"))
  const variable = someText(field(source, "environment_variable"))
  const where = file === undefined ? `variable ${variable ?? "?"}` : `file ${file}`
  return { kind: "unsupported", why: `the format is in the proxy's ${where}` }
}

/** Deeper nesting than any real format; a dump is a stranger's text. */
const MAX_DEPTH = 8

function jsonFormat(object: object, depth: number): JsonFormat {
  const pairs: [string, string | JsonFormat][] = []
  for (const key of Object.keys(object)) {
    const value: unknown = Reflect.get(object, key)
    if (isObject(value)) {
      if (depth < MAX_DEPTH) pairs.push([key, jsonFormat(value, depth + 1)])
    } else if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
      pairs.push([key, String(value)])
    }
  }
  return Object.fromEntries(pairs)
}
