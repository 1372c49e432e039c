import type { JsonHandler } from "../operation.ts"
import { Refusal } from "../refusal.ts"
import { constraint, groupName, invalid, streamName } from "./members.ts"
import { type LogGroup, type LogsStore, newGroup } from "./store.ts"

/** client-cloudwatch-logs, type LogGroupClass; ESSENTIALS and DELIVERY are newer. */
const CLASSES = ["STANDARD", "INFREQUENT_ACCESS", "ESSENTIALS", "DELIVERY"]

/** client-cloudwatch-logs, type PutRetentionPolicyRequest. */
const RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
]

const ARN = "arn:aws:logs:eu-west-1:123456789012:log-group:"

/** @throws Refusal */
export function existingGroup(store: LogsStore, name: string): LogGroup {
  const group = store.groups.get(name)
  if (group === undefined)
    throw new Refusal("ResourceNotFoundException", "The specified log group does not exist.")
  return group
}

export function createLogGroup(store: LogsStore): JsonHandler {
  return (input, { nowMs }) => {
    const name = groupName(input)
    // the same page: "Log group names can't start with the string aws/"; the code is not documented
    if (name.startsWith("aws/")) throw invalid("Log groups starting with aws/ are reserved for AWS.")
    const groupClass = input["logGroupClass"] ?? "STANDARD"
    if (typeof groupClass !== "string" || !CLASSES.includes(groupClass))
      throw constraint(
        "logGroupClass",
        groupClass,
        `Member must satisfy enum value set: [${CLASSES.join(", ")}]`,
      )
    if (store.groups.has(name))
      throw new Refusal("ResourceAlreadyExistsException", "The specified log group already exists")
    store.groups.set(name, newGroup(name, groupClass, nowMs))
    return {}
  }
}

export function createLogStream(store: LogsStore): JsonHandler {
  return (input) => {
    const { streams } = existingGroup(store, groupName(input))
    const name = streamName(input)
    if (streams.has(name))
      throw new Refusal("ResourceAlreadyExistsException", "The specified log stream already exists")
    streams.set(name, [])
    return {}
  }
}

export function putRetentionPolicy(store: LogsStore): JsonHandler {
  return (input) => {
    const group = existingGroup(store, groupName(input))
    const days = input["retentionInDays"]
    if (typeof days !== "number" || !RETENTION_DAYS.includes(days))
      throw constraint(
        "retentionInDays",
        days,
        `Member must satisfy enum value set: [${RETENTION_DAYS.join(", ")}]`,
      )
    group.retentionInDays = days
    return {}
  }
}

/** By `logGroupNamePrefix`, in order of names, at most `limit` (default and most: 50), without further pages. */
export function describeLogGroups(store: LogsStore): JsonHandler {
  return (input) => {
    const prefix = input["logGroupNamePrefix"] ?? ""
    const limit = input["limit"] ?? 50
    if (typeof prefix !== "string")
      throw new Refusal("SerializationException", "logGroupNamePrefix is not a string.")
    if (typeof limit !== "number" || limit < 1 || limit > 50)
      throw constraint("limit", limit, "Member must have value between 1 and 50")
    const found = [...store.groups.values()].filter(({ name }) => name.startsWith(prefix))
    const shown = found.toSorted((one, other) => (one.name < other.name ? -1 : 1)).slice(0, limit)
    return {
      logGroups: shown.map((group) => ({
        logGroupName: group.name,
        creationTime: group.createdMs,
        logGroupClass: group.class,
        arn: `${ARN}${group.name}:*`,
        logGroupArn: `${ARN}${group.name}`,
        metricFilterCount: 0,
        storedBytes: [...group.streams.values()]
          .flat()
          .reduce((sum, { message }) => sum + Buffer.byteLength(message), 0),
        // JSON leaves it out where there is none
        retentionInDays: group.retentionInDays,
      })),
    }
  }
}
