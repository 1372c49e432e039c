import { isObject } from "../../json-object.ts"
import { ANSWER_KINDS, type AnswerKind, type AnswerObject } from "../answer-objects.ts"
import { nameOrArn } from "../names.ts"
import { at, listAt, neededText, type Spot, textAt } from "../spot.ts"
import { camelCase } from "./camel-case.ts"

const KINDS: ReadonlyMap<string, AnswerKind> = new Map(
  ANSWER_KINDS.map(({ kind }) => [
    `aws_appmesh_${kind.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`,
    kind,
  ]),
)

/** Whether a document is Terraform's state: the file itself (version 4), or what `terraform show -json` prints. */
export function isTerraform(spot: Spot): boolean {
  const has = (key: string): boolean => at(spot, key).value !== undefined
  return (
    (has("terraform_version") && (has("resources") || has("values"))) ||
    (has("format_version") && has("values"))
  )
}

/**
 * The App Mesh resources of a state, as the API's answers would tell them.
 * @throws MeshscopeError MODEL_INVALID with file, line and field
 */
export function terraformObjects(spot: Spot): AnswerObject[] {
  const values = at(spot, "values")
  if (values.value !== undefined) return moduleObjects(at(values, "root_module"), 0)
  return listAt(spot, "resources").flatMap((resource) => {
    const kind = KINDS.get(textAt(resource, "type") ?? "")
    if (kind === undefined || textAt(resource, "mode") === "data") return []
    return listAt(resource, "instances").map((instance) => objectOf(kind, at(instance, "attributes")))
  })
}

/** Deeper than modules are nested. */
const DEEPEST = 50

function moduleObjects(module: Spot, depth: number): AnswerObject[] {
  if (depth > DEEPEST) return []
  const own = listAt(module, "resources").flatMap((resource) => {
    const kind = KINDS.get(textAt(resource, "type") ?? "")
    return kind === undefined || textAt(resource, "mode") === "data"
      ? []
      : [objectOf(kind, at(resource, "values"))]
  })
  return [...own, ...listAt(module, "child_modules").flatMap((child) => moduleObjects(child, depth + 1))]
}

function objectOf(kind: AnswerKind, attributes: Spot): AnswerObject {
  const name = neededText(attributes, "name")
  const mesh = kind === "mesh" ? name : neededText(attributes, "mesh_name")
  const of = (key: string, parent: string): string =>
    nameOrArn(neededText(attributes, key), parent, at(attributes, key))
  return {
    kind,
    mesh,
    name,
    parent: parentOf(kind, of),
    object: { ...attributes, value: answerOf(attributes) },
  }
}

function parentOf(kind: AnswerKind, of: (key: string, parent: string) => string): string {
  if (kind === "route") return of("virtual_router_name", "virtualRouter")
  return kind === "gatewayRoute" ? of("virtual_gateway_name", "virtualGateway") : ""
}

function answerOf(attributes: Spot): object {
  const tags = at(attributes, "tags_all").value ?? at(attributes, "tags").value
  return {
    spec: camelCase(asApi(at(attributes, "spec").value, "spec"), "terraform"),
    metadata: {
      meshOwner: at(attributes, "mesh_owner").value,
      resourceOwner: at(attributes, "resource_owner").value,
    },
    tags: isObject(tags) ? Object.entries(tags).map(([key, value]) => ({ key, value })) : [],
  }
}

/** Blocks that may stand several times, by their name, and the key that the API has for the list. */
const LISTS: ReadonlyMap<string, string> = new Map([
  ["listener", "listeners"],
  ["backend", "backends"],
  ["weighted_target", "weighted_targets"],
  ["header", "headers"],
  ["query_parameter", "query_parameters"],
  ["metadata", "metadata"],
  ["json", "json"],
])
/** Numbers whose zero means that nothing was set: state holds no other sign of it. */
const ZERO_IS_NONE = new Set(["port", "priority"])

/** A block is a list of one, what was not set is empty: as the API has it, without both. */
function asApi(value: unknown, key: string): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => asApi(item, ""))
    if (LISTS.has(key) || !items.every(isObject)) return items
    return items.length === 0 ? undefined : items[0]
  }
  if (!isObject(value)) return value === "" || (value === 0 && ZERO_IS_NONE.has(key)) ? undefined : value
  const entries = Object.entries(value).map(
    ([name, inner]) => [LISTS.get(name) ?? name, asApi(inner, name)] as const,
  )
  return Object.fromEntries(entries.filter(([, inner]) => inner !== undefined && inner !== null))
}
