import { type AccessFact, Field } from "#mesh/access.ts"
import { NO_ROUTE } from "#mesh/flags.ts"
import type { Cluster, ProxyIdentity } from "#mesh/proxy.ts"
import type { Doubt, Interner, RequestRow, Resolution, Resolver, Target } from "#mesh/request.ts"
import { UNKNOWN } from "#mesh/resource.ts"
import type { Chainless } from "./chainless.ts"
import type { Dialect } from "./dialects/dialect.ts"
import type { HealthChecks } from "./health-checks.ts"
import type { Found, Pass, Routed } from "./pass.ts"
import type { PassThrough } from "./pass-through.ts"
import type { Reach, Reaches } from "./reach.ts"
import type { Rows } from "./rows.ts"
import type { SideByAnswer } from "./side-by-answer.ts"
import type { Sides } from "./sides.ts"
import type { Side } from "./topology.ts"
import { LineWords } from "./words.ts"

export interface LineDeps {
  readonly dialect: Dialect
  readonly identity: ProxyIdentity
  readonly interner: Interner
  readonly rows: Rows
  readonly reaches: Reaches
  readonly passThrough: PassThrough
  readonly tcp: ReadonlyMap<string, RequestRow>
  /** Undefined where listeners differ in it, or calls leave by none. */
  readonly chainless: Chainless | undefined
  /** A gateway's ingress pass. */
  readonly first: Pass | undefined
  readonly calls: Pass
  /** A gateway whose ingress pass leads to a node at once: a request is of no other side. */
  readonly onePass: boolean
  readonly sides: Sides
  readonly answers: SideByAnswer
  readonly healthChecks: HealthChecks
  readonly nodes: ReadonlySet<string>
  /** The format tells the cluster: a line without one is of a request that never got as far. */
  readonly clusterLogged: boolean
}

/** Where a line's request went, when no cluster of today's configuration has the name that it tells. */
interface OldCluster {
  readonly side: Side | undefined
  readonly target: Target | undefined
}

/** Resolves lines of one proxy; one result object, written anew by each call. */
export class LineResolver implements Resolver {
  readonly #deps: LineDeps
  readonly #own: Target
  readonly #none: Target
  readonly #unknown: Target
  readonly #result: { -readonly [key in keyof Resolution]: Resolution[key] }
  readonly #unknownCall: RequestRow
  readonly #words = new LineWords()
  readonly #routed: { -readonly [key in keyof Routed]: Routed[key] } = { none: false, open: false }

  constructor(deps: LineDeps) {
    this.#deps = deps
    this.#own = deps.interner.target(deps.identity.resource)
    this.#none = deps.interner.target("")
    this.#unknown = deps.interner.target(UNKNOWN)
    this.#unknownCall = deps.rows.source({ virtualService: UNKNOWN })
    this.#result = {
      kind: "undecided",
      row: deps.rows.destination,
      target: this.#none,
      protocol: 0,
      doubt: undefined,
    }
  }

  resolve(fact: AccessFact): Resolution {
    const { bytes, spans } = fact
    const view = this.#words.of(bytes)
    const cluster = spans[Field.upstreamCluster * 2] ?? -1
    const host = spans[Field.upstreamHost * 2] ?? -1
    let reach: Reach | undefined
    let old: OldCluster | undefined
    if (cluster >= 0) {
      const end = spans[Field.upstreamCluster * 2 + 1] ?? cluster
      reach = this.#deps.reaches.byCluster(view, cluster, end)
      if (reach === undefined)
        old = this.#oldCluster(bytes.toString("utf8", cluster, Math.min(end, cluster + 1024)))
    } else if (host >= 0) {
      reach = this.#deps.reaches.byHost(view, host, spans[Field.upstreamHost * 2 + 1] ?? host)
    }
    const side = old?.side ?? this.#deps.sides.of(fact, view, reach)
    if (fact.kind === "tcp") {
      if (side === "outbound" && cluster < 0) return this.#tcpByHost(fact, reach)
      return this.#tcp(fact, reach, old, side)
    }
    const sure = this.#deps.onePass
      ? "inbound"
      : (side ?? this.#deps.answers.of(fact) ?? this.#sideByAuthority(fact))
    return this.#http(fact, view, reach, old, sure, cluster >= 0, host >= 0)
  }

  /** A cluster that the configuration no longer has: lines come late. What its name tells is used, but never kept. */
  #oldCluster(name: string): OldCluster {
    const cluster: Cluster = { name, statName: name, type: "", endpoints: [], tags: {}, circuitBreakers: {} }
    const meaning = this.#deps.dialect.cluster(cluster, this.#deps.identity)
    if (meaning.kind !== "node") return { side: undefined, target: undefined }
    const known = this.#deps.nodes.has(meaning.node)
    return { side: meaning.direction, target: known ? this.#deps.interner.target(meaning.node) : undefined }
  }

  /** The last resort, which a caller can fake: an authority that a virtual host of the outgoing side names. */
  #sideByAuthority(fact: AccessFact): Side | undefined {
    const start = fact.spans[Field.authority * 2] ?? -1
    if (start >= 0) {
      const authority = fact.bytes.toString("utf8", start, fact.spans[Field.authority * 2 + 1])
      if (this.#deps.calls.side.tables.some((table) => table.namedHost(authority) !== undefined))
        return "outbound"
    }
    // What found no route at a gateway's ingress keeps the caller's host; the second pass has the virtual service's.
    return this.#deps.identity.role === "gateway" ? "inbound" : undefined
  }

  #http(
    fact: AccessFact,
    view: DataView,
    reach: Reach | undefined,
    old: OldCluster | undefined,
    side: Side | undefined,
    cluster: boolean,
    host: boolean,
  ): Resolution {
    if (side === undefined)
      return this.#give("undecided", this.#deps.rows.destination, this.#none, 0, "direction")
    const { first, calls, rows, healthChecks, onePass } = this.#deps
    const entering = side === "inbound" || first !== undefined
    const isCheck = entering && healthChecks.takes(fact)
    // A checker's path that the line may not show truly: it hides traffic as a check, or a check as traffic.
    const claimed = isCheck || (entering && healthChecks.claims(fact))
    const forged = claimed && healthChecks.forgeable(fact) ? "forgeable" : undefined
    if (side === "inbound" && first === undefined) {
      const kind = isCheck ? "health_check" : "request"
      return this.#give(
        kind,
        rows.destination,
        this.#own,
        protocolOf(fact, reach?.grpc === true),
        doubtOf(fact, forged),
      )
    }
    // A gateway's second pass of a health check was counted at its first.
    if (isCheck && side === "outbound")
      return this.#give("health_check", this.#unknownCall, this.#none, 0, doubtOf(fact, forged))
    const pass = side === "inbound" ? (first ?? calls) : calls
    const found = pass.find(fact, view, reach, this.#routedBy(fact, reach, host))
    const target = this.#targetOf(found, old, cluster, host, pass === first && !onePass)
    const doubt =
      found.doubt ?? forged ?? (target === this.#unknown ? (cluster ? "cluster" : "host") : undefined)
    const grpc = found.grpc || reach?.grpc === true
    return this.#give(
      isCheck ? "health_check" : "request",
      found.row,
      target,
      protocolOf(fact, grpc),
      doubtOf(fact, doubt),
    )
  }

  /** `NR` says that no route was found. Without flags a line that went nowhere may be of such a request. */
  #routedBy(fact: AccessFact, reach: Reach | undefined, host: boolean): Routed {
    this.#routed.none = fact.flags > 0 && (fact.flags & NO_ROUTE) !== 0
    this.#routed.open = fact.flags < 0 && reach === undefined && !host
    return this.#routed
  }

  #targetOf(
    found: Found,
    old: OldCluster | undefined,
    cluster: boolean,
    host: boolean,
    first: boolean,
  ): Target {
    if (first || (this.#deps.clusterLogged && !cluster && !host)) return this.#none
    const target = old?.target ?? found.target
    if (target !== undefined) return target
    return cluster || host ? this.#unknown : this.#none
  }

  #tcp(
    fact: AccessFact,
    reach: Reach | undefined,
    old: OldCluster | undefined,
    side: Side | undefined,
  ): Resolution {
    const { rows } = this.#deps
    if (side === undefined) return this.#give("undecided", rows.destination, this.#none, 0, "direction")
    if (side === "inbound") return this.#give("tcp", rows.destination, this.#own, 0, doubtOf(fact, undefined))
    const target = reach?.target ?? old?.target ?? this.#unknown
    const doubt = doubtOf(fact, target === this.#unknown ? "cluster" : undefined)
    return this.#give("tcp", this.#tcpRow(reach), target, 0, doubt)
  }

  /** The format tells no cluster. Who is called by address, and not by the service's port, passes by the service. */
  #tcpByHost(fact: AccessFact, reach: Reach | undefined): Resolution {
    const { passThrough, tcp, chainless } = this.#deps
    if (chainless !== undefined && beginsWith(fact, Field.details, NO_CHAIN)) {
      const doubt = chainless.target === this.#unknown ? "host" : undefined
      return this.#give("tcp", chainless.row, chainless.target, 0, doubtOf(fact, doubt))
    }
    const past = passThrough.of(fact)
    if (reach !== undefined && someIn(reach.names, tcp)) {
      const row = past === undefined ? this.#tcpRow(reach) : this.#unknownCall
      const doubt = past === undefined ? undefined : "forgeable"
      return this.#give("tcp", row, reach.target ?? this.#unknown, 0, doubtOf(fact, doubt))
    }
    if (past === undefined || passThrough.mayBeService(fact))
      return this.#give("tcp", this.#unknownCall, this.#unknown, 0, doubtOf(fact, "host"))
    const row = this.#tcpRow(past.reach)
    const target = past.reach.target ?? this.#unknown
    return this.#give("tcp", row, target, 0, doubtOf(fact, past.sure ? undefined : "forgeable"))
  }

  #tcpRow(reach: Reach | undefined): RequestRow {
    const unknown = this.#unknownCall
    if (reach === undefined) return unknown
    let row: RequestRow | undefined
    for (const name of reach.names) {
      const one = this.#deps.tcp.get(name)
      if (one === undefined) continue
      if (row !== undefined && row !== one) return unknown
      row = one
    }
    return row ?? unknown
  }

  #give(
    kind: Resolution["kind"],
    row: RequestRow,
    target: Target,
    protocol: number,
    doubt: Doubt | undefined,
  ): Resolution {
    const result = this.#result
    result.kind = kind
    result.row = row
    result.target = target
    result.protocol = protocol
    result.doubt = doubt
    return result
  }
}

function someIn(names: ReadonlySet<string>, known: ReadonlyMap<string, unknown>): boolean {
  for (const name of names) if (known.has(name)) return true
  return false
}

function doubtOf(fact: AccessFact, doubt: Doubt | undefined): Doubt | undefined {
  return doubt ?? (fact.doubtful ? "forgeable" : undefined)
}

const GRPC_TYPE = Buffer.from("application/grpc")
const HTTP = Buffer.from("HTTP/")
/** What a listener's own log says of a connection that no filter chain took. */
const NO_CHAIN = Buffer.from("filter_chain_not_found")

/** Index into `PROTOCOLS`: gRPC by route, answer or content type; HTTP/2 and later as http2. */
function protocolOf(fact: AccessFact, grpc: boolean): number {
  if (grpc || fact.grpcStatus >= 0 || beginsWith(fact, Field.contentType, GRPC_TYPE)) return 2
  if (!beginsWith(fact, Field.protocol, HTTP)) return 0
  const major = fact.bytes[(fact.spans[Field.protocol * 2] ?? 0) + HTTP.length] ?? 0
  return major >= 0x32 ? 1 : 0
}

function beginsWith({ bytes, spans }: AccessFact, field: number, wanted: Buffer): boolean {
  const start = spans[field * 2] ?? -1
  if (start < 0 || (spans[field * 2 + 1] ?? 0) - start < wanted.length) return false
  for (let index = 0; index < wanted.length; index += 1)
    if (bytes[start + index] !== wanted[index]) return false
  return true
}
