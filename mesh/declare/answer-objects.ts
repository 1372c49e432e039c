import { jsonTexts } from "./json-texts.ts"
import { readArn } from "./names.ts"
import type { Notes } from "./reading.ts"
import { at, documentsOf, invalid, isThere, type Spot, sentenceAt, textAt } from "./spot.ts"

/** The kinds of the App Mesh API, with the keys that saved answers use: one answer, or a list of them. */
export const ANSWER_KINDS = [
  // The more special kinds first: a gateway route's answer also tells its gateway's name.
  { kind: "gatewayRoute", many: "gatewayRoutes", name: "gatewayRouteName" },
  { kind: "route", many: "routes", name: "routeName" },
  { kind: "virtualGateway", many: "virtualGateways", name: "virtualGatewayName" },
  { kind: "virtualNode", many: "virtualNodes", name: "virtualNodeName" },
  { kind: "virtualRouter", many: "virtualRouters", name: "virtualRouterName" },
  { kind: "virtualService", many: "virtualServices", name: "virtualServiceName" },
  { kind: "mesh", many: "meshes", name: "meshName" },
] as const
export type AnswerKind = (typeof ANSWER_KINDS)[number]["kind"]

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
 * Resources in saved answers: each value is a list of answers, or an object by kind (`virtualNodes: [...]`,
 * `virtualNode: {...}`); an answer may keep its outer `{"virtualNode": {...}}`. Keys that are no kind are noted.
 */
export function answerObjects(values: readonly Spot[], notes: Notes): AnswerObject[] {
  return values.flatMap((spot) =>
    Array.isArray(spot.value)
      ? spot.value.flatMap((_, item) => answersIn(at(spot, item), notes))
      : answersIn(spot, notes),
  )
}

const WORDS = new Set<string>([
  ...ANSWER_KINDS.flatMap(({ kind, many, name }) => [kind, many, name]),
  "snapshot",
])

/** Whether a value has a word that only answers have. */
export function isAnswer({ value }: Spot): boolean {
  if (Array.isArray(value)) return true
  return typeof value === "object" && value !== null && Object.keys(value).some((key) => WORDS.has(key))
}

/** The values of a JSON (or YAML) text of one value or several behind one another. */
export function answerValues(text: string, file: string): Spot[] {
  return jsonTexts(text).flatMap((part, index) =>
    // Lines are counted within the part: say which one where there is more than one.
    documentsOf(part, index === 0 ? file : `${file} (value ${index + 1})`),
  )
}

/** What an answer or a snapshot has beside resources, and what an unfinished list says. */
const ASIDE = new Set(["snapshot", "nextToken"])

function answersIn(spot: Spot, notes: Notes): AnswerObject[] {
  if (typeof spot.value !== "object" || spot.value === null) throw invalid(spot, "is not an object")
  const bare = ANSWER_KINDS.find(({ name }) => typeof at(spot, name).value === "string")
  if (bare !== undefined && (isThere(at(spot, "spec")) || isThere(at(spot, "metadata")))) {
    return [read(bare.kind, bare.name, spot)]
  }
  const found: AnswerObject[] = []
  for (const key of Object.keys(spot.value)) {
    const row = ANSWER_KINDS.find(({ kind, many }) => key === kind || key === many)
    if (key === "nextToken" && isThere(at(spot, key)))
      notes.add(sentenceAt(at(spot, key), "the list goes on in another answer"))
    if (row === undefined) {
      if (!ASIDE.has(key)) notes.add(`${spot.place.name}: key ${key} passed over`)
    } else found.push(...answersUnder(at(spot, key), row))
  }
  return found
}

function answersUnder(spot: Spot, row: (typeof ANSWER_KINDS)[number]): AnswerObject[] {
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
