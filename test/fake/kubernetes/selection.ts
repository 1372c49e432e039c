import type { KubeObject, KubeResource } from "../../../kubernetes/contract.ts"
import { Refusal } from "./status.ts"

export type Selects = (object: KubeObject) => boolean

/** Fields that the API server can select by; every kind has its name and namespace. */
const POD_FIELDS = new Set([
  "spec.nodeName",
  "spec.restartPolicy",
  "spec.schedulerName",
  "spec.serviceAccountName",
  "spec.hostNetwork",
  "status.phase",
  "status.podIP",
  "status.nominatedNodeName",
])
const LABEL_KEY = /^[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?$/

/** @throws Refusal 400 for what the API server does not take */
export function fieldSelection(text: string, { group, plural }: KubeResource): Selects {
  const terms = text.split(",").map((term) => {
    const [, field = "", sign = "", value = ""] = /^([^=!]+)(==|!=|=)(.*)$/.exec(term) ?? []
    const known =
      field === "metadata.name" ||
      field === "metadata.namespace" ||
      (group === "" && plural === "pods" && POD_FIELDS.has(field))
    if (sign === "")
      throw new Refusal(400, "BadRequest", `invalid selector: '${term}'; can't understand '${term}'`)
    if (!known) throw new Refusal(400, "BadRequest", `field label not supported: ${field}`)
    return (object: KubeObject): boolean => (textAt(object, field.split(".")) === value) === (sign !== "!=")
  })
  return (object) => terms.every((term) => term(object))
}

/** Equality and presence; @throws Refusal 400 for anything else */
export function labelSelection(text: string): Selects {
  const terms = text.split(",").map((term) => {
    const [, not = "", key = "", sign = "", value = ""] =
      /^\s*(!?)([^=!\s]+)\s*(==|!=|=)?\s*(\S*)\s*$/.exec(term) ?? []
    if (!LABEL_KEY.test(key)) throw new Refusal(400, "BadRequest", `unable to parse requirement: ${term}`)
    return ({ metadata: { labels } }: KubeObject): boolean => {
      const found = labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined
      if (sign === "") return (found !== undefined) === (not === "")
      return (found === value) === (sign !== "!=")
    }
  })
  return (object) => terms.every((term) => term(object))
}

function textAt(value: unknown, path: readonly string[]): string {
  const found = path.reduce<unknown>(
    (at, key) =>
      typeof at === "object" && at !== null
        ? Object.entries(at).find(([name]) => name === key)?.[1]
        : undefined,
    value,
  )
  return typeof found === "string" || typeof found === "boolean" ? String(found) : ""
}
