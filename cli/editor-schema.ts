import type { JsonSchema } from "#mesh/configuration-issue.ts"

/** How a reference to a variable begins. */
const REFERENCE = { type: "string", pattern: "\\$\\{[A-Za-z_]" } as const

/** The schema for editors: any single value may also be a reference such as `${NAME}`, which JSON schema cannot resolve. */
export function editorSchema(schema: JsonSchema): JsonSchema {
  if (schema.properties !== undefined) {
    const properties: NonNullable<JsonSchema["properties"]> = {}
    for (const [name, part] of Object.entries(schema.properties)) properties[name] = editorPart(part)
    return { ...schema, properties }
  }
  if (schema.type === "array") return { ...schema, items: editorItems(schema.items) }
  if (!constrained(schema)) return schema
  const { description, title, default: standard, ...rest } = schema
  return {
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
    ...(standard === undefined ? {} : { default: standard }),
    anyOf: [rest, REFERENCE],
  }
}

function editorPart(part: JsonSchema): JsonSchema
function editorPart(part: JsonSchema | boolean): JsonSchema | boolean
function editorPart(part: JsonSchema | boolean): JsonSchema | boolean {
  return typeof part === "object" ? editorSchema(part) : part
}

function editorItems(items: JsonSchema["items"]): NonNullable<JsonSchema["items"]> {
  if (Array.isArray(items)) return items.map((item) => editorPart(item))
  return items === undefined ? true : editorPart(items)
}

function constrained(schema: JsonSchema): boolean {
  if (schema.type === "string") return schema.pattern !== undefined || schema.enum !== undefined
  return schema.type === "number" || schema.type === "integer" || schema.type === "boolean"
}
