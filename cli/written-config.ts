import { stringify } from "yaml"
import { adminAddressText, socketAddressText } from "#mesh/address.ts"
import type { JsonSchema } from "#mesh/configuration-issue.ts"
import type { AdminAddress, SocketAddress } from "#mesh/proxy.ts"
import { durationText, sizeText } from "#mesh/quantities.ts"

type Part = JsonSchema | boolean | undefined

/** A parsed configuration as the YAML that reads back to the same. Secrets are references, so none is printed. */
export function writtenConfig(schema: JsonSchema, config: object): string {
  // A `$` of a value stands for itself: doubled, it is not taken for a variable.
  return stringify(written(schema, config), { lineWidth: 0 }).replaceAll("$", "$$$$")
}

function written(schema: Part, value: unknown): unknown {
  const shape = typeof schema === "object" ? schema : {}
  if (shape.title === "duration" && typeof value === "number") return durationText(value)
  if (shape.title === "size" && typeof value === "number") return sizeText(value)
  if (shape.title === "admin address" && isAdmin(value)) return adminAddressText(value)
  if (shape.title === "listen address" && isSocket(value)) return socketAddressText(value)
  if (Array.isArray(value)) return value.map((item) => written(firstOf(shape.items), item))
  if (typeof value !== "object" || value === null) return value
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  return Object.fromEntries(
    entries.map(([key, item]) => [key, written(shape.properties?.[key] ?? shape.additionalProperties, item)]),
  )
}

function firstOf(items: JsonSchema["items"]): Part {
  return Array.isArray(items) ? items[0] : items
}

function isSocket(value: unknown): value is SocketAddress {
  return typeof value === "object" && value !== null && "host" in value && "port" in value
}

function isAdmin(value: unknown): value is AdminAddress {
  return isSocket(value) || (typeof value === "object" && value !== null && "path" in value)
}
