import { jsonTexts } from "./json-texts.ts"
import { readArn } from "./names.ts"
import { at, documentsOf, invalid, isThere, type Spot, textAt } from "./spot.ts"

/** The kinds of the App Mesh API, with the keys that saved answers use: one answer, or a list of them. */
const KINDS = [
  // The more special kinds first: a gateway route's answer also tells its gateway's name.
  { kind: "gatewayRoute", many: "gatewayRoutes", name: "gatewayRouteName" },
  { kind: "route", many: "routes", name: "routeName" },
  { kind: "virtualGateway", many: "virtualGateways", name: "virtualGatewayName" },
  { kind: "virtualNode", many: "virtualNodes", name: "virtualNodeName" },
  { kind: "virtualRouter", many: "virtualRouters", name: "virtualRouterName" },
  { kind: "virtualService", many: "virtualServices", name: "virtualServiceName" },
  { kind: "mesh", many: "meshes", name: "meshName" },
] as const
export type AnswerKind = (typeof KINDS)[number]["kind"]

/** One resource as an API answer tells it; `object` holds `spec` and, mostly, `metadata`. */
export interface AnswerObject {
  readonly kind: AnswerKind
  readonly mesh: string
  readonly name: string
  /** The router of a route, the gateway of a gateway route; empty for the rest. */
  readonly parent: string
  readonly object: Spot
}

/**
 * Resources of a text of saved answers. A text is one JSON (or YAML) value or several behind one another; each is a
 * list of answers, or an object by kind (`virtualNodes: [...]`, `virtualNode: {...}`); an answer may keep its outer
 * `{"virtualNode": {...}}`. Keys that are no kind are noted.
 */
export function answerObjects(text: string, file: string, notes: string[]): AnswerObject[] {
  return jsonTexts(text).flatMap((part, index) =>
    // Lines are counted within the part: say which one where there is more than one.
    documentsOf(part, index === 0 ? file : `${file} (value ${index + 1})`).flatMap((spot) =>
      Array.isArray(spot.value)
        ? spot.value.flatMap((_, item) => answersIn(at(spot, item), notes))
        : answersIn(spot, notes),
    ),
  )
}

function answersIn(spot: Spot, notes: string[]): AnswerObject[] {
  if (typeof spot.value !== "object" || spot.value === null) throw invalid(spot, "is not an object")
  const bare = KINDS.find(({ name }) => typeof at(spot, name).value === "string")
  if (bare !== undefined && (isThere(at(spot, "spec")) || isThere(at(spot, "metadata")))) {
    return [read(bare.kind, bare.name, spot)]
  }
  const found: AnswerObject[] = []
  for (const key of Object.keys(spot.value)) {
    const row = KINDS.find(({ kind, many }) => key === kind || key === many)
    if (row === undefined) notes.push(`${spot.place.name}: key ${key} passed over`)
    else found.push(...answersUnder(at(spot, key), row))
  }
  return found
}

function answersUnder(spot: Spot, row: (typeof KINDS)[number]): AnswerObject[] {
  const items = Array.isArray(spot.value) ? spot.value.map((_, index) => at(spot, index)) : [spot]
  return items.map((item) => {
    const inner = at(item, row.kind)
    return read(row.kind, row.name, isThere(inner) ? inner : item)
  })
}

function read(kind: AnswerKind, nameKey: string, object: Spot): AnswerObject {
  const arn = readArn(textAt(object, "metadata", "arn") ?? textAt(object, "arn") ?? "")
  const name = textAt(object, nameKey) ?? arn?.name
  const mesh = textAt(object, "meshName") ?? arn?.mesh
  if (name === undefined) throw invalid(at(object, nameKey), "is missing")
  if (mesh === undefined) throw invalid(at(object, "meshName"), "is missing")
  return { kind, mesh, name, parent: parentOf(kind, object) ?? arn?.parent ?? "", object }
}

function parentOf(kind: AnswerKind, object: Spot): string | undefined {
  if (kind === "route") return textAt(object, "virtualRouterName")
  return kind === "gatewayRoute" ? textAt(object, "virtualGatewayName") : undefined
}
