import type { TruthCount } from "../../../demo/truth.ts"
import type { Outcome } from "../../../mesh/outcome.ts"
import type { Counts } from "../rig/counts.ts"

/** What the plan claims to meet in yelb-extended.yaml, written by hand: each with at least `FLOOR` requests. */
export const FLOOR = 10

const ALL = ["ok", "client_error", "error", "aborted"] as const
const APP = ["yelb-appserver-virtual-node", "yelb-appserver-virtual-node-v2"]

interface Way {
  readonly route: string
  readonly nodes: readonly string[]
  readonly outcomes: readonly Outcome[]
}

/** Routes of callers, with the nodes that they lead to; the declared weight is 1 everywhere. */
const ROUTES: readonly Way[] = [
  { route: "canary", nodes: APP.slice(1), outcomes: ["ok"] },
  { route: "getvotes", nodes: APP, outcomes: ["ok"] },
  { route: "hostname", nodes: APP, outcomes: ["ok", "error"] },
  { route: "route-to-yelb-appserver", nodes: APP, outcomes: ALL },
  { route: "recommend", nodes: APP.slice(0, 1), outcomes: ALL },
]

export const WEIGHTS: Counts = Object.fromEntries(
  ROUTES.flatMap(({ route, nodes }) => nodes.map((node) => [`route=${route} virtual_node=${node}`, 1])),
)

const each = (where: string, outcomes: readonly Outcome[]): string[] =>
  outcomes.map((outcome) => `${where} ${outcome}`)

const CLAIMS: readonly string[] = [
  ...each("yelbui-gatewayroute_yelb", ALL),
  ...each("yelbapp-gatewayroute_yelb", ALL),
  ...ROUTES.flatMap(({ route, nodes, outcomes }) =>
    nodes.flatMap((node) => each(`${route} ${node}`, outcomes)),
  ),
  ...each("yelb-ui yelb-ui-virtual-node", ALL),
  ...each("yelb-empty (unmatched)", ["error"]),
  ...each("(undeclared) (unmatched)", ["error"]),
  "a time limit of the caller",
  "gRPC",
]

/** The claims that the truth does not meet. */
export function unmet(rows: readonly TruthCount[]): readonly string[] {
  const met = new Map<string, number>()
  for (const row of rows) for (const claim of claimsOf(row)) met.set(claim, (met.get(claim) ?? 0) + row.count)
  return CLAIMS.filter((claim) => (met.get(claim) ?? 0) < FLOOR)
}

function claimsOf(row: TruthCount): string[] {
  if (row.reporter === "gateway") return [`${row.gatewayRoute} ${row.outcome}`]
  if (row.reporter === "destination") return []
  const where = row.virtualNode === "" ? row.virtualService : row.route || row.virtualService
  return [
    `${where} ${row.virtualNode || row.route} ${row.outcome}`,
    ...(row.code === 504 ? ["a time limit of the caller"] : []),
    ...(row.protocol === "grpc" ? ["gRPC"] : []),
  ]
}
