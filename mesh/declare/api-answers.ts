import type {
  DeclaredMesh,
  GatewayRoute,
  Route,
  VirtualGateway,
  VirtualNode,
  VirtualRouter,
  VirtualService,
} from "../declared.ts"
import { type AnswerKind, type AnswerObject, answerObjects, answerValues } from "./answer-objects.ts"
import { optional } from "./match-spec.ts"
import { nameOrArn, type References } from "./names.ts"
import { accessLogOf, discoveryOf, listenersOf, OBJECTIVE_KEY, objectiveOf } from "./node-spec.ts"
import type { ParsedModel } from "./parsed.ts"
import { type Notes, type Reading, strictReading } from "./reading.ts"
import { inMatchOrder } from "./route-order.ts"
import { gatewayRouteOf, routeOf } from "./route-spec.ts"
import { at, invalid, isThere, listAt, neededText, type Spot, textAt, wordAt } from "./spot.ts"

/**
 * The model in saved answers of the App Mesh API (`describe-mesh`, `describe-virtual-node`, …), the snapshot that users
 * took before the service ended. `answer-objects.ts` tells which arrangements of answers are read.
 * @throws MeshscopeError MODEL_INVALID with file, line, document and field
 */
export function parseApiAnswers(text: string, file: string): ParsedModel {
  const reading = strictReading()
  const meshes = answeredMeshes(answerObjects(answerValues(text, file), reading.notes), reading)
  return { model: { meshes }, notes: reading.notes.list() }
}

/** The meshes that answers tell of. What was listed and never described is left out, with a note. */
export function answeredMeshes(all: readonly AnswerObject[], { notes }: Reading): DeclaredMesh[] {
  const answers = distinctAnswers(all).filter((answer) => {
    const isDescribed = answer.kind === "mesh" || isThere(at(answer.object, "spec"))
    if (!isDescribed)
      notes.add(`${answer.kind} ${answer.name} of mesh ${answer.mesh} is listed, but no answer describes it`)
    return isDescribed
  })
  const byMesh = Map.groupBy(answers, ({ mesh }) => mesh)
  return [...byMesh].map(([name, own]) => meshOf(name, own, notes))
}

/** The same answer may be saved twice, and be listed beside; the same resource with other content is a mistake. */
export function distinctAnswers(answers: readonly AnswerObject[]): AnswerObject[] {
  const known = new Map<string, AnswerObject>()
  for (const answer of answers) {
    const key = JSON.stringify([answer.kind, answer.mesh, answer.parent, answer.name])
    const before = known.get(key)
    const isMore = before !== undefined && !isThere(at(before.object, "spec"))
    if (before === undefined || isMore) known.set(key, answer)
    else if (isThere(at(answer.object, "spec")) && specText(before) !== specText(answer)) {
      throw invalid(answer.object, `${answer.kind} ${answer.name} was described before, with other content`)
    }
  }
  return [...known.values()]
}

function specText(answer: AnswerObject): string {
  return JSON.stringify(at(answer.object, "spec").value ?? null)
}

const references: References = {
  virtualNode: (where) => named(where, "virtualNode", ["virtualNode", "virtualNodeName"]),
  virtualService: (where) => named(where, "virtualService", ["virtualServiceName"]),
  virtualRouter: (where) => named(where, "virtualRouter", ["virtualRouterName"]),
}

function named(where: Spot, kind: string, keys: readonly string[]): string {
  const key = keys.find((one) => isThere(at(where, one))) ?? keys[0] ?? kind
  return nameOrArn(neededText(where, key), kind, at(where, key))
}

function meshOf(name: string, answers: readonly AnswerObject[], notes: Notes): DeclaredMesh {
  const of = (kind: AnswerKind): AnswerObject[] => answers.filter((answer) => answer.kind === kind)
  const mesh = of("mesh")[0]
  const owner = answers.find(isShared)
  const filter = mesh === undefined ? undefined : at(mesh.object, "spec", "egressFilter")
  reportOrphans(of("route"), of("virtualRouter"), notes)
  reportOrphans(of("gatewayRoute"), of("virtualGateway"), notes)
  return {
    name,
    flavor: "app-mesh",
    ...optional("owner", owner === undefined ? undefined : textAt(owner.object, "metadata", "meshOwner")),
    egress: (filter && wordAt(filter, ["ALLOW_ALL", "DROP_ALL"], "type")) ?? "DROP_ALL",
    virtualNodes: of("virtualNode").map(nodeOf),
    virtualServices: of("virtualService").map(serviceOf),
    virtualRouters: of("virtualRouter").map((router) => routerOf(router, of("route"))),
    virtualGateways: of("virtualGateway").map((gateway) => gatewayOf(gateway, of("gatewayRoute"))),
  }
}

/** Each answer tells the mesh's owner; only where a resource belongs to another account is the mesh a shared one. */
function isShared(answer: AnswerObject): boolean {
  const owner = textAt(answer.object, "metadata", "meshOwner")
  return owner !== undefined && owner !== (textAt(answer.object, "metadata", "resourceOwner") ?? owner)
}

function reportOrphans(
  children: readonly AnswerObject[],
  parents: readonly AnswerObject[],
  notes: Notes,
): void {
  for (const child of children) {
    if (parents.some((parent) => parent.name === child.parent)) continue
    notes.add(`${child.kind} ${child.name} is left out: no answer describes its parent ${child.parent}`)
  }
}

function declared(answer: AnswerObject): { name: string; native: { kind: string; name: string } } {
  const kind = `${answer.kind.charAt(0).toUpperCase()}${answer.kind.slice(1)}`
  return { name: answer.name, native: { kind, name: answer.name } }
}

function nodeOf(answer: AnswerObject): VirtualNode {
  const spec = at(answer.object, "spec")
  const backends = listAt(spec, "backends").map((backend) =>
    references.virtualService(at(backend, "virtualService")),
  )
  return {
    ...declared(answer),
    listeners: listenersOf(spec),
    backends: [...new Set(backends)],
    ...optional("discovery", discoveryOf(spec)),
    ...optional("accessLog", accessLogOf(spec)),
  }
}

function serviceOf(answer: AnswerObject): VirtualService {
  const provider = at(answer.object, "spec", "provider")
  const router = at(provider, "virtualRouter")
  const node = at(provider, "virtualNode")
  if (isThere(router)) {
    return {
      ...declared(answer),
      provider: { kind: "virtual_router", name: references.virtualRouter(router) },
    }
  }
  if (!isThere(node)) return { ...declared(answer), provider: { kind: "none" } }
  return { ...declared(answer), provider: { kind: "virtual_node", name: references.virtualNode(node) } }
}

function routerOf(router: AnswerObject, routes: readonly AnswerObject[]): VirtualRouter {
  const own = routes.filter((route) => route.parent === router.name)
  const listeners = listenersOf(at(router.object, "spec"))
  return { ...declared(router), listeners, routes: inMatchOrder(own.map(routeIn)) }
}

function routeIn(route: AnswerObject): Route {
  return { ...declared(route), ...routeOf(at(route.object, "spec"), references), ...objectivePart(route) }
}

function gatewayOf(gateway: AnswerObject, routes: readonly AnswerObject[]): VirtualGateway {
  const spec = at(gateway.object, "spec")
  const own = routes.filter((route) => route.parent === gateway.name)
  return {
    ...declared(gateway),
    listeners: listenersOf(spec),
    ...optional("accessLog", accessLogOf(spec)),
    routes: inMatchOrder(own.map(gatewayRouteIn)),
  }
}

function gatewayRouteIn(route: AnswerObject): GatewayRoute {
  const spec = at(route.object, "spec")
  return { ...declared(route), ...gatewayRouteOf(spec, references), ...objectivePart(route) }
}

/** `list-tags-for-resource` beside the answer: `tags: [{ key: meshscope.dev/objective, value: "0.999" }]`. */
function objectivePart(answer: AnswerObject): { objective?: number } {
  const tag = listAt(answer.object, "tags").find((one) => textAt(one, "key") === OBJECTIVE_KEY)
  return tag === undefined ? {} : optional("objective", objectiveOf(textAt(tag, "value"), at(tag, "value")))
}
