import type { FormatAbilities } from "#mesh/access.ts"
import type { DeclaredModel } from "#mesh/declared.ts"
import type { ClusterHost, ProxyConfig, ProxyIdentity } from "#mesh/proxy.ts"
import type { Interner, Resolver, StatsPlan } from "#mesh/request.ts"
import { UNDECLARED } from "#mesh/resource.ts"
import { DeclaredIndex } from "./declared-index.ts"
import type { IdentityHint } from "./dialects/dialect.ts"
import { dialectOf } from "./dialects/dialects.ts"
import { type HealthCheckConfig, HealthChecks } from "./health-checks.ts"
import { LineResolver } from "./line-resolver.ts"
import { type Missing, missingOf } from "./missing.ts"
import { Pass } from "./pass.ts"
import { type Provenances, provenancesOf } from "./provenance.ts"
import { Reaches } from "./reach.ts"
import { gatewayNames, outboundNames } from "./route-names.ts"
import { makeRows } from "./rows.ts"
import { Sides } from "./sides.ts"
import { statsPlan } from "./stats-plan.ts"
import { tcpRows } from "./tcp-rows.ts"
import { type Side, type Topology, topologyOf } from "./topology.ts"

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
}

export interface Resolving {
  readonly resolver: Resolver
  readonly plan: StatsPlan
  readonly identity: ProxyIdentity
  readonly provenances: Provenances
  /** What the target's state says is missing. */
  readonly missing: readonly Missing[]
  /** Sentences for the user: names that were guessed by order, resources that are not declared, unread clusters. */
  readonly notes: readonly string[]
  /** New members by `/clusters`. */
  setHosts(hosts: readonly ClusterHost[]): void
}

const MAX_NOTES = 64

/**
 * Everything that names the requests of one proxy in one configuration. Made anew when configuration or declared model
 * changes; pure, and the resolver never throws on any line.
 */
export function makeResolver(deps: ResolverDeps): Resolving {
  const dialect = dialectOf(deps.config, deps.identity)
  const identity = dialect.identify(deps.config, deps.identity)
  const notes = new Set<string>()
  const note = (sentence: string): void => {
    if (notes.size < MAX_NOTES) notes.add(sentence)
  }
  noteIdentity(deps.identity, identity, note)
  const topology = topologyOf(deps.config, dialect, identity)
  for (const { meaning } of topology.clusters.values()) if (meaning.kind === "unknown") note(meaning.why)
  const declared = new DeclaredIndex(deps.declared, identity)
  const rows = makeRows(identity, deps.interner)
  const naming = { dialect, identity, topology, declared, rows, note }
  const ways = (side: Side) => topology.http.filter((way) => way.side === side)
  const outbound = outboundNames(ways("outbound"), naming, UNDECLARED)
  const gateway = gatewayNames(identity.role === "gateway" ? ways("inbound") : [], naming)
  const tcp = tcpRows(topology, declared, rows, identity.resource)
  const provenances = provenancesOf(topology, deps.readableLogs)
  const { interner } = deps
  const parts = {
    ...deps,
    abilities: deps.abilities,
    queryLogged: deps.queryLogged ?? true,
    topology,
    before: undefined,
  }
  const first =
    identity.role === "gateway"
      ? new Pass({ ...parts, ways: ways("inbound"), names: gateway, row: rows.gateway, gateway: true })
      : undefined
  const calls = new Pass({
    ...parts,
    ways: ways("outbound"),
    names: outbound,
    row: rows.source,
    gateway: false,
    before: first,
  })
  const reaches = new Reaches(topology, interner)
  if (deps.hosts !== undefined) reaches.setHosts(deps.hosts)
  const resolver = new LineResolver({
    dialect,
    identity,
    interner,
    rows,
    reaches,
    tcp,
    first,
    calls,
    sides: new Sides(deps.config, identity, topology),
    healthChecks: new HealthChecks(declared.healthCheckPaths(identity), deps.healthChecks),
    nodes: knownNodes(topology),
  })
  return {
    resolver,
    plan: statsPlan({
      identity,
      topology,
      interner,
      rows,
      provenances,
      outbound: outbound.routes,
      gateway: gateway.routes,
      tcp,
    }),
    identity,
    provenances,
    missing: missingOf(topology, provenances, declared.known),
    notes: [...notes],
    setHosts: (hosts) => reaches.setHosts(hosts),
  }
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
