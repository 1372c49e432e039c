import { deep, field, list, someText } from "./json.ts"

const NONE: Readonly<Record<string, string>> = {}

/**
 * App Mesh's names on clusters and routes: `metadata.filter_metadata["aws.appmesh.aggregate_stats"].config`, a JSON text
 * `{"tags":[{"key":"TargetVirtualNode","value":"…"}]}` (seen on Envoy 1.20 of 2022, also with the extension switched off).
 */
export function tagsOf(resource: unknown): Readonly<Record<string, string>> {
  const config = field(deep(resource, "metadata", "filter_metadata", "aws.appmesh.aggregate_stats"), "config")
  const tags = list(field(parsed(config), "tags"))
  if (tags.length === 0) return NONE
  const pairs: [string, string][] = []
  for (const tag of tags) {
    const key = someText(field(tag, "key"))
    const value = someText(field(tag, "value"))
    if (key !== undefined && value !== undefined) pairs.push([key, value])
  }
  // fromEntries defines own properties, also for a key like __proto__.
  return Object.fromEntries(pairs)
}

function parsed(config: unknown): unknown {
  if (typeof config !== "string") return config
  try {
    return JSON.parse(config)
  } catch {
    return undefined
  }
}
