import { healthOf } from "#mesh/health.ts"
import { REPORTERS } from "#mesh/resource.ts"
import type { Board } from "./board.ts"
import { callerSaw } from "./caller-saw.ts"
import { keyOf, named } from "./fact.ts"
import type { EdgeKind, GraphEdge } from "./graph.ts"
import { addBuckets, noOutcomes, numbersOf, type OutcomeCounts } from "./numbers.ts"
import { DURATION_BY } from "./reading.ts"
import { resourceId } from "./resource-states.ts"
import { isBracketed, ownKey, routeId } from "./route-id.ts"
import type { RouteKey } from "./route-row.ts"
import { serviceKey, type TcpSums, tcpByService } from "./tcp.ts"

interface Draft {
  readonly source: string
  readonly target: string
  readonly kind: EdgeKind
  protocol: "http" | "tcp"
  counts: OutcomeCounts | undefined
  buckets: Float64Array | undefined
  weight: number | null
}
type Drafts = Map<string, Draft>

/** All edges. An edge without a measurement has no rate, which is not a rate of zero. */
export function edgesOf(board: Board): GraphEdge[] {
  const drafts: Drafts = new Map()
  structure(board, drafts)
  weights(board, drafts)
  traffic(board, drafts)
  latency(board, drafts)
  tcp(board, drafts)
  const told = tellers(board)
  return [...drafts].map(([id, draft]) => edgeOf(id, draft, board, told.get(draft.source)))
}

function put(
  drafts: Drafts,
  kind: EdgeKind,
  source: string,
  target: string,
  protocol: "http" | "tcp" = "http",
): Draft {
  const id = `${kind}:${source}>${target}`
  const known = drafts.get(id)
  if (known !== undefined) return known
  const made: Draft = { source, target, kind, protocol, counts: undefined, buckets: undefined, weight: null }
  drafts.set(id, made)
  return made
}

const service = (key: RouteKey, name = key.virtualService): string =>
  resourceId("virtual_service", key.mesh, key.flavor, name)
const node = (key: RouteKey, name: string): string => resourceId("virtual_node", key.mesh, key.flavor, name)

/** The box that leads to nodes: the route, or the service that sits on one. */
function routeBox(key: RouteKey): string {
  return key.route === "" && key.virtualRouter === ""
    ? service(key)
    : resourceId("route", key.mesh, key.flavor, key.route, key.virtualRouter)
}

/** What a call leads to: a service, or the row of one that the mesh does not know. */
function called(key: RouteKey): string {
  if (!isBracketed(key.virtualService)) return service(key)
  return `row/${routeId(ownKey(key, "source"), "source")}`
}

function gatewayRoute(key: RouteKey): string {
  return resourceId("gateway_route", key.mesh, key.flavor, key.gatewayRoute, key.virtualGateway)
}

/** Gateway to its routes to services; service to router to routes. */
function structure(board: Board, drafts: Drafts): void {
  for (const { key, reporter, synthetic, id } of board.rows) {
    if (reporter === "gateway") {
      const gateway = resourceId("virtual_gateway", key.mesh, key.flavor, key.virtualGateway)
      put(drafts, "declared", gateway, synthetic === null ? gatewayRoute(key) : `row/${id}`)
      if (synthetic === null && key.virtualService !== "")
        put(drafts, "forward", gatewayRoute(key), service(key))
    } else if (key.virtualRouter !== "") {
      const router = resourceId("virtual_router", key.mesh, key.flavor, key.virtualRouter)
      if (key.virtualService !== "") put(drafts, "declared", service(key), router)
      put(drafts, "declared", router, synthetic === null ? routeBox(key) : `row/${id}`)
    } else if (synthetic !== null) put(drafts, "declared", service(key), `row/${id}`)
  }
}

function weights(board: Board, drafts: Drafts): void {
  for (const { key, virtualNode, weight } of board.inventory.weights) {
    if (key.virtualService === "" && key.virtualRouter === "") continue
    put(drafts, "target", routeBox(key), node(key, virtualNode)).weight = weight
  }
}

function count(draft: Draft, outcome: keyof OutcomeCounts, amount: number): void {
  draft.counts ??= noOutcomes()
  draft.counts[outcome] += amount
}

/** Gateway routes by the gateway's own count; targets and calls by what callers saw. */
function traffic(board: Board, drafts: Drafts): void {
  for (const { key, reporter, outcome, count: amount, virtualNode, source } of board.reading.requests) {
    if (reporter === "gateway" && key.virtualService !== "")
      count(put(drafts, "forward", gatewayRoute(key), service(key)), outcome, amount)
    if (!callerSaw(reporter, key) || key.virtualService === "") continue
    if (virtualNode !== "")
      count(put(drafts, "target", routeBox(key), node(key, virtualNode)), outcome, amount)
    if (source !== "") count(put(drafts, "call", node(key, source), called(key)), outcome, amount)
  }
}

function latency(board: Board, drafts: Drafts): void {
  const add = (id: string, values: Float64Array): void => {
    const draft = drafts.get(id)
    if (draft !== undefined) draft.buckets = addBuckets(draft.buckets, values)
  }
  for (const group of board.reading.durations.groups) {
    const labels = named(DURATION_BY, group)
    const key = keyOf(labels)
    const to = node(key, labels.get("virtual_node") ?? "")
    const reporter = REPORTERS.find((name) => name === labels.get("reporter"))
    if (reporter === "gateway") add(`forward:${gatewayRoute(key)}>${service(key)}`, group.values)
    if (reporter !== undefined && callerSaw(reporter, key)) add(`target:${routeBox(key)}>${to}`, group.values)
  }
}

function tcp(board: Board, drafts: Drafts): void {
  for (const sums of tcpByService(board.reading).values()) {
    const key = serviceKey(sums)
    const from = called(key)
    const draft = put(drafts, "target", from, node(key, sums.virtualNode), "tcp")
    // A declared edge that no request took is of the protocol that is seen on it.
    if (draft.counts === undefined) draft.protocol = "tcp"
    connections(draft, sums)
    if (sums.source !== "") connections(put(drafts, "call", node(key, sums.source), from, "tcp"), sums)
  }
}

function connections(draft: Draft, { opened, closedWithError }: TcpSums): void {
  count(draft, "ok", Math.max(0, opened - closedWithError))
  count(draft, "error", closedWithError)
}

/** Whether all proxies that would report what leaves a box answered, by the box's id. */
function tellers(board: Board): ReadonlyMap<string, boolean> {
  const told = new Map<string, boolean>()
  const tell = (id: string, answered: boolean): void => {
    told.set(id, answered && (told.get(id) ?? true))
  }
  for (const { key, reporter, synthetic, answered, known } of board.rows)
    if (synthetic === null) {
      if (reporter === "gateway") tell(gatewayRoute(key), answered === known)
      if (callerSaw(reporter, key)) tell(routeBox(key), answered === known)
    }
  for (const { mesh, flavor, role, resource, answered } of board.proxies)
    if (role === "sidecar") tell(resourceId("virtual_node", mesh, flavor, resource), answered)
  return told
}

/** @param told whether all who would report it answered; undefined: any proxy may be one */
function edgeOf(id: string, draft: Draft, board: Board, told: boolean | undefined): GraphEdge {
  const numbers =
    draft.counts === undefined
      ? undefined
      : numbersOf(draft.counts, draft.buckets, board.reading.rateMs / 1000)
  return {
    id,
    source: draft.source,
    target: draft.target,
    kind: draft.kind,
    protocol: draft.protocol,
    health: healthOf({
      ok: numbers?.ok ?? 0,
      clientErrors: numbers?.clientErrors ?? 0,
      errors: numbers?.errors ?? 0,
      aborted: numbers?.aborted ?? 0,
      complete: told ?? board.head.complete,
      // Where every proxy answers, an edge that nobody counted is one that no request took.
      seen: numbers !== undefined || draft.kind === "declared" || board.head.complete,
    }),
    requestsPerSecond: numbers?.requestsPerSecond ?? null,
    errorRatio: numbers?.errorRatio ?? null,
    p95Ms: numbers?.p95Ms ?? null,
    weight: draft.weight,
  }
}
