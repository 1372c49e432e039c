import { isObject, type JsonObject, ownMember } from "#mesh/json-object.ts"

/** A member that is an object. Here as below, one of the wrong type is as if it were not there. */
export function objectAt(object: JsonObject | undefined, key: string): JsonObject | undefined {
  const value = ownMember(object, key)
  return isObject(value) ? value : undefined
}

export function textAt(object: JsonObject | undefined, key: string): string | undefined {
  const value = ownMember(object, key)
  return typeof value === "string" && value !== "" ? value : undefined
}

/** Finite numbers only. */
export function numberAt(object: JsonObject | undefined, key: string): number | undefined {
  const value = ownMember(object, key)
  return typeof value === "number" && Number.isFinite(value) ? value : undefined
}

export function flagAt(object: JsonObject | undefined, key: string): boolean {
  return ownMember(object, key) === true
}
