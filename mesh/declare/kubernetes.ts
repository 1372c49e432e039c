import type {
  DeclaredMesh,
  DeclaredModel,
  GatewayRoute,
  NativeName,
  Route,
  VirtualGateway,
  VirtualNode,
  VirtualRouter,
  VirtualService,
} from "../declared.ts"
import { type KubeObject, KubeObjects, type MeshKind, nameTaken } from "./kube-objects.ts"
import { optional } from "./match-spec.ts"
import { accessLogOf, discoveryOf, listenersOf, OBJECTIVE_KEY, objectiveOf } from "./node-spec.ts"
import type { ParsedModel } from "./parsed.ts"
import { inMatchOrder } from "./route-order.ts"
import { gatewayRouteOf, routeOf } from "./route-spec.ts"
import { selects } from "./selector.ts"
import { at, invalid, isThere, listAt, neededText, textAt, wordAt } from "./spot.ts"

/**
 * The model that Kubernetes objects of App Mesh declare (`appmesh.k8s.aws/v1beta2`), from YAML or JSON text with any
 * number of documents. Objects of other kinds are passed over and counted in the notes; Namespaces lend their labels.
 * @throws MeshscopeError MODEL_INVALID with file, line, document and field
 */
export function parseKubernetesObjects(text: string, file: string): ParsedModel {
  const objects = new KubeObjects()
  objects.add(text, file)
  return modelOfObjects(objects)
}

/** The same for objects that were collected from several files, which may refer to each other. */
export function modelOfObjects(objects: KubeObjects): ParsedModel {
  const model: DeclaredModel = { meshes: meshNames(objects).map((name) => meshOf(objects, name)) }
  return { model, notes: objects.notes() }
}

const MEMBERS = ["VirtualNode", "VirtualService", "VirtualRouter", "VirtualGateway", "GatewayRoute"] as const

function meshNames(objects: KubeObjects): string[] {
  const names = new Set(objects.of("Mesh").map((mesh) => mesh.awsName))
  for (const kind of MEMBERS) for (const object of objects.of(kind)) names.add(meshNameOf(objects, object))
  return [...names]
}

/** `meshRef` as the controller writes it, else the only mesh, else the one whose selector takes the namespace. */
function meshNameOf(objects: KubeObjects, object: KubeObject): string {
  const reference = textAt(object.spec, "meshRef", "name")
  if (reference !== undefined) return objects.find("Mesh", "", reference)?.awsName ?? reference
  const meshes = objects.of("Mesh")
  const labels = objects.namespaceLabels(object.namespace)
  const fits =
    meshes.length === 1
      ? meshes
      : meshes.filter((mesh) => selects(at(mesh.spec, "namespaceSelector"), labels, false))
  const only = fits[0]
  if (only !== undefined && fits.length === 1) return only.awsName
  const why = `${meshes.length} meshes are declared and ${fits.length} select namespace ${object.namespace}`
  throw invalid(object.object, `belongs to no certain mesh: it has no spec.meshRef, ${why}`)
}

function meshOf(objects: KubeObjects, name: string): DeclaredMesh {
  const mesh = objects.of("Mesh").find((one) => one.awsName === name)
  const members = (kind: MeshKind): KubeObject[] => membersOf(objects, kind, name)
  return {
    name,
    flavor: "app-mesh",
    ...optional("owner", mesh === undefined ? undefined : textAt(mesh.spec, "meshOwner")),
    egress:
      mesh === undefined
        ? "DROP_ALL"
        : (wordAt(mesh.spec, ["ALLOW_ALL", "DROP_ALL"], "egressFilter", "type") ?? "DROP_ALL"),
    virtualNodes: members("VirtualNode").map((node) => nodeOf(objects, node, name)),
    virtualServices: members("VirtualService").map((service) => serviceOf(objects, service)),
    virtualRouters: members("VirtualRouter").map((router) => routerOf(objects, router)),
    virtualGateways: gatewaysOf(objects, members("VirtualGateway"), members("GatewayRoute")),
  }
}

function membersOf(objects: KubeObjects, kind: MeshKind, mesh: string): KubeObject[] {
  const members = objects.of(kind).filter((object) => meshNameOf(objects, object) === mesh)
  const names = new Set<string>()
  for (const member of members) {
    // Gateway routes are named below their gateway: two gateways may have routes of one name.
    if (kind !== "GatewayRoute" && names.has(member.awsName)) throw nameTaken(member)
    names.add(member.awsName)
  }
  return members
}

function declared(object: KubeObject): { name: string; native: NativeName; labels?: Record<string, string> } {
  const native = { kind: object.kind, name: object.name, namespace: object.namespace }
  return { name: object.awsName, native, ...optional("labels", object.labels) }
}

function nodeOf(objects: KubeObjects, node: KubeObject, mesh: string): VirtualNode {
  return {
    ...declared(node),
    listeners: listenersOf(node.spec),
    backends: backendsOf(objects, node, mesh),
    ...optional("discovery", discoveryOf(node.spec)),
    ...optional("accessLog", accessLogOf(node.spec)),
  }
}

/** Named backends, then those of its backend groups; a group named `*` stands for every service of the namespace. */
function backendsOf(objects: KubeObjects, node: KubeObject, mesh: string): string[] {
  const references = objects.references(node.namespace)
  const names = new Set<string>()
  for (const backend of listAt(node.spec, "backends")) {
    names.add(references.virtualService(at(backend, "virtualService")))
  }
  for (const group of listAt(node.spec, "backendGroups")) {
    const namespace = textAt(group, "namespace") ?? node.namespace
    for (const name of groupServices(objects, neededText(group, "name"), namespace, mesh)) names.add(name)
  }
  return [...names]
}

function groupServices(objects: KubeObjects, name: string, namespace: string, mesh: string): string[] {
  if (name === "*") {
    const services = objects.of("VirtualService").filter((service) => service.namespace === namespace)
    return services
      .filter((service) => meshNameOf(objects, service) === mesh)
      .map((service) => service.awsName)
  }
  const group = objects.find("BackendGroup", namespace, name)
  if (group === undefined) {
    objects.remark(
      `BackendGroup ${namespace}/${name} is referred to but not declared; its services are not known`,
    )
    return []
  }
  return listAt(group.spec, "virtualservices").map((service) =>
    objects.awsNameOf(
      "VirtualService",
      textAt(service, "namespace") ?? namespace,
      neededText(service, "name"),
    ),
  )
}

function serviceOf(objects: KubeObjects, service: KubeObject): VirtualService {
  const references = objects.references(service.namespace)
  const router = at(service.spec, "provider", "virtualRouter")
  const node = at(service.spec, "provider", "virtualNode")
  if (isThere(router)) {
    const provider = { kind: "virtual_router", name: references.virtualRouter(router) } as const
    return { ...declared(service), provider }
  }
  if (!isThere(node)) return { ...declared(service), provider: { kind: "none" } }
  return { ...declared(service), provider: { kind: "virtual_node", name: references.virtualNode(node) } }
}

function routerOf(objects: KubeObjects, router: KubeObject): VirtualRouter {
  const references = objects.references(router.namespace)
  const names = new Set<string>()
  const routes: Route[] = []
  for (const spec of listAt(router.spec, "routes")) {
    const name = neededText(spec, "name")
    if (names.has(name)) throw invalid(at(spec, "name"), `another route of this router is called ${name}`)
    names.add(name)
    routes.push({ name, ...routeOf(spec, references), ...objectivePart(router, name) })
  }
  return { ...declared(router), listeners: listenersOf(router.spec), routes: inMatchOrder(routes) }
}

/** `meshscope.dev/objective` holds for all routes of the object, `meshscope.dev/objective.<route>` for one. */
function objectivePart(object: KubeObject, route?: string): { objective?: number } {
  const own = `${OBJECTIVE_KEY}.${route ?? ""}`
  const key = route !== undefined && object.annotations?.[own] !== undefined ? own : OBJECTIVE_KEY
  const where = at(object.object, "metadata", "annotations", key)
  return optional("objective", objectiveOf(object.annotations?.[key], where))
}

function gatewaysOf(
  objects: KubeObjects,
  gateways: readonly KubeObject[],
  routes: readonly KubeObject[],
): VirtualGateway[] {
  const owned = new Map<KubeObject, GatewayRoute[]>(gateways.map((gateway) => [gateway, []]))
  for (const route of routes) {
    const gateway = gatewayOf(objects, gateways, route)
    if (gateway === undefined) continue
    const siblings = owned.get(gateway) ?? []
    if (siblings.some((sibling) => sibling.name === route.awsName)) throw nameTaken(route)
    const references = objects.references(route.namespace)
    siblings.push({ ...declared(route), ...gatewayRouteOf(route.spec, references), ...objectivePart(route) })
  }
  return gateways.map((gateway) => virtualGatewayOf(gateway, owned.get(gateway) ?? []))
}

function virtualGatewayOf(gateway: KubeObject, routes: readonly GatewayRoute[]): VirtualGateway {
  return {
    ...declared(gateway),
    listeners: listenersOf(gateway.spec),
    ...optional("accessLog", accessLogOf(gateway.spec)),
    routes: inMatchOrder(routes),
  }
}

/** By `virtualGatewayRef`, else the gateway whose selectors take the route, else the only one there is. */
function gatewayOf(
  objects: KubeObjects,
  gateways: readonly KubeObject[],
  route: KubeObject,
): KubeObject | undefined {
  const reference = textAt(route.spec, "virtualGatewayRef", "name")
  if (reference !== undefined) {
    const namespace = textAt(route.spec, "virtualGatewayRef", "namespace") ?? route.namespace
    const gateway = objects.find("VirtualGateway", namespace, reference)
    if (gateway !== undefined && gateways.includes(gateway)) return gateway
    objects.remark(
      `GatewayRoute ${route.namespace}/${route.name} is left out: no VirtualGateway ${namespace}/${reference}`,
    )
    return undefined
  }
  const fits = gateways.filter((gateway) => takes(objects, gateway, route))
  if (fits.length === 1) return fits[0]
  if (gateways.length === 1) return gateways[0]
  throw invalid(route.object, `belongs to no certain gateway: ${fits.length} of ${gateways.length} select it`)
}

function takes(objects: KubeObjects, gateway: KubeObject, route: KubeObject): boolean {
  return (
    selects(at(gateway.spec, "namespaceSelector"), objects.namespaceLabels(route.namespace), false) &&
    selects(at(gateway.spec, "gatewayRouteSelector"), route.labels ?? {}, true)
  )
}
