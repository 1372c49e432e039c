import { isObject } from "../../json-object.ts"

/** How a source writes the API's keys. */
type Spelling = "cloudformation" | "terraform"

/** A value whose keys are written as the API writes them: `VirtualNodeName`, `AWSCloudMap`, `port_mapping` become `virtualNodeName`, `awsCloudMap`, `portMapping`. */
export function camelCase(value: unknown, spelling: Spelling): unknown {
  if (Array.isArray(value)) return value.map((item) => camelCase(item, spelling))
  if (!isObject(value)) return value
  const key = spelling === "cloudformation" ? fromPascal : fromSnake
  const entries = Object.entries(value).map(
    ([name, inner]) => [key(name), camelCase(inner, spelling)] as const,
  )
  return withNumbers(Object.fromEntries(entries))
}

const NUMBERS = new Set(["port", "weight", "priority", "maxRetries", "start", "end"])

/** Values of parameters are texts, also where a number is wanted: `Port: !Ref Port`. */
function withNumbers(object: Record<string, unknown>): Record<string, unknown> {
  for (const [key, value] of Object.entries(object)) {
    const isNumber = NUMBERS.has(key) || (key === "value" && Object.hasOwn(object, "unit"))
    if (isNumber && typeof value === "string" && /^\d{1,9}$/.test(value)) object[key] = Number(value)
  }
  return object
}

/** The capitals that a key begins with become small, but for the one that begins its next word. */
function fromPascal(key: string): string {
  const capitals = /^[A-Z]+/.exec(key)?.[0].length ?? 0
  const small = capitals > 1 && /[a-z]/.test(key.charAt(capitals)) ? capitals - 1 : capitals
  return key.slice(0, small).toLowerCase() + key.slice(small)
}

function fromSnake(key: string): string {
  return key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}
