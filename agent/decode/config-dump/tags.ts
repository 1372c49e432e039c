import { deep, field, list, someText, text } from "./json.ts"

const NONE: Readonly<Record<string, string>> = {}

/**
 * What a control plane wrote of itself on a cluster or route, under its own names: App Mesh's tags, Istio's `istio.config`
 * (the object that it was made of) and `istio.services` (hosts that an inbound cluster serves, joined by commas).
 */
export function tagsOf(resource: unknown): Readonly<Record<string, string>> {
  const metadata = deep(resource, "metadata", "filter_metadata")
  if (metadata === undefined) return NONE
  const pairs = [...appMeshTags(metadata), ...istioTags(metadata)]
  // fromEntries defines own properties, also for a key like __proto__.
  return pairs.length === 0 ? NONE : Object.fromEntries(pairs)
}

/** More services than this share no port of a pod. */
const MAX_SERVICES = 64

function istioTags(metadata: unknown): [string, string][] {
  const own = field(metadata, "istio")
  const config = someText(field(own, "config"))
  const hosts = list(field(own, "services"))
    .slice(0, MAX_SERVICES)
    .map((service) => text(field(service, "host")))
    .filter((host) => host !== "" && !host.includes(","))
  const pairs: [string, string][] = []
  if (config !== undefined) pairs.push(["istio.config", config])
  if (hosts.length > 0) pairs.push(["istio.services", hosts.join(",")])
  return pairs
}

/**
 * App Mesh's names on clusters and routes: `metadata.filter_metadata["aws.appmesh.aggregate_stats"].config`, a JSON text
 * `{"tags":[{"key":"TargetVirtualNode","value":"…"}]}` (seen on Envoy 1.20 of 2022, also with the extension switched off).
 */
function appMeshTags(metadata: unknown): [string, string][] {
  const config = field(field(metadata, "aws.appmesh.aggregate_stats"), "config")
  const tags = list(field(parsed(config), "tags"))
  const pairs: [string, string][] = []
  for (const tag of tags) {
    const key = someText(field(tag, "key"))
    const value = someText(field(tag, "value"))
    if (key !== undefined && value !== undefined) pairs.push([key, value])
  }
  return pairs
}

function parsed(config: unknown): unknown {
  if (typeof config !== "string") return config
  try {
    return JSON.parse(config)
  } catch {
    return undefined
  }
}
