import { isObject, type JsonObject, ownMember } from "#mesh/json-object.ts"

/** What is written; own properties only, whatever they are called. */
export type Draft = Record<string, unknown>

/** A member that is an object; empty where it is not. */
export function objectOf(holder: JsonObject | undefined, key: string): JsonObject {
  const value = ownMember(holder, key)
  return isObject(value) ? value : {}
}

/** A draft that says something; members that are undefined are not written. Undefined where it says nothing. */
export function present(draft: JsonObject): JsonObject | undefined {
  for (const key in draft) if (draft[key] !== undefined) return draft
  return undefined
}

/** An object without prototype: whatever a key is called, it is one. */
export function bareObject(): Draft {
  return { __proto__: null }
}
