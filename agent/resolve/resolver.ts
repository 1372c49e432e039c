import type { FormatAbilities } from "#mesh/access.ts"
import type { DeclaredModel } from "#mesh/declared.ts"
import type { ClusterHost, ProxyConfig, ProxyIdentity } from "#mesh/proxy.ts"
import type { Interner, RequestRow, Resolver, StatsPlan } from "#mesh/request.ts"
import { UNDECLARED } from "#mesh/resource.ts"
import { commonChainless } from "./chainless.ts"
import { DeclaredIndex } from "./declared-index.ts"
import type { IdentityHint } from "./dialects/dialect.ts"
import { dialectOf } from "./dialects/dialects.ts"
import { type HealthCheckConfig, HealthChecks } from "./health-checks.ts"
import { LineResolver } from "./line-resolver.ts"
import { type Missing, missingOf, missingOnPage } from "./missing.ts"
import { NamedLineResolver } from "./named-line.ts"
import { Pass } from "./pass.ts"
import { PassThrough } from "./pass-through.ts"
import { type Provenances, provenancesOf, provenancesUnread, provenanceWord } from "./provenance.ts"
import { Reaches } from "./reach.ts"
import { gatewayNames, type NamingDeps, outboundNames, type RouteNames } from "./route-names.ts"
import { makeRows } from "./rows.ts"
import { SideByAnswer } from "./side-by-answer.ts"
import { Sides } from "./sides.ts"
import { statsPlan } from "./stats-plan.ts"
import { tcpRows } from "./tcp-rows.ts"
import { type HttpWay, type Side, type Topology, topologyOf } from "./topology.ts"

export interface ResolverDeps {
  readonly config: ProxyConfig
  /** What discovery knows; the node id of the configuration wins where the dialect can read it. */
  readonly identity: IdentityHint
  readonly declared?: DeclaredModel
  readonly interner: Interner
  /** Paths of access logs that the agent can read, e.g. `/dev/stdout` where discovery found the container's log. */
  readonly readableLogs: ReadonlySet<string>
  /** What the format of the lines can tell. Without it, a header that a line does not hold is unknown, never absent. */
  readonly abilities?: FormatAbilities
  /** False when the format cuts queries off. */
  readonly queryLogged?: boolean
  readonly healthChecks?: HealthCheckConfig
  /** Hosts by `/clusters`, for lines that tell no cluster. */
  readonly hosts?: readonly ClusterHost[]
  /** Nobody can read the configuration: `config` holds the node at most, and names come from lines, if from anywhere. */
  readonly unread?: boolean
  /** A page of stats whose series are named can be read, though the configuration cannot. */
  readonly paged?: boolean
}

export interface Resolving {
  readonly resolver: Resolver
  readonly plan: StatsPlan
  readonly identity: ProxyIdentity
  readonly provenances: Provenances
  readonly provenance: ReturnType<typeof provenanceWord>
  /** What the target's state says is missing. */
  readonly missing: readonly Missing[]
  /** Sentences for the user: names that were guessed by order, resources that are not declared, unread clusters. */
  readonly notes: readonly string[]
  /** False where nobody can tell what a line is about. */
  readonly namesLines: boolean
  /** New members by `/clusters`. */
  setHosts(hosts: readonly ClusterHost[]): void
}

const MAX_NOTES = 64

/**
 * Everything that names the requests of one proxy in one configuration. Made anew when configuration or declared model
 * changes; pure, and the resolver never throws on any line.
 */
export function makeResolver(deps: ResolverDeps): Resolving {
  const notes = new Set<string>()
  const note = (sentence: string): void => {
    if (notes.size < MAX_NOTES) notes.add(sentence)
  }
  const naming = namingOf(deps, note)
  const { identity, topology, declared, rows, dialect } = naming
  const outbound = outboundNames(waysOf(topology, "outbound"), naming, UNDECLARED)
  const gateway = gatewayNames(identity.role === "gateway" ? waysOf(topology, "inbound") : [], naming)
  const tcp = tcpRows(topology, declared, rows, identity.resource)
  const { interner, readableLogs, unread = false } = deps
  const byLine = unread && dialect.namesLines === true
  const provenances = byLine
    ? provenancesUnread(readableLogs, deps.paged === true)
    : provenancesOf(topology, readableLogs)
  const { listeners } = deps.config
  const reaches = new Reaches(topology, interner)
  if (deps.hosts !== undefined) reaches.setHosts(deps.hosts)
  const named = { outbound: outbound.routes, gateway: gateway.routes, tcp }
  const known = { identity, dialect, listeners, topology, interner, rows, provenances, readableLogs }
  return {
    resolver: byLine
      ? new NamedLineResolver({ dialect, identity, interner, rows, declared })
      : lineResolver(deps, naming, { outbound, gateway, tcp, reaches }),
    plan: statsPlan({ ...known, ...named, named: deps.config.names !== undefined }),
    identity,
    provenances,
    provenance: byLine ? provenances.http.outbound : provenanceWord(topology, provenances),
    missing:
      byLine && deps.paged === true
        ? missingOnPage(topology, identity.role, declared.known)
        : missingOf(topology, provenances, declared.known, deps.config.stats?.kept),
    notes: [...notes],
    namesLines: byLine || !unread,
    setHosts: (hosts) => reaches.setHosts(hosts),
  }
}

function namingOf(deps: ResolverDeps, note: (sentence: string) => void): NamingDeps {
  const dialect = dialectOf(deps.config, deps.identity)
  const identity = dialect.identify(deps.config, deps.identity, deps.declared)
  noteIdentity(deps.identity, identity, note)
  const topology = topologyOf(deps.config, dialect, identity)
  for (const { meaning } of topology.clusters.values()) if (meaning.kind === "unknown") note(meaning.why)
  const declared = new DeclaredIndex(deps.declared, identity)
  return { dialect, identity, topology, declared, rows: makeRows(identity, deps.interner), note }
}

function waysOf(topology: Topology, side: Side): HttpWay[] {
  return topology.http.filter((way) => way.side === side)
}

interface Names {
  readonly outbound: RouteNames
  readonly gateway: RouteNames
  readonly tcp: ReadonlyMap<string, RequestRow>
  readonly reaches: Reaches
}

function lineResolver(deps: ResolverDeps, naming: NamingDeps, names: Names): LineResolver {
  const { identity, topology, rows, declared, dialect } = naming
  const { interner, abilities } = deps
  const common = { topology, interner, abilities, queryLogged: deps.queryLogged ?? true }
  const first =
    identity.role === "gateway"
      ? new Pass({
          ...common,
          ways: waysOf(topology, "inbound"),
          names: names.gateway,
          row: rows.gateway,
          gateway: true,
          onward: topology.onePass,
          before: undefined,
        })
      : undefined
  const calls = new Pass({
    ...common,
    ways: waysOf(topology, "outbound"),
    names: names.outbound,
    row: rows.source,
    gateway: false,
    onward: true,
    before: topology.onePass ? undefined : first,
  })
  return new LineResolver({
    dialect,
    identity,
    interner,
    rows,
    reaches: names.reaches,
    passThrough: new PassThrough(topology, names.reaches),
    tcp: names.tcp,
    chainless: commonChainless(deps.config.listeners, { identity, dialect, rows, interner }),
    first,
    calls,
    onePass: topology.onePass,
    sides: new Sides(deps.config, identity, topology),
    answers: new SideByAnswer(topology, calls.side),
    healthChecks: new HealthChecks(
      declared.healthCheckPaths(identity),
      deps.healthChecks,
      first === undefined ? undefined : [...names.gateway.routes.keys()],
    ),
    nodes: knownNodes(topology),
    clusterLogged: abilities?.fields.includes("upstreamCluster") ?? false,
  })
}

function noteIdentity(hint: IdentityHint, read: ProxyIdentity, note: (sentence: string) => void): void {
  if (hint.resource !== undefined && hint.resource !== "" && hint.resource !== read.resource) {
    note(`discovery takes the proxy for ${hint.resource}, its own configuration says ${read.resource}`)
  }
}

function knownNodes(topology: Topology): ReadonlySet<string> {
  const nodes = new Set<string>()
  for (const { meaning } of topology.clusters.values()) if (meaning.kind === "node") nodes.add(meaning.node)
  return nodes
}
