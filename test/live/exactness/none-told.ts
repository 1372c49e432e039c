import type { HealthCheckCount, Truth, TruthCount } from "../../../demo/truth.ts"
import { SHARED, UNKNOWN, UNMATCHED } from "../../../mesh/resource.ts"
import type { Counts } from "../rig/counts.ts"
import { PLACE_NAMES, truthBy } from "../rig/truth-counts.ts"
import { httpOutcome } from "./text-told.ts"

/** Labels of a request that counters can tell; what it was sent with is not among them. */
export const TOLD_NAMES = [...PLACE_NAMES, "code_class", "outcome"]

export interface Sight {
  /** Virtual services that several routes lead to over the same clusters: nobody can tell the routes apart. */
  readonly shared: readonly string[]
  /** Names of nodes and gateways that write a log in JSON. */
  readonly logged: readonly string[]
}

/**
 * What is left of the truth where a proxy writes no log. Written from docs/metrics.md and what Envoy's counters are known
 * to hold (docs/decisions), and shares nothing with the product.
 */
export function toldByStats({ requests, healthChecks }: Truth, sight: Sight): readonly TruthCount[] {
  return [
    ...requests.map((row) => toldRow(row, sight)),
    ...healthChecks.flatMap((one) => toldCheck(one, sight)),
  ]
}

/** Whose proxy counts the row. */
const proxyOf = (row: TruthCount): string =>
  row.reporter === "destination" ? row.virtualNode : row.source || row.virtualGateway

function toldRow(row: TruthCount, { shared, logged }: Sight): TruthCount {
  if (logged.includes(proxyOf(row))) return row
  const told = { ...row, outcome: httpOutcome(row) }
  // Who left before an answer came was counted by nobody but the listener, and who was refused by no cluster.
  if (row.outcome === "aborted" || row.route === UNMATCHED) return unplaced(told)
  const isShared = row.reporter === "source" && shared.includes(row.virtualService)
  return isShared ? { ...told, route: SHARED } : told
}

/** The row of what a listener saw and no cluster did. */
function unplaced(row: TruthCount): TruthCount {
  if (row.reporter === "destination") return row
  const none = { ...row, virtualService: "", virtualRouter: "", virtualNode: "" }
  return row.reporter === "gateway"
    ? { ...none, gatewayRoute: UNMATCHED }
    : { ...none, virtualService: UNKNOWN, route: UNMATCHED }
}

/**
 * Counters cannot tell a health checker from anybody else, and a gateway sees it twice. Those of the plan ask for `/`: a
 * page at the ui, nothing at the appserver.
 */
function toldCheck(
  { virtualGateway, virtualNode, count }: HealthCheckCount,
  { logged }: Sight,
): TruthCount[] {
  if (logged.includes(virtualGateway || virtualNode)) return []
  const page = { ...NOWHERE, code: 200, outcome: "ok" } as const
  if (virtualGateway !== "") {
    const ui = { ...page, virtualGateway, virtualService: "yelb-ui", count: count / 2 }
    return [
      { ...ui, reporter: "gateway", gatewayRoute: "yelbui-gatewayroute_yelb" },
      { ...ui, reporter: "source", virtualNode: "yelb-ui-virtual-node" },
    ]
  }
  const found = virtualNode.includes("yelb-ui")
  const answer = found ? page : ({ ...NOWHERE, code: 404, outcome: "client_error" } as const)
  return [{ ...answer, reporter: "destination", virtualNode, count }]
}

const NOWHERE = {
  virtualGateway: "",
  gatewayRoute: "",
  virtualService: "",
  virtualRouter: "",
  route: "",
  source: "",
  virtualNode: "",
  protocol: "http",
  grpcStatus: -1,
} as const

const CUT_NAMES = ["reporter", "source"]

/** Answers that were cut after their headers, by who saw it: how many of them stay open is known to be few. */
export function cutAnswers(rows: readonly TruthCount[]): Counts {
  return truthBy(rows.filter(isCut), CUT_NAMES)
}

const isCut = ({ code, protocol, outcome }: TruthCount): boolean =>
  code === 200 && protocol === "http" && outcome === "error"

/**
 * Cut answers that stayed open, by who saw them. Where two counters were read around one request, whose answer was cut
 * can stay so: then it is on nobody's row.
 */
export function openCuts(found: Counts): Counts {
  const open: Counts = {}
  for (const [key, count] of Object.entries(found))
    if (IS_OPEN.test(key)) open[seenBy(key)] = (open[seenBy(key)] ?? 0) + count
  return open
}

/**
 * Rows that differ by more than stayed open with who tells them, with what was wanted and told. What may be another's are
 * good and cut answers of the appserver: in this plan it alone cuts them. All other rows differ by nothing.
 */
export function differences(wanted: Counts, found: Counts): (readonly [string, number, number])[] {
  const open = openCuts(found)
  return [...new Set([...Object.keys(wanted), ...Object.keys(found)])]
    .map((key) => [key, wanted[key] ?? 0, found[key] ?? 0] as const)
    .filter(([key, a, b]) => Math.abs(a - b) > (mayBeCut(key) ? (open[seenBy(key)] ?? 0) : 0))
}

const IS_OPEN = /route=\(unmatched\).*code_class=2xx outcome=error$/

const mayBeCut = (key: string): boolean =>
  key.includes("code_class=2xx") && /yelb-appserver|\(unmatched\)/.test(key)

/** The part of a row's key that names who tells it, in the shape of `CUT_NAMES`. */
const seenBy = (key: string): string =>
  key
    .split(" ")
    .filter((label) => /^(?:reporter|source)=/.test(label))
    .join(" ")
