import { type AccessFact, Field, type FormatAbilities } from "#mesh/access.ts"
import type { EnvoyRoute } from "#mesh/proxy.ts"
import type { Doubt, Interner, RequestRow, Target } from "#mesh/request.ts"
import { AMBIGUOUS, UNKNOWN } from "#mesh/resource.ts"
import { portOf, portStart } from "./addresses.ts"
import { headerField, type LineView, makeLineReader } from "./line-view.ts"
import type { Reach } from "./reach.ts"
import { targetName } from "./reach.ts"
import { type ReplayAnswer, type ReplaySide, replay, replaySecondPass } from "./replay.ts"
import { hostRewrite, rewritesPath } from "./rewrite.ts"
import { type KeyField, RouteCache } from "./route-cache.ts"
import { liveClusters, type NamedRoute, type RouteNames } from "./route-names.ts"
import type { TableRow } from "./route-table/host-index.ts"
import { PathClasses } from "./route-table/path-classes.ts"
import { RouteTable } from "./route-table.ts"
import { type RouteLabels, unmatchedLabels } from "./rows.ts"
import type { HttpWay, Topology } from "./topology.ts"

/** What the route table and the names make of a line; the same for all lines of the same key. */
export interface Found {
  readonly row: RequestRow
  /** Undefined when neither cluster, host nor route tell one node. */
  readonly target: Target | undefined
  readonly grpc: boolean
  readonly doubt: Doubt | undefined
}

export interface PassDeps {
  readonly topology: Topology
  readonly interner: Interner
  readonly abilities: FormatAbilities | undefined
  readonly queryLogged: boolean
  readonly ways: readonly HttpWay[]
  readonly names: RouteNames
  readonly row: (labels: RouteLabels) => RequestRow
  /** Of a gateway's ingress pass. */
  readonly gateway: boolean
  /** It leads to a node. Not so the first pass of a gateway that has two: no node is part of its key. */
  readonly onward: boolean
  /** A gateway's first pass, when this is its second. */
  readonly before: Pass | undefined
}

/** What the line itself says about whether it found a route. */
export interface Routed {
  /** It says that none was found. */
  readonly none: boolean
  /** It does not say. */
  readonly open: boolean
}

/**
 * One pass of requests through a proxy: its route tables, their names, and what was found before. A sidecar's calls are
 * one pass, a gateway's ingress another, its egress a third.
 */
export class Pass {
  readonly side: ReplaySide
  readonly #deps: PassDeps
  readonly #cache: RouteCache<Found>
  readonly #read: (fact: AccessFact) => LineView
  readonly #routeNames = new Set<string>()
  /** Tables by the port that was called, where a side has several. */
  readonly #byPort = new Map<number, { readonly index: number; readonly side: ReplaySide }>()

  constructor(deps: PassDeps) {
    this.#deps = deps
    this.#read = makeLineReader(deps.abilities)
    const same = (a: TableRow, b: TableRow): boolean => this.#named(a)?.row === this.#named(b)?.row
    const tables = new Map<string, RouteTable>()
    for (const { filter, routes } of deps.ways) {
      if (routes !== undefined) tables.set(routes.name, new RouteTable(routes, filter, same))
    }
    const routes = allRoutes(deps.ways)
    const rewrites = routes.some((route) => rewritesPath(route) || hostRewrite(route) !== undefined)
    const names = deps.names.routes
    this.side = { tables: [...tables.values()], names, rewrites }
    if (tables.size > 1) {
      for (const [port, own] of Map.groupBy(deps.ways, portOfWay)) {
        const found = new Set(own.map((way) => way.routes && tables.get(way.routes.name)))
        const here = [...found].filter((table) => table !== undefined)
        if (port === undefined || here.length === 0) continue
        this.#byPort.set(port, { index: this.#byPort.size + 1, side: { tables: here, names, rewrites } })
      }
    }
    for (const { name } of routes) if (name !== "") this.#routeNames.add(name)
    const seen = [...routes, ...(deps.before?.side.names.keys() ?? [])]
    this.#cache = new RouteCache(keyFields(seen, deps.abilities), PathClasses.of(seen))
  }

  #named(row: TableRow): NamedRoute | undefined {
    return this.#deps.names.routes.get(row.route)
  }

  /** `view` is over the fact's bytes. */
  find(fact: AccessFact, view: DataView, reach: Reach | undefined, routed: Routed): Found {
    const own = this.#byPort.size === 0 ? undefined : this.#byPort.get(calledPort(fact))
    const told = (routed.none ? 1 : 0) + (routed.open ? 2 : 0) + (fact.grpcStatus >= 0 ? 4 : 0)
    const selector = ((reach?.id ?? 0) * 1024 + (own?.index ?? 0)) * 8 + told
    const known = this.#cache.find(view, fact.spans, selector)
    if (known !== undefined) return known
    const found = this.#resolve(this.#read(fact), reach, own?.side ?? this.side, routed)
    this.#cache.store(view, fact.spans, found)
    return found
  }

  #resolve(line: LineView, reach: Reach | undefined, side: ReplaySide, routed: Routed): Found {
    const nothing = line.path === undefined && line.original === undefined && line.either === undefined
    const { queryLogged, before, abilities } = this.#deps
    const hostless = line.authority === undefined && abilities?.fields.includes("authority") === true
    // Broken requests show no path or no host: Envoy refused them before it looked for a route.
    if (routed.none || ((nothing || hostless) && reach === undefined))
      return this.#unmatched(side, line, reach, undefined)
    const { routeName } = line
    // Envoy's own word; one that today's table lacks is of a table before.
    const known = routeName !== undefined && this.#routeNames.has(routeName)
    const question = {
      line,
      reach,
      routeName: known ? routeName : undefined,
      mayBeUnmatched: routed.open && !known,
      queryLogged,
    }
    const answer =
      before === undefined ? replay(side, question) : replaySecondPass(before.side, side, question)
    if (answer.rows.length === 0) return this.#unmatched(side, line, reach, "route_unmatched")
    return this.#found(answer, reach)
  }

  /** The service is the one that the authority names; else the one that the cluster is for, when it went to one. */
  #unmatched(side: ReplaySide, line: LineView, reach: Reach | undefined, doubt: Doubt | undefined): Found {
    const { authority } = line
    const { gateway, onward, names, row } = this.#deps
    const target = onward ? reach?.target : this.#deps.interner.target("")
    const hosts = authority === undefined ? [] : side.tables.map((table) => table.namedHost(authority))
    const host = hosts.find((one) => one !== undefined)
    if (host !== undefined || reach === undefined || gateway) {
      return { row: names.unmatched(host), target, grpc: false, doubt }
    }
    const services = new Set<string>()
    for (const [route, { labels }] of names.routes) {
      if (liveClusters(route).some((name) => reach.names.has(name))) services.add(labels.virtualService ?? "")
    }
    const [only] = services
    const service = services.size === 1 && only !== undefined && only !== "" ? only : UNKNOWN
    return { row: row(unmatchedLabels(service, false)), target, grpc: false, doubt }
  }

  #found(answer: ReplayAnswer, reach: Reach | undefined): Found {
    const { doubt, rows, ambiguous } = answer
    const [only] = rows
    const one = rows.length === 1 && only !== undefined ? this.#named(only) : undefined
    if (one !== undefined && !ambiguous) {
      return { row: one.row, target: this.#target(rows, reach), grpc: one.grpc, doubt }
    }
    const named = rows.map((row) => this.#named(row)).filter((known) => known !== undefined)
    const row = this.#deps.row(ambiguousLabels(named, this.#deps.gateway))
    return { row, target: this.#target(rows, reach), grpc: named.every((known) => known.grpc), doubt }
  }

  /** By cluster or host; else the node that all clusters of the rows stand for, as far as there is one. */
  #target(rows: readonly TableRow[], reach: Reach | undefined): Target | undefined {
    if (!this.#deps.onward) return this.#deps.interner.target("")
    if (reach?.target !== undefined) return reach.target
    const names = new Set<string | undefined>()
    for (const { route } of rows) {
      for (const name of liveClusters(route)) {
        if (reach !== undefined && !reach.names.has(name)) continue
        const known = this.#deps.topology.clusters.get(name)
        names.add(known === undefined ? undefined : targetName(known))
      }
    }
    const [only] = names
    return names.size === 1 && only !== undefined ? this.#deps.interner.target(only) : undefined
  }
}

/** The port that a way is for: the one that its chain asks for, else its listener's own. */
function portOfWay({ chain, listener }: HttpWay): number | undefined {
  return chain.destinationPort ?? listener.addresses[0]?.port
}

/** The port that was called, where the line tells the local address; -1 else. */
function calledPort({ bytes, spans }: AccessFact): number {
  const start = spans[Field.downstreamLocal * 2] ?? -1
  if (start < 0) return -1
  const end = spans[Field.downstreamLocal * 2 + 1] ?? start
  return portOf(bytes, portStart(bytes, start, end), end)
}

/** What the possible routes have in common; what differs is `(ambiguous)`. Also one route alone, when it may be none. */
function ambiguousLabels(named: readonly NamedRoute[], gateway: boolean): RouteLabels {
  const pick = (key: keyof RouteLabels): string => {
    const values = new Set(named.map(({ labels }) => labels[key] ?? ""))
    const [only] = values
    return values.size === 1 ? (only ?? "") : AMBIGUOUS
  }
  const virtualService = pick("virtualService")
  if (gateway) return { gatewayRoute: AMBIGUOUS, virtualService }
  const virtualRouter = pick("virtualRouter")
  return {
    virtualService,
    ...(virtualRouter === AMBIGUOUS ? {} : { virtualRouter }),
    route: AMBIGUOUS,
  }
}

function allRoutes(ways: readonly HttpWay[]): EnvoyRoute[] {
  return ways.flatMap((way) => way.routes?.virtualHosts.flatMap((host) => host.routes) ?? [])
}

/** The fields that the tables look at: host, path and method always, headers where a route asks for them. */
function keyFields(routes: readonly EnvoyRoute[], abilities: FormatAbilities | undefined): KeyField[] {
  const cut = routes.every((route) => route.match.query.length === 0)
  const fields: KeyField[] = [
    { field: Field.method, cut: false },
    { field: Field.authority, cut: false },
    { field: Field.path, cut },
    { field: Field.originalPath, cut },
    { field: Field.eitherPath, cut },
  ]
  const named = routes.some(({ name }) => name !== "")
  if (named && abilities?.fields.includes("routeName") === true)
    fields.push({ field: Field.routeName, cut: false })
  const headers = new Set<number>()
  for (const { match } of routes) {
    if (match.grpc) headers.add(Field.contentType)
    for (const { name } of match.headers) {
      const field = headerField(name, abilities)
      if (field !== undefined) headers.add(field)
    }
  }
  for (const field of headers) fields.push({ field, cut: false })
  return fields
}
