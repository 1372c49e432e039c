import { isObject } from "#mesh/json-object.ts"
import type { ProxyConfig } from "#mesh/proxy.ts"
import { deep, field, number, text } from "./json.ts"

/** `bootstrap.node`; its `extensions` (79 of 96 KB of a dump) are left behind. */
export function nodeOf(node: unknown): ProxyConfig["node"] {
  const metadata = field(node, "metadata")
  return {
    id: text(field(node, "id")),
    cluster: text(field(node, "cluster")),
    metadata: isObject(metadata) ? Object.fromEntries(Object.entries(metadata)) : {},
    version: versionOf(node),
  }
}

/** `user_agent_build_version` since 2020, `build_version` (`<sha>/1.11.2/Clean/RELEASE/BoringSSL`) before. */
function versionOf(node: unknown): string {
  const version = deep(node, "user_agent_build_version", "version")
  if (!isObject(version)) return /^[^/]*\/(\d+\.\d+\.\d+)/.exec(text(field(node, "build_version")))?.[1] ?? ""
  // Proto JSON leaves zeros out.
  const parts = ["major_number", "minor_number", "patch"].map((part) => number(field(version, part)) ?? 0)
  return parts.join(".")
}
