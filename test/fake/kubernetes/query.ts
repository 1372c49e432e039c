import type { KubeResource } from "../../../kubernetes/contract.ts"
import { fieldSelection, labelSelection, type Selects } from "./selection.ts"
import { Refusal } from "./status.ts"

/** What a list or watch asks for. */
export interface Query {
  readonly watch: boolean
  readonly bookmarks: boolean
  /** 0: no pages. */
  readonly limit: number
  readonly token: string
  /** Undefined: the newest. */
  readonly version: number | undefined
  readonly timeoutSeconds: number | undefined
  readonly selects: Selects
}

const KNOWN = new Set([
  "watch",
  "allowWatchBookmarks",
  "limit",
  "continue",
  "resourceVersion",
  "resourceVersionMatch",
  "timeoutSeconds",
  "fieldSelector",
  "labelSelector",
])

const invalid = (message: string): Refusal => new Refusal(400, "BadRequest", message)

/** The API server passes over parameters that it does not know; here they are a mistake. @throws Refusal */
export function queryOf(
  given: URLSearchParams,
  resource: KubeResource,
  namespace: string | undefined,
): Query {
  for (const key of given.keys()) {
    if (!KNOWN.has(key)) throw invalid(`unknown parameter ${key}`)
    if (given.getAll(key).length > 1) throw invalid(`parameter ${key} is given twice`)
  }
  const text = given.get("resourceVersion") ?? ""
  const token = given.get("continue") ?? ""
  const watch = truth(given, "watch")
  if (text !== "" && !/^\d+$/.test(text)) throw invalid(`resourceVersion: Invalid value: "${text}"`)
  if (token !== "" && text !== "" && text !== "0")
    throw invalid("specifying resource version is not allowed when using continue")
  if (given.has("resourceVersionMatch")) throw invalid("resourceVersionMatch is forbidden here")
  if (watch && (token !== "" || given.has("limit"))) throw invalid("a watch has no pages")
  return {
    watch,
    bookmarks: truth(given, "allowWatchBookmarks"),
    limit: whole(given, "limit") ?? 0,
    token,
    version: text === "" ? undefined : Number(text),
    timeoutSeconds: whole(given, "timeoutSeconds"),
    selects: selection(given, resource, namespace),
  }
}

function selection(given: URLSearchParams, resource: KubeResource, namespace: string | undefined): Selects {
  const fields = given.get("fieldSelector") ?? ""
  const labels = given.get("labelSelector") ?? ""
  const all: Selects[] = []
  if (namespace !== undefined) all.push(({ metadata }) => metadata.namespace === namespace)
  if (fields !== "") all.push(fieldSelection(fields, resource))
  if (labels !== "") all.push(labelSelection(labels))
  return (object) => all.every((selects) => selects(object))
}

function truth(given: URLSearchParams, key: string): boolean {
  const text = given.get(key) ?? "false"
  if (text === "1" || text === "true") return true
  if (text === "0" || text === "false") return false
  throw invalid(`${key} is no truth value`)
}

function whole(given: URLSearchParams, key: string): number | undefined {
  const text = given.get(key)
  if (text === null) return undefined
  if (!/^\d{1,9}$/.test(text)) throw invalid(`${key} is no number`)
  return Number(text)
}
