import type {
  DeclaredMesh,
  Route,
  VirtualGateway,
  VirtualNode,
  VirtualRouter,
  VirtualService,
} from "../declared.ts"
import { makeBackends } from "./backends.ts"
import { declaredBy, objectivePart } from "./declared-object.ts"
import { gatewaysOf } from "./gateway-objects.ts"
import { type KubeObject, KubeObjects, nameTaken } from "./kube-objects.ts"
import { optional } from "./match-spec.ts"
import { type MeshMembers, membersByMesh } from "./membership.ts"
import { accessLogOf, discoveryOf, listenersOf } from "./node-spec.ts"
import type { ParsedModel } from "./parsed.ts"
import { noteSharedPods } from "./pod-claims.ts"
import { readEach, strictReading } from "./reading.ts"
import { inMatchOrder } from "./route-order.ts"
import { routeOf } from "./route-spec.ts"
import { selectorOf } from "./selector.ts"
import { at, documentsOf, invalid, isThere, listAt, neededText, textAt, wordAt } from "./spot.ts"

/**
 * The model that Kubernetes objects of App Mesh declare (`appmesh.k8s.aws/v1beta2`), from YAML or JSON text with any
 * number of documents. Objects of other kinds are passed over and counted in the notes; Namespaces lend their labels.
 * @throws MeshscopeError MODEL_INVALID with file, line, document and field
 */
export function parseKubernetesObjects(text: string, file: string): ParsedModel {
  const objects = new KubeObjects(strictReading())
  for (const document of documentsOf(text, file)) objects.take(document)
  return { model: { meshes: appMeshes(objects) }, notes: objects.notes() }
}

/** The meshes of App Mesh that objects declare, which may refer to each other; notes go to the objects' reading. */
export function appMeshes(objects: KubeObjects): DeclaredMesh[] {
  noteSharedPods(objects)
  return [...membersByMesh(objects)].map(([name, members]) => meshOf(objects, name, members))
}

function meshOf(objects: KubeObjects, name: string, { mesh, of }: MeshMembers): DeclaredMesh {
  const { reading } = objects
  const backends = makeBackends(objects, of.VirtualService)
  return {
    name,
    flavor: "app-mesh",
    ...optional("owner", mesh && reading.attempt(() => textAt(mesh.spec, "meshOwner"))),
    egress: (mesh && reading.attempt(() => egressOf(mesh))) ?? "DROP_ALL",
    virtualNodes: named(objects, of.VirtualNode, (node) => nodeOf(node, backends)),
    virtualServices: named(objects, of.VirtualService, (service) => serviceOf(objects, service)),
    virtualRouters: named(objects, of.VirtualRouter, (router) => routerOf(objects, router)),
    virtualGateways: gatewaysIn(objects, of),
  }
}

function egressOf(mesh: KubeObject): DeclaredMesh["egress"] | undefined {
  return wordAt(mesh.spec, ["ALLOW_ALL", "DROP_ALL"], "egressFilter", "type")
}

/** Reads each object, the first one of a name. */
function named<T>(
  objects: KubeObjects,
  members: readonly KubeObject[],
  read: (object: KubeObject) => T,
): T[] {
  const names = new Set<string>()
  return readEach(objects.reading, members, (member) => {
    if (names.has(member.awsName)) throw nameTaken(member)
    names.add(member.awsName)
    return read(member)
  })
}

function gatewaysIn(objects: KubeObjects, of: MeshMembers["of"]): VirtualGateway[] {
  return gatewaysOf(
    objects,
    named(objects, of.VirtualGateway, (gateway) => gateway),
    of.GatewayRoute,
  )
}

function nodeOf(node: KubeObject, backends: (node: KubeObject) => readonly string[]): VirtualNode {
  return {
    ...declaredBy(node),
    listeners: listenersOf(node.spec),
    backends: backends(node),
    ...optional("discovery", discoveryOf(node.spec)),
    ...optional("accessLog", accessLogOf(node.spec)),
    ...optional("podSelector", selectorOf(at(node.spec, "podSelector"))),
  }
}

function serviceOf(objects: KubeObjects, service: KubeObject): VirtualService {
  const references = objects.references(service.namespace)
  const router = at(service.spec, "provider", "virtualRouter")
  const node = at(service.spec, "provider", "virtualNode")
  if (isThere(router)) {
    const provider = { kind: "virtual_router", name: references.virtualRouter(router) } as const
    return { ...declaredBy(service), provider }
  }
  if (!isThere(node)) return { ...declaredBy(service), provider: { kind: "none" } }
  return { ...declaredBy(service), provider: { kind: "virtual_node", name: references.virtualNode(node) } }
}

function routerOf(objects: KubeObjects, router: KubeObject): VirtualRouter {
  const references = objects.references(router.namespace)
  const names = new Set<string>()
  const routes = readEach(objects.reading, listAt(router.spec, "routes"), (spec): Route => {
    const name = neededText(spec, "name")
    if (names.has(name)) throw invalid(at(spec, "name"), `another route of this router is called ${name}`)
    names.add(name)
    return { name, ...routeOf(spec, references), ...objectivePart(objects, router, name) }
  })
  return { ...declaredBy(router), listeners: listenersOf(router.spec), routes: inMatchOrder(routes) }
}
