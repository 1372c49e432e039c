import type { DeclaredAccessLog } from "#mesh/declared.ts"
import { type JsonObject, packed } from "./json.ts"

/** A node's one setting feeds its ingress, its egress and its TCP chains. No path: no log at all. */
export function accessLogs(log: DeclaredAccessLog | undefined): readonly JsonObject[] {
  if (log === undefined) return []
  const format =
    log.json === undefined
      ? log.text === undefined
        ? {}
        : { log_format: { text_format_source: { inline_string: log.text } } }
      : { log_format: { json_format: log.json } }
  return [
    {
      name: "envoy.access_loggers.file",
      typed_config: packed("envoy.extensions.access_loggers.file.v3.FileAccessLog", {
        path: log.path,
        ...format,
      }),
    },
  ]
}
