export type JsonObject = Readonly<Record<string, unknown>>

/** What is written; own properties only, whatever they are called. */
export type Draft = Record<string, unknown>

/** A member that is an object; empty where it is not. */
export function objectOf(holder: JsonObject | undefined, key: string): JsonObject {
  const value = holder !== undefined && Object.hasOwn(holder, key) ? holder[key] : undefined
  return isObject(value) ? value : {}
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

/** Without members that are undefined, which JSON has not; undefined where nothing is left. */
export function present(draft: JsonObject): Draft | undefined {
  const entries = Object.entries(draft).filter(([, value]) => value !== undefined)
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}
