import { RECOMMENDED_JSON } from "../../../mesh/recommended-format.ts"

/** Callers by what their proxies log. No log of theirs tells the header that routes ask for. */
export const CALLERS = { json: "by-json", text: "by-text", stats: "by-stats" } as const
/** Gateways: the JSON log of one tells that header. */
const DOORS = { header: "door-header", text: "door-text" } as const
export const SERVICE = "shop.doubt"
export const HTTP_PORT = 8080
/** A service that speaks TCP on another port than its node, so that who calls the node itself passes by the service. */
const TCP_SERVICE = "till.doubt"
export const TCP_PORT = 6380
export const NODE_TCP_PORT = 6379
export const DOOR_PORT = 8088

const object = (kind: string, name: string, spec: object): object => ({
  apiVersion: "appmesh.k8s.aws/v1beta2",
  kind,
  metadata: { name, namespace: "doubt" },
  spec: kind === "Mesh" ? spec : Object.assign({ awsName: name }, spec),
})

const service = (name: string): object => ({ virtualService: { virtualServiceRef: { name } } })

const jsonLog = (more: Readonly<Record<string, string>>): object => ({
  json: Object.entries({ ...RECOMMENDED_JSON, ...more }).map(([key, value]) => ({ key, value })),
})
const logging = (format?: object): object => ({
  logging: { accessLog: { file: { path: "/dev/stdout", ...(format === undefined ? {} : { format }) } } },
})
const LOGS = {
  json: logging(jsonLog({})),
  header: logging(jsonLog({ x_group: "%REQ(X-GROUP)%" })),
  text: logging(),
  stats: {},
} as const

const http = (port: number): object => ({ portMapping: { port, protocol: "http" } })
const tcp = (port: number): object => ({ portMapping: { port, protocol: "tcp" } })

const node = (name: string, listeners: readonly object[], more: object = {}): object =>
  object("VirtualNode", name, {
    listeners,
    serviceDiscovery: { dns: { hostname: `${name}.doubt.svc` } },
    ...more,
  })

const caller = (kind: keyof typeof CALLERS): object =>
  node(CALLERS[kind], [http(9000)], {
    backends: [service(SERVICE), service(TCP_SERVICE)],
    ...LOGS[kind],
  })

const gateway = (kind: keyof typeof DOORS): object =>
  object("VirtualGateway", DOORS[kind], { listeners: [http(DOOR_PORT)], ...LOGS[kind] })

/** Two routes in order; the first asks for a header, and else nothing tells them apart. */
const pair = (prefix: string, header: object, first: string, targets: readonly [string, string]): object[] =>
  targets.map((target, at) => ({
    name: at === 0 ? first : `${prefix.slice(1)}-rest`,
    priority: at,
    httpRoute: {
      match: at === 0 ? { prefix, headers: [header] } : { prefix },
      action: { weightedTargets: [{ virtualNodeRef: { name: target }, weight: 1, port: HTTP_PORT }] },
    },
  }))

const router = (name: string): object => ({ provider: { virtualRouter: { virtualRouterRef: { name } } } })

const GROUP = { name: "x-group", match: { exact: "new" } }
const PHONE = { name: "user-agent", match: { prefix: "phone" } }

const gatewayRoute = (door: string, name: string, match: object): object =>
  object("GatewayRoute", `${door}-${name}`, {
    virtualGatewayRef: { name: door },
    httpRoute: {
      match: { prefix: "/group", ...match },
      action: {
        target: service(SERVICE),
        rewrite: { prefix: { defaultPrefix: "DISABLED" } },
      },
    },
  })

/**
 * A mesh in which routes differ by headers: `/group` to one node, `/apart` to two, `/agent` by a header that every
 * format tells, `/gone` to a node without a host. No route takes another path.
 */
export function doubtModel(egress: "ALLOW_ALL" | "DROP_ALL"): string {
  const routes = [
    ...pair("/group", GROUP, "group-new", ["shelf", "shelf"]),
    ...pair("/apart", GROUP, "apart-new", ["shelf-new", "shelf"]),
    ...pair("/agent", PHONE, "agent-phone", ["shelf", "shelf"]),
    ...pair("/gone", GROUP, "gone-new", ["gone", "shelf"]),
  ]
  const till = {
    name: "till",
    tcpRoute: {
      action: { weightedTargets: [{ virtualNodeRef: { name: "shelf" }, weight: 1, port: NODE_TCP_PORT }] },
    },
  }
  return [
    object("Mesh", "doubt", { egressFilter: { type: egress } }),
    ...(["json", "text", "stats"] as const).map(caller),
    node("shelf", [http(HTTP_PORT), tcp(NODE_TCP_PORT)]),
    node("shelf-new", [http(HTTP_PORT)]),
    node("gone", [http(HTTP_PORT)]),
    object("VirtualRouter", "shop-router", { listeners: [http(HTTP_PORT)], routes }),
    object("VirtualService", SERVICE, router("shop-router")),
    object("VirtualRouter", "till-router", { listeners: [tcp(TCP_PORT)], routes: [till] }),
    object("VirtualService", TCP_SERVICE, router("till-router")),
    ...(["header", "text"] as const).flatMap((kind) => [
      gateway(kind),
      gatewayRoute(DOORS[kind], "new", { headers: [GROUP] }),
      gatewayRoute(DOORS[kind], "rest", {}),
    ]),
  ]
    .map((each) => JSON.stringify(each))
    .join("\n---\n")
}
