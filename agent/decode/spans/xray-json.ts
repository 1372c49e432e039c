/** Deepest nesting that is read: X-Ray's console shows a dozen, and what writes documents again goes down by calls. */
const MAX_DEPTH = 64

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Whether brackets nest deeper than `MAX_DEPTH`. Looks at bytes alone, so it says nothing of whether they are JSON. */
export function isTooDeep(json: Uint8Array): boolean {
  let depth = 0
  let inText = false
  for (let at = 0; at < json.length; at++) {
    const byte = json[at]
    if (inText) {
      if (byte === BACKSLASH) at++
      else if (byte === QUOTE) inText = false
    } else if (byte === QUOTE) inText = true
    else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > MAX_DEPTH) return true
    } else if (byte === 0x7d || byte === 0x5d) depth--
  }
  return false
}

export type JsonObject = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

/** The own value of a key, where it is an object. */
export function objectAt(object: JsonObject | undefined, key: string): JsonObject | undefined {
  const value = ownAt(object, key)
  return isObject(value) ? value : undefined
}

export function textAt(object: JsonObject | undefined, key: string): string | undefined {
  const value = ownAt(object, key)
  return typeof value === "string" && value !== "" ? value : undefined
}

/** Finite numbers only. */
export function numberAt(object: JsonObject | undefined, key: string): number | undefined {
  const value = ownAt(object, key)
  return typeof value === "number" && Number.isFinite(value) ? value : undefined
}

export function flagAt(object: JsonObject | undefined, key: string): boolean {
  return ownAt(object, key) === true
}

/** Never what an object inherits: a document may name a field `constructor`. */
function ownAt(object: JsonObject | undefined, key: string): unknown {
  return object !== undefined && Object.hasOwn(object, key) ? object[key] : undefined
}
