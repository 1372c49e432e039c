import { isObject, ownMember } from "#mesh/json-object.ts"
import type { KubeObject } from "./contract.ts"

/** kubectl's own copy of the whole object. */
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

/**
 * An object as it was parsed, which is changed: what is bulky and of no use to us is taken out.
 * @returns undefined when it has no name, or has texts where they must be and are not
 */
export function kubeObject(value: unknown): KubeObject | undefined {
  const metadata = isObject(value) ? ownMember(value, "metadata") : undefined
  if (!isObject(metadata) || !isKubeObject(value)) return undefined
  Reflect.deleteProperty(metadata, "managedFields")
  const annotations = ownMember(metadata, "annotations")
  if (isObject(annotations)) Reflect.deleteProperty(annotations, LAST_APPLIED)
  return value
}

/** Names an object within its kind: `namespace/name`, without a namespace the name alone. */
export function objectKey({ metadata: { name, namespace } }: KubeObject): string {
  return namespace === undefined ? name : `${namespace}/${name}`
}

/** The `resourceVersion` of a list, a bookmark or an object; undefined where there is none. */
export function versionOf(value: unknown): string | undefined {
  const metadata = isObject(value) ? ownMember(value, "metadata") : undefined
  const version = isObject(metadata) ? ownMember(metadata, "resourceVersion") : undefined
  return typeof version === "string" && version !== "" ? version : undefined
}

function isKubeObject(value: unknown): value is KubeObject {
  const metadata = isObject(value) ? ownMember(value, "metadata") : undefined
  if (!isObject(metadata)) return false
  const name = ownMember(metadata, "name")
  const texts = ["namespace", "uid", "resourceVersion"].map((key) => ownMember(metadata, key))
  const maps = ["labels", "annotations"].map((key) => ownMember(metadata, key))
  return (
    typeof name === "string" &&
    name !== "" &&
    texts.every((text) => text === undefined || typeof text === "string") &&
    maps.every((map) => map === undefined || (isObject(map) && Object.values(map).every(isText)))
  )
}

const isText = (value: unknown): boolean => typeof value === "string"
