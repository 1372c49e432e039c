import { serve } from "@hono/node-server"
import { Hono } from "hono"
import { mountPages } from "../../../collector/page/routes.ts"
import { SmallAgent, SmallCollector } from "../../fixtures/collector/small-collector.ts"

/** The pages of one collector on loopback. */
export interface Shown {
  readonly url: string
  readonly stop: () => Promise<void>
}

export async function show(collector: SmallCollector): Promise<Shown> {
  const app = new Hono()
  mountPages(app, collector.answers)
  const listening = Promise.withResolvers<number>()
  const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) => {
    listening.resolve(port)
  })
  return {
    url: `http://127.0.0.1:${await listening.promise}`,
    stop: async () => {
      const closed = Promise.withResolvers<undefined>()
      server.close(() => {
        closed.resolve(undefined)
      })
      await closed.promise
    },
  }
}

const MESH = { mesh: "bys-dev-appmesh-eks-main", flavor: "app-mesh" }
const GATEWAY = { virtual_gateway: "bys-dev-ingress_aws" }
const NAMESPACES = ["notify", "search", "orders", "aws", "identity", "billing"] as const
const HTTP = { protocol: "http", provenance: "log" }

/** 55 resources with long names in six namespaces. Of notify every eighth request fails; nobody calls billing. */
export function largeMesh(): SmallCollector {
  const collector = new SmallCollector()
  const agent = new SmallAgent(collector, "node-a")
  const info = (kind: string, name: string, more: Readonly<Record<string, string>> = {}): void => {
    agent.set("resourceInfo", { ...MESH, kind, name, ...more }, 1)
  }
  const proxy = (name: string, of: Readonly<Record<string, string>>): void => {
    agent.set("proxyUp", { ...MESH, ...of, proxy: name }, 1)
    agent.set("proxyState", { ...MESH, ...of, proxy: name, state: "live" }, 1)
  }
  info("virtual_gateway", GATEWAY.virtual_gateway)
  proxy("gateway-0", GATEWAY)
  for (const space of NAMESPACES) declare(space, info, proxy, agent)
  for (let minute = 0; minute < 6; minute++) {
    for (const space of NAMESPACES.slice(0, -1)) traffic(space, agent)
    for (let quarter = 0; quarter < 4; quarter++) {
      agent.send()
      collector.pass(15_000)
    }
  }
  return collector
}

const serviceOf = (space: string): string => `${space}-api-dev-svc.${space}.svc.cluster.local`
const routerOf = (space: string): string => `${space}-dev-appmesh-virtual-router_${space}`
const nodeOf = (space: string, part: string): string => `appmesh-vn-${space}-${part}-dev_${space}`

function declare(
  space: string,
  info: (kind: string, name: string, more?: Readonly<Record<string, string>>) => void,
  proxy: (name: string, of: Readonly<Record<string, string>>) => void,
  agent: SmallAgent,
): void {
  const router = { virtual_router: routerOf(space) }
  for (const part of ["api", "worker", "index"]) {
    info("virtual_node", nodeOf(space, part))
    proxy(`${nodeOf(space, part)}-0`, { virtual_node: nodeOf(space, part) })
  }
  info("virtual_service", serviceOf(space), router)
  info("virtual_service", `${space}-index-dev-svc.${space}.svc.cluster.local`, {
    virtual_node: nodeOf(space, "index"),
  })
  info("virtual_router", routerOf(space))
  info("gateway_route", `${space}-dev-gatewayroute_${space}`, {
    ...GATEWAY,
    virtual_service: serviceOf(space),
  })
  for (const [name, part] of [
    ["api", "api"],
    ["digest", "worker"],
  ] as const) {
    const route = `${space}-${name}-dev-route`
    info("route", route, router)
    const key = { ...MESH, ...router, virtual_service: serviceOf(space), route }
    agent.set("routeWeight", { ...key, virtual_node: nodeOf(space, part) }, 1)
  }
}

function traffic(space: string, agent: SmallAgent): void {
  const bad = space === "notify" ? 10 : 0
  const service = { ...MESH, virtual_service: serviceOf(space) }
  const target = { virtual_node: nodeOf(space, "api") }
  const route = { virtual_router: routerOf(space), route: `${space}-api-dev-route` }
  const passes = [
    { ...service, ...GATEWAY, reporter: "gateway", gateway_route: `${space}-dev-gatewayroute_${space}` },
    { ...service, ...GATEWAY, ...route, ...target, reporter: "source" },
    { ...MESH, ...target, reporter: "destination" },
  ]
  for (const pass of passes) {
    agent.add("requests", { ...pass, ...HTTP, code_class: "2xx", outcome: "ok" }, 80 - bad)
    if (bad === 0) continue
    const own = pass.reporter === "destination"
    agent.add("requests", { ...pass, ...HTTP, code_class: "5xx", outcome: "error" }, bad)
    const failure = { ...pass, ...HTTP, outcome: "error" }
    agent.add("failures", { ...failure, flag: own ? "UT" : "-", answered_by: own ? "proxy" : "app" }, bad)
  }
}
