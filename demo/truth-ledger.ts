import type { DeclaredMesh } from "#mesh/declared.ts"
import { UNDECLARED, UNKNOWN, UNMATCHED } from "#mesh/resource.ts"
import { nodeOf, reach, serviceOf } from "./control-plane/service.ts"
import { arrivalEnding, callEnding, type Ending, unavailable } from "./outcomes.ts"
import type { Arrival, Call, Records, TcpCall } from "./records.ts"
import { attemptsAtEnd } from "./retries.ts"
import { type Asked, gatewayPass, type ServicePass, servicePass } from "./routing.ts"
import type { HealthCheckCount, TcpCount, Truth, TruthCount, TruthRow } from "./truth.ts"

/** What was in force while the records of one fold were made. */
export interface World {
  readonly mesh: DeclaredMesh
  /** Nodes whose application refuses connections. */
  readonly down: ReadonlySet<string>
  /** Nodes whose own proxy may refuse because a breaker is full. */
  readonly overloaded: ReadonlySet<string>
  /** Nodes that callers know no endpoint of. */
  readonly withoutEndpoints: ReadonlySet<string>
}

export interface TruthLedger {
  /** Counts finished calls. All arrivals of a call must be in the same fold. */
  fold(records: Records, world: World): void
  truth(mesh: string): Truth
}

const HEALTH_CHECKERS = /^(?:Envoy\/HC|ELB-HealthChecker\/|kube-probe\/)/

export function makeTruthLedger(): TruthLedger {
  const counts = new Map<string, { row: TruthRow; count: number }>()
  const tries = new Map<string, { row: TruthRow; count: number }>()
  const healthChecks = new Map<string, { row: Omit<HealthCheckCount, "count">; count: number }>()
  const tcp = new Map<string, TcpCount>()
  const undecided = new Map<string, number>()
  let sent = 0

  const tally: Tally = {
    request(row, attempts) {
      bump(counts, row)
      bump(tries, row, attempts)
    },
    healthCheck: (row) => bump(healthChecks, row),
    undecided: (why) => undecided.set(why, (undecided.get(why) ?? 0) + 1),
  }

  return {
    fold(records, world) {
      const arrivals = Map.groupBy(records.arrivals, (arrival) => arrival.call)
      for (const call of records.calls) {
        if (call.entry.kind !== "egress") sent++
        foldCall(tally, world, call, arrivals.get(call.call) ?? [])
        arrivals.delete(call.call)
      }
      for (const _ of arrivals) tally.undecided("an arrival without its call")
      for (const connection of records.tcp) foldTcp(tcp, world.mesh, connection)
    },
    truth: (mesh) => ({
      mesh,
      sent,
      requests: [...counts.values()].map(({ row, count }): TruthCount => Object.assign({ count }, row)),
      attempts: [...tries.values()].map(({ row, count }): TruthCount => Object.assign({ count }, row)),
      healthChecks: [...healthChecks.values()].map(({ row, count }) => Object.assign({ count }, row)),
      tcp: [...tcp.values()],
      undecided: [...undecided].map(([why, count]) => ({ why, count })),
    }),
  }
}

interface Tally {
  request(row: TruthRow, attempts: number): void
  healthCheck(row: Omit<HealthCheckCount, "count">): void
  undecided(why: string): void
}

function bump<T>(counts: Map<string, { row: T; count: number }>, row: T, by = 1): void {
  const key = JSON.stringify(row)
  const known = counts.get(key)
  if (known === undefined) counts.set(key, { row, count: by })
  else known.count += by
}

function foldCall(tally: Tally, world: World, call: Call, arrivals: readonly Arrival[]): void {
  const told = HEALTH_CHECKERS.test(call.userAgent) ? healthCheckTally(tally) : tally
  switch (call.entry.kind) {
    case "gateway":
      foldGatewayCall(told, world, call, arrivals, call.entry.gateway)
      return
    case "egress":
      foldNodeCall(told, world, call, arrivals, call.entry.node)
      return
    case "ingress":
      foldArrivals(told, world, call.entry.node, call, undefined, arrivals)
  }
}

/** The same rows, counted as health checks of the proxy that saw them. */
function healthCheckTally(tally: Tally): Tally {
  return {
    ...tally,
    request: ({ reporter, virtualGateway, virtualNode, source }) =>
      tally.healthCheck({
        virtualGateway,
        virtualNode: reporter === "destination" ? virtualNode : source,
      }),
  }
}

const asked = (call: Call): Asked =>
  call.protocol === "grpc"
    ? { ...call, headers: { ...call.headers, "content-type": "application/grpc" } }
    : call

/** A gateway sees a call twice: its ingress pass names the gateway route, its egress pass is the caller of the service. */
function foldGatewayCall(
  tally: Tally,
  world: World,
  call: Call,
  arrivals: readonly Arrival[],
  name: string,
): void {
  const gateway = world.mesh.virtualGateways.find((known) => known.name === name)
  const pass = gateway === undefined ? undefined : gatewayPass(gateway, asked(call))
  const ingress = {
    ...NOTHING,
    reporter: "gateway",
    virtualGateway: name,
    protocol: call.protocol,
    ...callEnding(call.end),
  } as const
  if (pass === undefined) {
    tally.request({ ...ingress, gatewayRoute: UNMATCHED }, 0)
    return
  }
  const { virtualService } = pass.route
  // To itself, once: retries are its egress pass's.
  tally.request({ ...ingress, gatewayRoute: pass.route.name, virtualService }, 1)
  const served = servicePass(world.mesh, [virtualService], pass.onward, pass.route.targetPort)
  foldServiceCall(tally, world, call, arrivals, served, { virtualGateway: name })
}

function foldNodeCall(
  tally: Tally,
  world: World,
  call: Call,
  arrivals: readonly Arrival[],
  source: string,
): void {
  const { backends } = nodeOf(world.mesh, source)
  const served = servicePass(world.mesh, backends, asked(call), call.port)
  foldServiceCall(tally, world, call, arrivals, served, { source })
}

const NOTHING = {
  virtualGateway: "",
  gatewayRoute: "",
  virtualService: "",
  virtualRouter: "",
  route: "",
  source: "",
  virtualNode: "",
} as const

/** The caller's side of a call to a service, and each attempt at the callee. */
function foldServiceCall(
  tally: Tally,
  world: World,
  call: Call,
  arrivals: readonly Arrival[],
  served: ServicePass | undefined,
  caller: { readonly virtualGateway: string } | { readonly source: string },
): void {
  const reached = served?.reached
  const base = { ...NOTHING, ...caller, reporter: "source", ...callEnding(call.end) } as const
  if (served === undefined || reached === undefined) {
    const virtualService = served?.service ?? UNDECLARED
    const virtualRouter = served?.router ?? ""
    // The mesh itself could not place the call: an error whatever its status.
    const refused = { virtualService, virtualRouter, route: UNMATCHED, outcome: "error" } as const
    tally.request({ ...base, ...refused, protocol: call.protocol }, 0)
    return
  }
  const node = targetOf(tally, world, served, arrivals)
  const row = {
    ...base,
    virtualService: served.service,
    virtualRouter: served.router,
    route: reached.route?.name ?? "",
    virtualNode: node,
    protocol: reached.protocol === "tcp" ? "http" : reached.protocol,
  } as const
  tally.request(row, arrivals.length + unseenAttempts(world, node, call, served, arrivals))
  foldArrivals(tally, world, node, call, served, arrivals)
}

/** Retries stay with the target that was picked, so one arrival names it. */
function targetOf(tally: Tally, world: World, served: ServicePass, arrivals: readonly Arrival[]): string {
  const [first] = arrivals
  if (first !== undefined) return first.node
  const nodes = (served.reached?.targets ?? [])
    .filter((target) => target.weight > 0)
    .map((target) => target.node)
  if (nodes.length === 1) return nodes[0] ?? UNKNOWN
  const failing = nodes.filter(
    (node) => world.down.has(node) || world.overloaded.has(node) || world.withoutEndpoints.has(node),
  )
  if (failing.length !== 1) tally.undecided("the target of a call that no application saw")
  return failing.length === 1 ? (failing[0] ?? UNKNOWN) : UNKNOWN
}

/** What the callee's proxy sees: each attempt is a request of its own. */
function foldArrivals(
  tally: Tally,
  world: World,
  node: string,
  call: Call,
  served: ServicePass | undefined,
  arrivals: readonly Arrival[],
): void {
  const own = {
    ...NOTHING,
    reporter: "destination",
    virtualNode: node,
    protocol: call.protocol,
  } as const
  const count = (ending: Ending): void => tally.request({ ...own, ...ending }, 1)
  for (const arrival of arrivals) count(arrivalEnding(arrival))
  const unseen = unseenAttempts(world, node, call, served, arrivals)
  for (let attempt = 0; attempt < unseen; attempt++) count(unavailable(call.protocol))
}

/** Attempts that ended at the callee's proxy because its application was down or a breaker was full. */
function unseenAttempts(
  world: World,
  node: string,
  call: Call,
  served: ServicePass | undefined,
  arrivals: readonly Arrival[],
): number {
  if (world.withoutEndpoints.has(node)) return 0
  if (!world.down.has(node) && !world.overloaded.has(node)) return 0
  // Who comes straight to the callee's proxy has no proxy of its own that would try again.
  const reached = served?.reached
  const all = reached === undefined ? 1 : attemptsAtEnd(call, reached.retry)
  return Math.max(0, (all ?? arrivals.at(-1)?.attempt ?? 1) - arrivals.length)
}

function foldTcp(tcp: Map<string, TcpCount>, mesh: DeclaredMesh, connection: TcpCall): void {
  const services = nodeOf(mesh, connection.node).backends.flatMap((name) =>
    reach(mesh, serviceOf(mesh, name)),
  )
  const service = services.find(({ port, protocol }) => port === connection.port && protocol === "tcp")
  const virtualService = service?.name ?? UNDECLARED
  const virtualNode = service?.routes[0]?.targets[0]?.node ?? UNDECLARED
  const key = JSON.stringify([connection.node, virtualService, virtualNode])
  const before = tcp.get(key)
  const answered = connection.answered ? 1 : 0
  tcp.set(key, {
    source: connection.node,
    virtualService,
    virtualNode,
    connections: (before?.connections ?? 0) + 1,
    answered: (before?.answered ?? 0) + answered,
    receivedBytes: (before?.receivedBytes ?? 0) + answered * connection.sent,
    sentBytes: (before?.sentBytes ?? 0) + answered * connection.received,
  })
}
