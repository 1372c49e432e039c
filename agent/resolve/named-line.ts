import { type AccessFact, Field, fieldText } from "#mesh/access.ts"
import { NO_ROUTE } from "#mesh/flags.ts"
import type { Cluster, EnvoyRoute, ProxyIdentity } from "#mesh/proxy.ts"
import type { Doubt, Interner, RequestRow, Resolution, Resolver, Target } from "#mesh/request.ts"
import { AMBIGUOUS, UNDECLARED, UNKNOWN } from "#mesh/resource.ts"
import { declaredByName } from "./assignment.ts"
import type { DeclaredIndex } from "./declared-index.ts"
import type { ClusterMeaning, Dialect } from "./dialects/dialect.ts"
import { RouteCache } from "./route-cache.ts"
import { type RouteLabels, type Rows, unmatchedLabels } from "./rows.ts"
import { LineWords } from "./words.ts"

/** A line's names are whoever's that writes it: so many of one proxy have rows of their own. */
const MAX_NAMES = 1000

export interface NamedLineDeps {
  readonly dialect: Dialect
  readonly identity: ProxyIdentity
  readonly interner: Interner
  readonly rows: Rows
  readonly declared: DeclaredIndex
}

interface Named {
  readonly side: "inbound" | "outbound" | undefined
  readonly row: RequestRow
  readonly target: Target
  readonly doubt: Doubt | undefined
}

/**
 * Names the lines of a proxy whose configuration nobody can read, where its control plane puts names into clusters and
 * routes: the line's upstream cluster tells side, service and node, its route name the route. There is no table to
 * replay, so what the line does not tell stays unknown, with a doubt.
 */
export class NamedLineResolver implements Resolver {
  readonly #deps: NamedLineDeps
  readonly #words = new LineWords()
  readonly #cache = new RouteCache<Named>([
    { field: Field.upstreamCluster, cut: false },
    { field: Field.routeName, cut: false },
  ])
  readonly #known = new Set<string>()
  readonly #none: Target
  readonly #unknown: Target
  readonly #result: { -readonly [key in keyof Resolution]: Resolution[key] }

  constructor(deps: NamedLineDeps) {
    this.#deps = deps
    this.#none = deps.interner.target("")
    this.#unknown = deps.interner.target(UNKNOWN)
    const row = deps.rows.destination
    this.#result = { kind: "undecided", row, target: this.#none, protocol: 0, doubt: undefined }
  }

  resolve(fact: AccessFact): Resolution {
    const view = this.#words.of(fact.bytes)
    const noRoute = fact.flags > 0 && (fact.flags & NO_ROUTE) !== 0
    const selector = (fact.kind === "tcp" ? 1 : 0) + (noRoute ? 2 : 0) + (fact.doubtful ? 4 : 0)
    let named = this.#cache.find(view, fact.spans, selector)
    if (named === undefined) {
      named = this.#name(fact, noRoute)
      this.#cache.store(view, fact.spans, named)
    }
    const result = this.#result
    result.kind = named.side === undefined ? "undecided" : fact.kind === "tcp" ? "tcp" : "request"
    result.row = named.row
    result.target = named.target
    result.protocol = fact.grpcStatus >= 0 ? 2 : 0
    result.doubt = named.doubt ?? (fact.doubtful ? "forgeable" : undefined)
    return result
  }

  #name(fact: AccessFact, noRoute: boolean): Named {
    const { dialect, identity, rows, interner } = this.#deps
    const cluster = fieldText(fact, Field.upstreamCluster)
    const route = fieldText(fact, Field.routeName)
    const meaning = cluster === undefined ? undefined : dialect.cluster(clusterNamed(cluster), identity)
    if (meaning?.kind === "node" && meaning.direction === "inbound") {
      const own = interner.target(identity.resource)
      return { side: "inbound", row: rows.destination, target: own, doubt: undefined }
    }
    const past = meaning?.kind === "undeclared" || (route !== undefined && this.#isPast(route))
    if (past) return this.#outbound(unmatchedLabels(UNDECLARED, this.#isGateway), UNDECLARED, undefined, fact)
    if (meaning?.kind === "node") return this.#called(meaning, route, fact)
    if (noRoute) return this.#outbound(unmatchedLabels(UNKNOWN, this.#isGateway), "", undefined, fact)
    // No cluster: Envoy answered itself. What comes in has no route that bears a name of its own.
    if (route === undefined || (dialect.router?.(routeNamed(route)) === "" && !this.#isGateway))
      return { side: undefined, row: rows.destination, target: this.#none, doubt: "direction" }
    return this.#outbound(this.#labels(UNKNOWN, route, undefined), "", "cluster", fact)
  }

  get #isGateway(): boolean {
    return this.#deps.identity.role === "gateway"
  }

  #isPast(route: string): boolean {
    return this.#deps.dialect.service({ name: route, domains: [], routes: [] }, undefined) === UNDECLARED
  }

  #called(
    { node, service = UNKNOWN }: ClusterMeaning & { kind: "node" },
    route: string | undefined,
    fact: AccessFact,
  ): Named {
    if (route === undefined && fact.kind !== "tcp") {
      const labels = this.#labels(service, AMBIGUOUS, service)
      return this.#outbound(labels, node, "route_ambiguous", fact)
    }
    return this.#outbound(this.#labels(service, route ?? "", service), node, undefined, fact)
  }

  /** A gateway's virtual service is the host that it was asked for, which no line tells for certain. */
  #labels(virtualService: string, route: string, host: string | undefined): RouteLabels {
    const { dialect, declared, identity } = this.#deps
    const row = { route: routeNamed(route), names: dialect.wireNames?.(routeNamed(route)) ?? [route] }
    if (this.#isGateway) {
      const found = declaredByName(row, declared.gatewayRoutes(identity.resource) ?? [])
      return {
        gatewayRoute: found?.name ?? (route || UNKNOWN),
        virtualService: found?.virtualService ?? UNKNOWN,
      }
    }
    if (route === "" || dialect.router?.(row.route) === "") return { virtualService }
    const behind = host === undefined ? undefined : declared.behind(host)
    if (behind?.kind !== "router") return { virtualService, route }
    const found = declaredByName(row, behind.routes)
    return { virtualService, virtualRouter: behind.router, route: found?.name ?? route }
  }

  #outbound(labels: RouteLabels, node: string, doubt: Doubt | undefined, fact: AccessFact): Named {
    const { rows, interner } = this.#deps
    const key = JSON.stringify([labels, node])
    const known = this.#known.has(key)
    // A doubtful line gives no new name.
    if (!known && (fact.doubtful || this.#known.size >= MAX_NAMES)) {
      const row = rows.source(unmatchedLabels(UNKNOWN, false))
      return { side: "outbound", row, target: this.#unknown, doubt: fact.doubtful ? "forgeable" : "cluster" }
    }
    this.#known.add(key)
    const row = this.#isGateway && fact.kind === "http" ? rows.gateway(labels) : rows.source(labels)
    return { side: "outbound", row, target: interner.target(node), doubt }
  }
}

const clusterNamed = (name: string): Cluster => ({
  name,
  statName: name,
  type: "",
  endpoints: [],
  tags: {},
  circuitBreakers: {},
})

const routeNamed = (name: string): EnvoyRoute => ({
  name,
  match: {
    kind: "other",
    value: "",
    caseSensitive: true,
    headers: [],
    query: [],
    grpc: false,
    fractional: false,
  },
  action: { kind: "other" },
  requestHeadersToAdd: [],
  tags: {},
})
