import { isObject, ownMember } from "../../json-object.ts"

/** What a template's functions are worked out with. */
export interface TemplateScope {
  /** Values of parameters: given, or defaults. */
  readonly parameters: ReadonlyMap<string, unknown>
  readonly mappings: unknown
  readonly conditions: unknown
  /** What is known of them; each is looked at once, or they could double at each step. */
  readonly known: Map<string, boolean>
  /** What `Ref` (attribute absent) or `GetAtt` of a resource is; undefined where nobody can tell before it is made. */
  readonly attribute: (resource: string, attribute: string | undefined) => string | undefined
  readonly note: (sentence: string) => void
}

/** Stands for what is left away. */
const NO_VALUE = Symbol("AWS::NoValue")
const DEEPEST = 100

/**
 * A part of a template with its functions worked out: `Ref`, `Fn::Sub`, `Fn::GetAtt`, `Fn::Join`, `Fn::Select`,
 * `Fn::FindInMap` and `Fn::If` with its conditions. What cannot be told stays as a text such as `${Domain}`, and is noted.
 */
export function workedOut(value: unknown, scope: TemplateScope): unknown {
  const result = work(value, scope, 0)
  return result === NO_VALUE ? undefined : result
}

function work(value: unknown, scope: TemplateScope, depth: number): unknown {
  if (depth > DEEPEST) return undefined
  if (Array.isArray(value)) {
    return value.map((item) => work(item, scope, depth + 1)).filter((item) => item !== NO_VALUE)
  }
  if (!isObject(value)) return value
  const keys = Object.keys(value)
  const [name] = keys
  if (name !== undefined && keys.length === 1 && (name === "Ref" || name.startsWith("Fn::")))
    return call(name, value[name], scope, depth + 1)
  const entries = keys.map((key) => [key, work(value[key], scope, depth + 1)] as const)
  return Object.fromEntries(entries.filter(([, item]) => item !== NO_VALUE))
}

function call(name: string, given: unknown, scope: TemplateScope, depth: number): unknown {
  switch (name) {
    case "Ref":
      return given === "AWS::NoValue" ? NO_VALUE : reference(String(given), scope)
    case "Fn::GetAtt":
      return attributeOf(given, scope)
    case "Fn::Sub":
      return substituted(given, scope, depth)
    case "Fn::Join":
      return joined(work(given, scope, depth))
    case "Fn::Select":
      return selected(work(given, scope, depth))
    case "Fn::FindInMap":
      return found(work(given, scope, depth), scope)
    case "Fn::If":
      return chosen(given, scope, depth)
    default:
      return unknownValue(name, scope)
  }
}

function unknownValue(what: string, { note }: TemplateScope): string {
  note(`${what} cannot be told from the template; it stands as \${${what}}`)
  return `\${${what}}`
}

function reference(name: string, scope: TemplateScope): unknown {
  if (scope.parameters.has(name)) return scope.parameters.get(name)
  return scope.attribute(name, undefined) ?? unknownValue(name, scope)
}

/** `[Resource, Attribute]` or `Resource.Attribute`. */
function attributeOf(given: unknown, scope: TemplateScope): unknown {
  const text = Array.isArray(given) ? given.join(".") : String(given)
  const dot = text.indexOf(".")
  const [resource, attribute] = [text.slice(0, Math.max(0, dot)), text.slice(dot + 1)]
  return scope.attribute(resource, attribute) ?? unknownValue(text, scope)
}

function substituted(given: unknown, scope: TemplateScope, depth: number): string {
  const [text, own]: unknown[] = Array.isArray(given) ? given : [given]
  return String(text).replace(/\$\{(!?)([^}]{1,256})\}/g, (_, literal: string, name: string) => {
    if (literal !== "") return `\${${name}}`
    const key = name.trim()
    const value = isObject(own) && Object.hasOwn(own, key) ? work(own[key], scope, depth) : undefined
    if (value !== undefined && value !== NO_VALUE) return textOf(value)
    const dot = key.includes(".") && !scope.parameters.has(key)
    return textOf(dot ? attributeOf(key, scope) : reference(key, scope))
  })
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "")
}

function joined(given: unknown): unknown {
  const [between, list]: unknown[] = Array.isArray(given) ? given : []
  return Array.isArray(list) ? list.map(textOf).join(textOf(between ?? "")) : undefined
}

function selected(given: unknown): unknown {
  const [index, list]: unknown[] = Array.isArray(given) ? given : []
  // A parameter may be a list of texts with commas between.
  const items: unknown = typeof list === "string" ? list.split(",").map((item) => item.trim()) : list
  return Array.isArray(items) ? items[Number(index)] : undefined
}

function found(given: unknown, scope: TemplateScope): unknown {
  const keys: unknown[] = Array.isArray(given) ? given : []
  let value: unknown = scope.mappings
  for (const key of keys.slice(0, 3)) value = isObject(value) ? ownMember(value, textOf(key)) : undefined
  return value ?? unknownValue(`FindInMap ${keys.map(textOf).join(".")}`, scope)
}

function chosen(given: unknown, scope: TemplateScope, depth: number): unknown {
  const [condition, yes, no]: unknown[] = Array.isArray(given) ? given : []
  return work(holds({ Condition: condition }, scope, depth) ? yes : no, scope, depth)
}

/** Whether a condition holds. One that nobody can tell holds, since more is seen that way. */
export function holds(condition: unknown, scope: TemplateScope, depth = 0): boolean {
  if (depth > DEEPEST || !isObject(condition)) return true
  const [name = ""] = Object.keys(condition)
  const given = condition[name]
  const parts: unknown[] = Array.isArray(given) ? given : []
  switch (name) {
    case "Condition": {
      return namedHolds(String(given), scope, depth + 1)
    }
    case "Fn::Equals":
      return textOf(work(parts[0], scope, depth + 1)) === textOf(work(parts[1], scope, depth + 1))
    case "Fn::Not":
      return !holds(parts[0], scope, depth + 1)
    case "Fn::And":
      return parts.every((part) => holds(part, scope, depth + 1))
    case "Fn::Or":
      return parts.some((part) => holds(part, scope, depth + 1))
    default:
      return true
  }
}

function namedHolds(name: string, scope: TemplateScope, depth: number): boolean {
  const { conditions, known } = scope
  const before = known.get(name)
  if (before !== undefined) return before
  // One that is made of itself nobody can tell.
  known.set(name, true)
  const result = holds(isObject(conditions) ? ownMember(conditions, name) : undefined, scope, depth)
  known.set(name, result)
  return result
}
