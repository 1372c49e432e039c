import { createHash } from "node:crypto"

/** What a log group's name may hold (client-cloudwatch-logs, CreateLogGroup), but for what separates its parts. */
const NOT_IN_GROUP_PART = /[^\w.#-]+/g
/** A stream may hold anything but `:` and `*` (CreateLogStream); we keep to what every console shows as it is. */
const NOT_IN_STREAM_PART = /[^\w.#@/[\]=+-]+/g
const GROUP_TEMPLATE = /^[\w\-/.#]*$/
const STREAM_TEMPLATE = /^[\w\-/.#@[\]=+]*$/
const MAX_NAME = 512
/** Of a name that is too long and so is cut: tells it from others with the same beginning. */
const HASH_DIGITS = 12
/** Stands for a value that is not known. */
const NONE = "none"

export interface GroupValues {
  readonly mesh: string
  readonly flavor: string
  readonly cluster: string
  /** `sidecar` or `gateway`. */
  readonly role: string
  /** Virtual node or virtual gateway. */
  readonly resource: string
}
export const GROUP_PLACEHOLDERS = ["mesh", "flavor", "cluster", "role", "resource"] as const
export const STREAM_PLACEHOLDERS = ["agent"] as const

/**
 * Name of a log group. A value cannot add a part to the name or leave its place in it: `/` and whatever else a name may
 * not hold becomes `_`.
 */
export function logGroupName(template: string, values: GroupValues): string {
  const parts = GROUP_PLACEHOLDERS.map((name) => [name, values[name].replaceAll(NOT_IN_GROUP_PART, "_")])
  return filled(template, new Map(parts.map(([name = "", value = ""]) => [name, value])))
}

/** Name of a log stream; the same in every group. */
export function logStreamName(template: string, { agent }: { readonly agent: string }): string {
  return filled(template, new Map([["agent", agent.replaceAll(NOT_IN_STREAM_PART, "_")]]))
}

export const isGroupTemplate = (text: string): boolean =>
  isTemplate(text, GROUP_TEMPLATE, GROUP_PLACEHOLDERS) && !text.startsWith("aws/")
export const isStreamTemplate = (text: string): boolean =>
  isTemplate(text, STREAM_TEMPLATE, STREAM_PLACEHOLDERS)

function isTemplate(text: string, fixed: RegExp, placeholders: readonly string[]): boolean {
  const rest = placeholders.reduce((left, name) => left.replaceAll(`{${name}}`, ""), text)
  return text !== "" && text.length <= MAX_NAME && fixed.test(rest)
}

function filled(template: string, values: ReadonlyMap<string, string>): string {
  // In one pass, so that a value that looks like a placeholder stays what it is.
  const name = template.replaceAll(/\{([a-z]+)\}/g, (_, placeholder: string) => {
    const value = values.get(placeholder) ?? ""
    return value === "" ? NONE : value
  })
  if (name.length <= MAX_NAME) return name
  const hash = createHash("sha256").update(name).digest("hex").slice(0, HASH_DIGITS)
  return `${name.slice(0, MAX_NAME - HASH_DIGITS - 1)}-${hash}`
}
