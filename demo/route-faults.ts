import type { DeclaredMesh, Route, VirtualRouter } from "#mesh/declared.ts"
import type { FaultKind } from "./faults.ts"
import { SCENARIOS, type Scenario } from "./scenarios.ts"
import type { Stage } from "./stage.ts"

const SHARE = { all: 8, everyday: 8 } as const

/** What the load holds once a kind of requests is added to it, or taken out again. */
function extraLoad(stage: Stage, name: string, on: boolean): readonly Scenario[] {
  const others = stage.condition().extra.filter((scenario) => scenario.name !== name)
  if (!on) return others
  const added = SCENARIOS.filter((scenario) => scenario.name === name)
  return [...others, ...added.map((scenario) => Object.assign({}, scenario, { weights: SHARE }))]
}

function withRoutes(mesh: DeclaredMesh, routes: (router: VirtualRouter) => readonly Route[]): DeclaredMesh {
  const routers = mesh.virtualRouters.map((router) => Object.assign({}, router, { routes: routes(router) }))
  return Object.assign({}, mesh, { virtualRouters: routers })
}

const undeclared: FaultKind = {
  usage: "undeclared [on|off]",
  help: "the ui also calls a host that it declares no backend for",
  read(words) {
    const on = words.onOff()
    return async (stage) => {
      await stage.change({ extra: extraLoad(stage, "undeclared", on) })
      return `Calls to an undeclared backend are ${on ? "part of the load" : "as before"}.`
    }
  },
}

const removeRoute: FaultKind = {
  usage: "remove-route [route]",
  help: "the route is gone from its router",
  read(words) {
    const wanted = words.route("route-to-yelb-appserver")
    return async (stage) => {
      const routes = (router: VirtualRouter): readonly Route[] =>
        router.routes.filter(({ name }) => name !== wanted)
      await stage.change({ mesh: withRoutes(stage.condition().mesh, routes) })
      return `The route ${wanted} is gone.`
    }
  },
}

const weights: FaultKind = {
  usage: "weights <v1>:<v2>",
  help: "shifts all routes with two targets, e.g. 1:0, 1:1, 99:1, 0:1",
  read(words) {
    const shares = words.shares()
    return async (stage) => {
      const shift = (route: Route): Route => ({
        ...route,
        targets: route.targets.map((target, at) => ({ ...target, weight: shares[at] ?? 0 })),
      })
      const routes = (router: VirtualRouter): readonly Route[] =>
        router.routes.map((route) => (route.targets.length === 2 ? shift(route) : route))
      await stage.change({ mesh: withRoutes(stage.condition().mesh, routes) })
      return `Weights are ${shares.join(":")}.`
    }
  },
}

const CANARY: Route = {
  name: "canary",
  priority: 1,
  protocol: "http",
  match: { path: { prefix: "/api" }, headers: [{ name: "x-canary", match: { exact: "v2" } }] },
  targets: [{ virtualNode: "yelb-appserver-virtual-node-v2", weight: 1 }],
}

const canary: FaultKind = {
  usage: "canary [on|off]",
  help: "requests with the header x-canary: v2 go to appserver v2, and the load holds such",
  read(words) {
    const on = words.onOff()
    return async (stage) => {
      const routes = ({ name, routes: own }: VirtualRouter): readonly Route[] => {
        if (!name.startsWith("yelb-appserver")) return own
        const rest = own.filter((route) => route.name !== CANARY.name)
        return on ? [CANARY, ...rest] : rest
      }
      const mesh = withRoutes(stage.condition().mesh, routes)
      await stage.change({ mesh, extra: extraLoad(stage, "canary", on) })
      return on ? "Canary requests go to appserver v2." : "There is no canary route."
    }
  },
}

/** What may happen to routes, and to what is sent over them. */
export const ROUTE_FAULTS: readonly FaultKind[] = [removeRoute, weights, canary, undeclared]
