import { isObject } from "../operation.ts"

/** client-cloudwatch-logs, type Entity: "There are five allowed attributes". */
const KEY_ATTRIBUTES = new Set(["Type", "ResourceType", "Identifier", "Name", "Environment"])

/** docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_Entity.html: lengths and numbers of both maps */
const KEY_MAP = { entries: 4, name: 32, value: 512 }
const ATTRIBUTE_MAP = { entries: 10, name: 256, value: 512 }

/**
 * Why an entity is not taken (`EntityRejectionErrorType`), undefined when it is. A bad one never fails the put. Which word
 * stands for which mistake is not documented beyond its name; types of entities are not checked.
 */
export function rejectedEntity(entity: unknown): string | undefined {
  if (entity === undefined) return undefined
  if (!isObject(entity)) return "InvalidEntity"
  const { keyAttributes, attributes = {} } = entity
  if (keyAttributes === undefined) return "MissingRequiredFields"
  if (!isObject(keyAttributes)) return "InvalidKeyAttributes"
  if (Object.keys(keyAttributes).some((key) => !KEY_ATTRIBUTES.has(key))) return "InvalidKeyAttributes"
  if (typeof keyAttributes["Type"] !== "string") return "MissingRequiredFields"
  if (Object.keys(keyAttributes).length < 2) return "MissingRequiredFields"
  if (!fits(keyAttributes, KEY_MAP)) return "InvalidKeyAttributes"
  return isObject(attributes) && fits(attributes, ATTRIBUTE_MAP) ? undefined : "InvalidAttributes"
}

function fits(map: Readonly<Record<string, unknown>>, most: typeof KEY_MAP): boolean {
  const entries = Object.entries(map)
  return (
    entries.length <= most.entries &&
    entries.every(
      ([key, value]) =>
        key.length <= most.name &&
        typeof value === "string" &&
        value.length > 0 &&
        value.length <= most.value,
    )
  )
}
