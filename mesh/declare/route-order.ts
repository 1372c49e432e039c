import type { RouteMatch } from "../declared.ts"

/** App Mesh: "0 is the highest priority", and a route without one comes last (API_RouteSpec, API_GatewayRouteSpec). */
const NO_PRIORITY = 1001

interface Ordered {
  readonly priority?: number
  readonly match: RouteMatch
}

/**
 * Routes in the order in which Envoy tries them: lower priority number first, then the more specific match, then as
 * declared. Specificity (exact host, longer host suffix; exact path, longer path; more conditions) is inferred from
 * the user guide's "most specific prefix wins" and from the order in a gateway's config dump; where a dump is at hand
 * its own order decides, so a wrong guess here can misname nothing.
 */
export function inMatchOrder<T extends Ordered>(routes: readonly T[]): T[] {
  return routes.toSorted(
    (a, b) => (a.priority ?? NO_PRIORITY) - (b.priority ?? NO_PRIORITY) || specificity(b.match, a.match) || 0,
  )
}

/** Positive when `a` is more specific than `b`. */
function specificity(a: RouteMatch, b: RouteMatch): number {
  const left = ranks(a)
  const right = ranks(b)
  for (const [index, rank] of left.entries()) {
    const difference = rank - (right[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

function ranks(match: RouteMatch): number[] {
  const { hostname, path, grpc } = match
  return [
    hostname?.exact === undefined ? 0 : 1,
    hostname?.suffix?.length ?? 0,
    path?.exact !== undefined || grpc?.method !== undefined ? 1 : 0,
    (path?.exact ?? path?.prefix ?? path?.regex ?? grpc?.service ?? "").length,
    (match.method === undefined ? 0 : 1) + (match.headers?.length ?? 0) + (match.query?.length ?? 0),
  ]
}
