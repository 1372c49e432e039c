import { type Input, isObject } from "../operation.ts"
import { Refusal } from "../refusal.ts"

export const invalid = (message: string): Refusal => new Refusal("InvalidParameterException", message)

/** The text in which the service tells of a broken constraint (seen in bug reports; the code is the documented one). */
export const constraint = (member: string, value: unknown, rule: string): Refusal =>
  invalid(
    `1 validation error detected: Value '${String(value)}' at '${member}' failed to satisfy constraint: ${rule}`,
  )

const LENGTH = "Member must have length between 1 and 512"

/** @throws Refusal when it is missing or no text */
function text(input: Input, member: string): string {
  const value = input[member]
  if (value === undefined || value === null) throw constraint(member, null, "Member must not be null")
  if (typeof value !== "string") throw new Refusal("SerializationException", `${member} is not a string.`)
  return value
}

/** client-cloudwatch-logs, CreateLogGroup: 1 to 512 of `a-zA-Z0-9_-/.#`. @throws Refusal */
export function groupName(input: Input): string {
  const name = text(input, "logGroupName")
  if (name.length < 1 || name.length > 512) throw constraint("logGroupName", name, LENGTH)
  if (!/^[\w\-/.#]+$/.test(name))
    throw constraint(
      "logGroupName",
      name,
      "Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+",
    )
  return name
}

/** client-cloudwatch-logs, CreateLogStream: 1 to 512, without `:` and `*`. @throws Refusal */
export function streamName(input: Input): string {
  const name = text(input, "logStreamName")
  if (name.length < 1 || name.length > 512) throw constraint("logStreamName", name, LENGTH)
  if (/[:*]/.test(name))
    throw constraint("logStreamName", name, "Member must satisfy regular expression pattern: [^:*]*")
  return name
}

/** @throws Refusal when it is no object */
export function object(value: unknown, member: string): Input {
  if (!isObject(value)) throw new Refusal("SerializationException", `${member} is not an object.`)
  return value
}
