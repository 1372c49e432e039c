/** Envoy's configuration as data; what is written to its files. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }
export type JsonObject = { readonly [key: string]: Json }

/** A message packed into `google.protobuf.Any`, as every Envoy extension wants it. */
export function packed(type: string, fields: JsonObject = {}): JsonObject {
  return { "@type": `type.googleapis.com/${type}`, ...fields }
}

export function socketAddress(address: string, port: number): JsonObject {
  return { socket_address: { address, port_value: port } }
}

/** Protobuf's JSON form of a duration: seconds with `s`. */
export function duration(ms: number): string {
  return `${ms / 1000}s`
}

/** App Mesh's own metadata on clusters, routes and listeners: a JSON text inside a struct. */
export function aggregateStats(tags: Readonly<Record<string, string>>): JsonObject {
  const list = Object.entries(tags).map(([key, value]) => ({ key, value }))
  return {
    filter_metadata: { "aws.appmesh.aggregate_stats": { config: JSON.stringify({ tags: list }) } },
  }
}
