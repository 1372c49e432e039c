import { isObject } from "../../json-object.ts"
import { ANSWER_KINDS, type AnswerKind, type AnswerObject } from "../answer-objects.ts"
import { nameOrArn } from "../names.ts"
import type { Notes } from "../reading.ts"
import { at, invalid, isThere, neededText, type Spot, sentenceAt, textAt } from "../spot.ts"
import { camelCase } from "./camel-case.ts"
import { holds, type TemplateScope, workedOut } from "./intrinsics.ts"

const TYPE = "AWS::AppMesh::"

/** Whether a document is a CloudFormation template. */
export function isTemplate(spot: Spot): boolean {
  const resources = at(spot, "Resources").value
  return (
    isObject(resources) &&
    Object.values(resources).some((one) => isObject(one) && typeof one["Type"] === "string")
  )
}

/** Whether a document is values of parameters, as `create-stack --parameters` takes and `describe-stacks` tells them. */
export function isParameters(spot: Spot): boolean {
  return Array.isArray(spot.value) && spot.value.length > 0 && isThere(at(spot, 0, "ParameterKey"))
}

/** Values of parameters by name. */
export function parametersOf(spot: Spot): Map<string, unknown> {
  const list: readonly unknown[] = Array.isArray(spot.value) ? spot.value : []
  return new Map(
    list.map((_, index) => {
      const one = at(spot, index)
      return [
        neededText(one, "ParameterKey"),
        textAt(one, "ResolvedValue") ?? textAt(one, "ParameterValue") ?? "",
      ]
    }),
  )
}

/**
 * The App Mesh resources of a template, as the API's answers would tell them.
 * @param given values of parameters, which go before the template's defaults
 * @throws MeshscopeError MODEL_INVALID with file, line and field
 */
export function templateObjects(
  spot: Spot,
  given: ReadonlyMap<string, unknown>,
  notes: Notes,
): AnswerObject[] {
  const scope = scopeOf(spot, given, notes)
  const resources = at(spot, "Resources")
  return keysOf(resources).flatMap((id) => {
    const resource = at(resources, id)
    const kind = kindOf(resource)
    const condition = at(resource, "Condition").value
    if (kind === undefined || (condition !== undefined && !holds({ Condition: condition }, scope))) return []
    return [objectOf(id, kind, resource, scope)]
  })
}

function keysOf(spot: Spot): string[] {
  return isObject(spot.value) ? Object.keys(spot.value) : []
}

function kindOf(resource: Spot): (typeof ANSWER_KINDS)[number] | undefined {
  const type = textAt(resource, "Type") ?? ""
  return ANSWER_KINDS.find(({ kind }) => type === `${TYPE}${kind.charAt(0).toUpperCase()}${kind.slice(1)}`)
}

function scopeOf(spot: Spot, given: ReadonlyMap<string, unknown>, notes: Notes): TemplateScope {
  const parameters = new Map<string, unknown>()
  for (const name of keysOf(at(spot, "Parameters"))) {
    const value = given.get(name) ?? at(spot, "Parameters", name, "Default").value
    if (value !== undefined) parameters.set(name, value)
  }
  const asked = new Set<string>()
  const scope: TemplateScope = {
    parameters,
    mappings: at(spot, "Mappings").value,
    conditions: at(spot, "Conditions").value,
    known: new Map(),
    attribute: (resource, attribute) => {
      const key = `${resource}.${attribute ?? ""}`
      // A name that is made of itself.
      if (asked.has(key)) return undefined
      asked.add(key)
      const text = attributeOf(at(spot, "Resources", resource), resource, attribute, scope)
      asked.delete(key)
      return text
    },
    note: (sentence) => notes.add(sentenceAt(spot, sentence)),
  }
  return scope
}

/** What the template itself tells of a resource of App Mesh: its name, those around it, and its ARN. */
function attributeOf(
  resource: Spot,
  id: string,
  attribute: string | undefined,
  scope: TemplateScope,
): string | undefined {
  const row = kindOf(resource)
  // Of others what they are called, such as the name of a Cloud Map service.
  if (row === undefined)
    return attribute === undefined ? undefined : textIn(resource, attribute, scope) || undefined
  if (attribute === undefined || attribute === "Arn") return arnOf(id, row.kind, resource, scope)
  const key = attribute.charAt(0).toLowerCase() + attribute.slice(1)
  if (key === row.name) return nameOf(id, resource, attribute, scope)
  return ANSWER_KINDS.some(({ name }) => name === key) ? textIn(resource, attribute, scope) : undefined
}

/** Region and account are those of the stack, which the template does not tell; nothing asks for them. */
function arnOf(id: string, kind: AnswerKind, resource: Spot, scope: TemplateScope): string {
  const own = nameOf(id, resource, `${kind.charAt(0).toUpperCase()}${kind.slice(1)}Name`, scope)
  const mesh = kind === "mesh" ? own : textIn(resource, "MeshName", scope)
  const root = `arn:aws:appmesh:::mesh/${mesh}`
  if (kind === "mesh") return root
  if (kind === "route")
    return `${root}/virtualRouter/${textIn(resource, "VirtualRouterName", scope)}/route/${own}`
  if (kind === "gatewayRoute")
    return `${root}/virtualGateway/${textIn(resource, "VirtualGatewayName", scope)}/gatewayRoute/${own}`
  return `${root}/${kind}/${own}`
}

function textIn(resource: Spot, key: string, scope: TemplateScope): string {
  const value = workedOut(at(resource, "Properties", key).value, scope)
  return typeof value === "string" ? value : ""
}

/** A resource without a name gets one when its stack is made. */
function nameOf(id: string, resource: Spot, key: string, scope: TemplateScope): string {
  const name = textIn(resource, key, scope)
  if (name !== "") return name
  scope.note(`resource ${id} has no ${key}: CloudFormation makes one up; taken as ${id}`)
  return id
}

function objectOf(
  id: string,
  row: (typeof ANSWER_KINDS)[number],
  resource: Spot,
  scope: TemplateScope,
): AnswerObject {
  const properties = at(resource, "Properties")
  const value = camelCase(workedOut(properties.value, scope), "cloudformation")
  const object: Spot = { ...properties, value: withOwner(value) }
  const named = (key: string, kind: string): string => {
    const text = textAt(object, key)
    if (text === undefined || text === "") throw invalid(at(properties, key), "is missing")
    return nameOrArn(text, kind, at(object, key))
  }
  const own = nameOf(id, resource, `${row.name.charAt(0).toUpperCase()}${row.name.slice(1)}`, scope)
  return {
    kind: row.kind,
    mesh: row.kind === "mesh" ? own : named("meshName", "mesh"),
    name: own,
    parent: parentOf(row.kind, named),
    object,
  }
}

function parentOf(kind: AnswerKind, named: (key: string, kind: string) => string): string {
  if (kind === "route") return named("virtualRouterName", "virtualRouter")
  return kind === "gatewayRoute" ? named("virtualGatewayName", "virtualGateway") : ""
}

/** `MeshOwner` stands there only where the mesh is another account's. */
function withOwner(value: unknown): unknown {
  if (!isObject(value) || typeof value["meshOwner"] !== "string") return value
  return { ...value, metadata: { meshOwner: value["meshOwner"], resourceOwner: "" } }
}
