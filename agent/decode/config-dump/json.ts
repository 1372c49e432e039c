/** Readers over a dump's JSON. None of them throws: what is not as expected reads as absent. */

/** The value under a key given in snake_case; dumps of other tools write the same key in camelCase. */
export function field(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null) return undefined
  if (Object.hasOwn(value, key)) return Reflect.get(value, key)
  if (!key.includes("_")) return undefined
  const camel = camelCase(key)
  return Object.hasOwn(value, camel) ? Reflect.get(value, camel) : undefined
}

const camels = new Map<string, string>()

/** Keys come from this folder's code alone, so the map stays as small as they are few. */
function camelCase(key: string): string {
  const known = camels.get(key)
  if (known !== undefined) return known
  const camel = key.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
  camels.set(key, camel)
  return camel
}

/** `field` along a way of keys. */
export function deep(value: unknown, ...keys: readonly string[]): unknown {
  let found = value
  for (const key of keys) found = field(found, key)
  return found
}

export function text(value: unknown): string {
  return typeof value === "string" ? value : ""
}

/** A text, or undefined when it is absent or empty. */
export function someText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** Numbers, and texts that hold one (64-bit values are texts in proto JSON). */
export function number(value: unknown): number | undefined {
  const found = typeof value === "string" && value !== "" ? Number(value) : value
  return typeof found === "number" && Number.isFinite(found) ? found : undefined
}

/** Last word of a type URL: `type.googleapis.com/envoy.admin.v3.ClustersConfigDump` → `ClustersConfigDump`. */
export function typeName(value: unknown): string {
  const url = text(field(value, "@type"))
  return url.slice(Math.max(url.lastIndexOf("."), url.lastIndexOf("/")) + 1)
}

/** Proto durations (`0.500s`) in milliseconds. */
export function durationMs(value: unknown): number | undefined {
  const seconds = /^(\d+(?:\.\d+)?)s$/.exec(text(value))?.[1]
  return seconds === undefined ? undefined : Number(seconds) * 1000
}
