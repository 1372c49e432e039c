import { type AccessFact, Field, makeAccessFact } from "#mesh/access.ts"
import type { EnvoyRoute, ProxyConfig } from "#mesh/proxy.ts"
import { makeInterner } from "#mesh/request.ts"
import { makeResolver } from "../agent/resolve/resolver.ts"
import { type BenchResult, printAlone } from "./result.ts"

const MOST_REPEATED_NS = 300
const MOST_FRESH_NS = 3000
const HOSTS = 4
const ROUTES_PER_HOST = 500
const MESH = "bench"

function clusterName(host: number): string {
  return `cds_egress_${MESH}_backend-${host}_prod_http_8080`
}

function routeOf(host: number, index: number): EnvoyRoute {
  // One in five is an exact path, one in twenty a pattern, the last of each host takes the rest.
  const last = index === ROUTES_PER_HOST - 1
  const exact = index % 5 === 0
  const pattern = index % 20 === 1
  const value = last ? "/" : pattern ? `/api/v${index}/[a-z]+/\\d+` : `/api/v${index}/${exact ? "items" : ""}`
  return {
    name: "",
    match: {
      kind: pattern && !last ? "regex" : exact && !last ? "path" : "prefix",
      value,
      caseSensitive: true,
      headers: index % 7 === 3 ? [methodIs("GET")] : [],
      query: [],
      grpc: false,
      fractional: false,
    },
    action: { kind: "route", clusters: [{ name: clusterName(host), weight: 1 }], retries: 0 },
    requestHeadersToAdd: [],
    tags: {},
  }
}

function routesOf(host: number): EnvoyRoute[] {
  return Array.from({ length: ROUTES_PER_HOST }, (_, index) => routeOf(host, index))
}

function methodIs(exact: string): EnvoyRoute["match"]["headers"][number] {
  return { name: ":method", match: { exact }, invert: false, treatMissingAsEmpty: false }
}

/** A sidecar with 4 virtual services of 500 routes each behind one port. */
function config(): ProxyConfig {
  const hosts = Array.from({ length: HOSTS }, (_, host) => ({
    name: `backend-${host}.prod.svc.cluster.local`,
    domains: [`backend-${host}.prod.svc.cluster.local`, `backend-${host}.prod.svc.cluster.local:8080`],
    routes: routesOf(host),
  }))
  const clusters = Array.from({ length: HOSTS }, (_, host) => ({
    name: clusterName(host),
    statName: clusterName(host),
    type: "EDS",
    endpoints: [],
    tags: { TargetVirtualNode: `backend-${host}_prod` },
    circuitBreakers: {},
  }))
  const filter = {
    kind: "http",
    statPrefix: "egress",
    routeConfig: "rds_egress_http_8080",
    accessLogs: [{ path: "/dev/stdout", format: { kind: "default" } }],
    normalizePath: true,
    mergeSlashes: true,
  } as const
  const id = `mesh/${MESH}/virtualNode/front_prod`
  return {
    node: { id, cluster: id, metadata: {}, version: "1.40.0" },
    listeners: [
      {
        name: "lds_egress_0.0.0.0_15001",
        statPrefix: "0.0.0.0_15001",
        direction: "outbound",
        addresses: [{ host: "0.0.0.0", port: 15_001 }],
        chains: [{ name: "", destinationPort: 8080, serverNames: [], filter }],
        accessLogs: [],
      },
    ],
    routeConfigs: [{ name: "rds_egress_http_8080", virtualHosts: hosts }],
    clusters,
    versions: {},
    updatedMs: undefined,
  }
}

interface Line {
  readonly host: number
  readonly path: string
}

/** Lines in one buffer, as the decoder of the recommended JSON format hands them out of a chunk. */
function factsOf(lines: readonly Line[]): AccessFact[] {
  const facts = lines.map(() => makeAccessFact())
  let text = ""
  for (const [index, { host, path }] of lines.entries()) {
    const fields: [number, string][] = [
      [Field.authority, `backend-${host}.prod.svc.cluster.local:8080`],
      [Field.downstreamLocal, "10.100.7.9:8080"],
      [Field.method, "GET"],
      [Field.path, path],
      [Field.protocol, "HTTP/1.1"],
      [Field.upstreamCluster, clusterName(host)],
      [Field.upstreamHost, "10.0.3.7:8080"],
      [Field.userAgent, "okhttp/4.12.0"],
    ]
    for (const [field, value] of fields) {
      facts[index]?.spans.set([text.length, text.length + value.length], field * 2)
      text += `${value}","`
    }
  }
  const bytes = Buffer.from(text)
  for (const fact of facts) Object.assign(fact, { bytes, code: 200, flags: 0 })
  return facts
}

function pathOf(index: number, id: number): string {
  const version = index % ROUTES_PER_HOST
  return `/api/v${version}/${index % 5 === 0 ? "items" : `orders/${id}`}`
}

const WARM_ROUNDS = 20
const ROUNDS = 61
/** How often lines that come again do so in one turn: else a turn is too short to get over what the other left. */
const PASSES = 5
const LINES = 2000

type Work = (fact: AccessFact) => unknown

/** Medians over many short rounds, in which both take turns on the same lines, ns CPU per line. */
function mediansNs(
  lines: () => readonly AccessFact[],
  passes: number,
  ours: Work,
  peer: Work,
): { ours: number; peer: number } {
  const times: { ours: number[]; peer: number[] } = { ours: [], peer: [] }
  for (let round = 0; round < WARM_ROUNDS + ROUNDS; round += 1) {
    const batch = lines()
    const [oursNs, peerNs] = [nsPerLine(batch, passes, ours), nsPerLine(batch, passes, peer)]
    if (round < WARM_ROUNDS) continue
    times.ours.push(oursNs)
    times.peer.push(peerNs)
  }
  return { ours: median(times.ours), peer: median(times.peer) }
}

function nsPerLine(batch: readonly AccessFact[], passes: number, work: Work): number {
  const before = process.cpuUsage()
  for (let pass = 0; pass < passes; pass++) for (const fact of batch) work(fact)
  const used = process.cpuUsage(before)
  return ((used.user + used.system) * 1000) / (batch.length * passes)
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[times.length >> 1] ?? Number.NaN
}

/** The peer: a plain walk over the rows of the line's virtual host, patterns as native ones, without naming or doubt. */
function plainWalk(proxy: ProxyConfig): (fact: AccessFact) => EnvoyRoute | undefined {
  const hosts = new Map<string, readonly EnvoyRoute[]>()
  const patterns = new Map<EnvoyRoute, RegExp>()
  for (const { domains, routes } of proxy.routeConfigs.flatMap((routeConfig) => routeConfig.virtualHosts)) {
    for (const domain of domains) hosts.set(domain, routes)
    for (const route of routes) {
      if (route.match.kind === "regex") patterns.set(route, new RegExp(`^(?:${route.match.value})$`))
    }
  }
  return (fact) => {
    const path = textOf(fact, Field.path)
    return hosts.get(textOf(fact, Field.authority))?.find((route) => {
      const { kind, value, headers } = route.match
      if (headers.length > 0 && textOf(fact, Field.method) !== headers[0]?.match?.exact) return false
      if (kind === "path") return path === value
      return kind === "prefix" ? path.startsWith(value) : patterns.get(route)?.test(path)
    })
  }
}

function textOf(fact: AccessFact, field: number): string {
  return fact.bytes.toString("latin1", fact.spans[field * 2], fact.spans[field * 2 + 1])
}

/** P7b: resolve one request at a table of 2,000 routes, on paths that come again and on paths never seen. */
export async function resolveBench(): Promise<BenchResult[]> {
  const proxy = config()
  const { resolver } = makeResolver({
    config: proxy,
    identity: { proxy: "bench" },
    interner: makeInterner(),
    readableLogs: new Set(["/dev/stdout"]),
  })
  const walk = plainWalk(proxy)
  const repeated = factsOf(
    Array.from({ length: LINES }, (_, index) => ({ host: index % HOSTS, path: pathOf(index % 500, 7) })),
  )
  checkEqual(repeated, (fact) => resolver.resolve(fact).row.id, walk)
  let id = 1000
  const fresh = (): AccessFact[] =>
    factsOf(
      Array.from({ length: LINES }, (_, index) => {
        id += 1
        return { host: index % HOSTS, path: `/api/v${(index % 499) | 1}/orders/${id}` }
      }),
    )
  checkEqual(fresh(), (fact) => resolver.resolve(fact).row.id, walk)
  const resolve = (fact: AccessFact): unknown => resolver.resolve(fact)
  const common = {
    id: "P7b",
    unit: "ns CPU per request",
    beside: `the peer only finds Envoy's route: it names nothing and looks for no doubt, so it does less, and remembers no path. Medians of ${ROUNDS} rounds of ${LINES.toLocaleString("en")} lines. Lines of one route by the peer have one row by ours and those of different routes different ones; names are not compared`,
  }
  return [
    {
      ...common,
      what: "resolve one request, 2,000 routes, repeated paths, against a plain walk",
      ...mediansNs(() => repeated, PASSES, resolve, walk),
      goal: { most: MOST_REPEATED_NS },
    },
    {
      ...common,
      what: "resolve one request, 2,000 routes, paths never seen, against a plain walk",
      ...mediansNs(fresh, 1, resolve, walk),
      goal: { most: MOST_FRESH_NS },
    },
  ]
}

/** Lines of one route by the walk must have one row by the resolver, and those of different routes different ones. */
function checkEqual(
  facts: readonly AccessFact[],
  row: (fact: AccessFact) => number,
  walk: (fact: AccessFact) => EnvoyRoute | undefined,
): void {
  const rows = new Map<EnvoyRoute | undefined, number>()
  for (const fact of facts) {
    const route = walk(fact)
    const found = row(fact)
    if ((rows.get(route) ?? found) !== found) throw new Error("the resolver and the plain walk differ")
    rows.set(route, found)
  }
  if (new Set(rows.values()).size !== rows.size) {
    throw new Error("the resolver joins what the plain walk keeps apart")
  }
}

if (import.meta.main) await printAlone(resolveBench)
