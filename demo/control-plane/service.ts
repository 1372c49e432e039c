import type {
  AppProtocol,
  DeclaredMesh,
  NodeListener,
  PortMapping,
  RetryPolicy,
  Route,
  RouteMatch,
  VirtualNode,
  VirtualService,
  WeightedTarget,
} from "#mesh/declared.ts"
import { MeshscopeError } from "#mesh/errors.ts"

/** A virtual service as callers reach it on one port: its routes in match order, targets with their listener. */
export interface ReachableService {
  readonly name: string
  readonly port: number
  readonly protocol: AppProtocol
  readonly routes: readonly ReachableRoute[]
}

export interface ReachableRoute {
  /** Absent for a service that sits on a node. */
  readonly route?: Route
  readonly protocol: AppProtocol
  readonly match: RouteMatch
  readonly targets: readonly ReachableTarget[]
  readonly retry?: RetryPolicy
  readonly timeoutMs?: number
  readonly idleTimeoutMs?: number
}

export interface ReachableTarget {
  readonly node: string
  readonly weight: number
  readonly listener: NodeListener
}

/** A service on every port that it can be called on. Without a provider nothing tells a port: the list is empty. */
export function reach(mesh: DeclaredMesh, service: VirtualService): readonly ReachableService[] {
  switch (service.provider.kind) {
    case "none":
      return []
    case "virtual_node":
      return onNode(mesh, service.name, nodeOf(mesh, service.provider.name))
    case "virtual_router":
      return onRouter(mesh, service.name, service.provider.name)
  }
}

export function serviceOf(mesh: DeclaredMesh, name: string): VirtualService {
  return mesh.virtualServices.find((service) => service.name === name) ?? missing("virtual service", name)
}

export function nodeOf(mesh: DeclaredMesh, name: string): VirtualNode {
  return mesh.virtualNodes.find((node) => node.name === name) ?? missing("virtual node", name)
}

function missing(kind: string, name: string): never {
  throw new MeshscopeError("MODEL_INVALID", `The mesh refers to the ${kind} ${name}, which is not declared.`)
}

function onNode(mesh: DeclaredMesh, name: string, node: VirtualNode): readonly ReachableService[] {
  return node.listeners.map((listener) => ({
    name,
    port: listener.port,
    protocol: listener.protocol,
    routes: [
      {
        protocol: listener.protocol,
        match: { path: { prefix: "/" } },
        targets: [{ node: node.name, weight: 100, listener }],
      },
    ],
  }))
}

function onRouter(mesh: DeclaredMesh, name: string, routerName: string): readonly ReachableService[] {
  const router = mesh.virtualRouters.find((known) => known.name === routerName)
  if (router === undefined) return missing("virtual router", routerName)
  return router.listeners.map((listener) => ({
    name,
    port: listener.port,
    protocol: listener.protocol,
    routes: router.routes
      .filter((route) => route.match.port === undefined || route.match.port === listener.port)
      .map((route) => reachRoute(mesh, route, listener)),
  }))
}

function reachRoute(mesh: DeclaredMesh, route: Route, from: PortMapping): ReachableRoute {
  return {
    route,
    protocol: route.protocol,
    match: route.match,
    targets: route.targets.map((target) => ({
      node: target.virtualNode,
      weight: target.weight,
      listener: targetListener(nodeOf(mesh, target.virtualNode), target, route.protocol, from.port),
    })),
    ...(route.retry === undefined ? {} : { retry: route.retry }),
    ...(route.timeoutMs === undefined ? {} : { timeoutMs: route.timeoutMs }),
    ...(route.idleTimeoutMs === undefined ? {} : { idleTimeoutMs: route.idleTimeoutMs }),
  }
}

/** The node's listener that a target means: by its port, else the router's port, else the protocol, else the first. */
function targetListener(
  node: VirtualNode,
  target: WeightedTarget,
  protocol: AppProtocol,
  routerPort: number,
): NodeListener {
  const { listeners } = node
  const found =
    target.port === undefined
      ? (listeners.find((listener) => listener.port === routerPort && listener.protocol === protocol) ??
        listeners.find((listener) => listener.protocol === protocol) ??
        listeners[0])
      : listeners.find((listener) => listener.port === target.port)
  return found ?? missing("listener of virtual node", `${node.name}:${target.port ?? protocol}`)
}
