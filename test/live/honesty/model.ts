import { stringify } from "yaml"
import { CAUSES, isTcp } from "./causes.ts"
import {
  CALLER,
  HEALTH_PATH,
  HTTP_PORT,
  LATE_PORT,
  LATE_SERVICE,
  LOST_PORT,
  LOST_SERVICE,
  MESH,
  ROUTER,
  SERVICE,
} from "./names.ts"

type Spec = Readonly<Record<string, unknown>>
const metadata = (name: string): Spec => ({ name: name.replaceAll(".", "-"), namespace: "lab" })
const object = (kind: string, name: string, spec: Spec): Spec => ({
  apiVersion: "appmesh.k8s.aws/v1beta2",
  kind,
  metadata: metadata(name),
  spec: { awsName: name, ...spec },
})
const reference = (name: string): Spec => ({ name: name.replaceAll(".", "-") })

/** The mesh as its owner would have declared it: every cause on a route that has a name here, and in Envoy has none. */
export function declaredYaml(): string {
  const routes = CAUSES.flatMap((cause) => (isTcp(cause) || cause.route === undefined ? [] : [cause.route]))
  const connections = CAUSES.filter(isTcp)
    .map(({ tcp }) => tcp)
    .filter(({ chainless }) => chainless !== true)
  const nodes = [...new Set(routes.map(({ node }) => node))]
  const services = [SERVICE, LATE_SERVICE, LOST_SERVICE, ...connections.map(({ service }) => service)]
  const listener = { portMapping: { port: HTTP_PORT, protocol: "http" } }
  const healthCheck = {
    protocol: "http",
    path: HEALTH_PATH,
    healthyThreshold: 2,
    intervalMillis: 5000,
    timeoutMillis: 2000,
    unhealthyThreshold: 2,
  }
  const objects: Spec[] = [
    { apiVersion: "appmesh.k8s.aws/v1beta2", kind: "Mesh", metadata: { name: MESH }, spec: {} },
    virtualNode(CALLER, { ...listener, healthCheck }, services),
    ...nodes.map((name) => virtualNode(name, listener)),
    virtualNode("late", { portMapping: { port: LATE_PORT, protocol: "http" } }),
    virtualNode("lost", { portMapping: { port: LOST_PORT, protocol: "http" } }),
    ...connections.map((tcp) => virtualNode(tcp.node, { portMapping: { port: tcp.port, protocol: "tcp" } })),
    router(
      ROUTER,
      HTTP_PORT,
      routes.map(({ name, node: target }) => route(name, `/${name}/`, target)),
    ),
    router("late-router", LATE_PORT, [route("late-route", "/", "late")]),
    router("lost-router", LOST_PORT, [route("lost-route", "/", "lost")]),
    routed(SERVICE, ROUTER),
    routed(LATE_SERVICE, "late-router"),
    routed(LOST_SERVICE, "lost-router"),
    ...connections.map((tcp) =>
      object("VirtualService", tcp.service, {
        provider: { virtualNode: { virtualNodeRef: reference(tcp.node) } },
      }),
    ),
  ]
  return objects.map((one) => stringify(one)).join("---\n")
}

function virtualNode(name: string, listener: Spec, backends: readonly string[] = []): Spec {
  return object("VirtualNode", name, {
    podSelector: { matchLabels: { app: name } },
    listeners: [listener],
    serviceDiscovery: { dns: { hostname: `${name}.lab.svc.cluster.local` } },
    backends: backends.map((service) => ({ virtualService: { virtualServiceRef: reference(service) } })),
  })
}

function router(name: string, port: number, routes: readonly Spec[]): Spec {
  return object("VirtualRouter", name, { listeners: [{ portMapping: { port, protocol: "http" } }], routes })
}

function route(name: string, prefix: string, target: string): Spec {
  return {
    name,
    httpRoute: {
      match: { prefix },
      action: { weightedTargets: [{ virtualNodeRef: reference(target), weight: 1 }] },
    },
  }
}

function routed(service: string, name: string): Spec {
  return object("VirtualService", service, {
    provider: { virtualRouter: { virtualRouterRef: reference(name) } },
  })
}
