import type { Truth, TruthCount } from "../../../demo/truth.ts"
import { classOf } from "../../../demo/truth.ts"
import { SHARED, UNKNOWN, UNMATCHED } from "../../../mesh/resource.ts"
import { type Counts, keyText } from "../rig/exposed.ts"
import { httpOutcome } from "./text-told.ts"

/** Labels of a request that counters can tell; what it was sent with is not among them. */
export const TOLD_NAMES = [
  "reporter",
  "virtual_gateway",
  "gateway_route",
  "virtual_service",
  "virtual_router",
  "route",
  "source",
  "virtual_node",
  "code_class",
  "outcome",
] as const

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
export function toldByStats({ requests, healthChecks }: Truth, sight: Sight): Counts {
  const counts: Counts = {}
  const add = (key: string, count: number): void => void (counts[key] = (counts[key] ?? 0) + count)
  for (const row of requests) add(rowText(row, sight), row.count)
  for (const check of healthChecks) {
    // Counters cannot tell a health checker from anybody else, and a gateway sees it twice.
    const { virtualGateway, virtualNode, count } = check
    if (sight.logged.includes(virtualGateway || virtualNode)) continue
    if (virtualGateway === "") add(checkText(virtualNode), count)
    else for (const key of gatewayCheckTexts(virtualGateway)) add(key, count / 2)
  }
  return counts
}

/** Whose proxy counts the row. */
const proxyOf = (row: TruthCount): string =>
  row.reporter === "destination" ? row.virtualNode : row.source || row.virtualGateway

function rowText(row: TruthCount, { shared, logged }: Sight): string {
  if (logged.includes(proxyOf(row))) return text(row, row.outcome)
  const outcome = httpOutcome(row)
  // Who left before an answer came was counted by nobody but the listener, and who was refused by no cluster.
  if (row.outcome === "aborted" || row.route === UNMATCHED) return text(unplaced(row), outcome)
  const route = row.reporter === "source" && shared.includes(row.virtualService) ? SHARED : row.route
  return text({ ...row, route }, outcome)
}

type Placed = Omit<TruthCount, "outcome" | "protocol" | "grpcStatus" | "count">

/** The row of what a listener saw and no cluster did. */
function unplaced(row: TruthCount): Placed {
  if (row.reporter === "destination") return row
  const none = { ...row, virtualService: "", virtualRouter: "", virtualNode: "" }
  return row.reporter === "gateway"
    ? { ...none, gatewayRoute: UNMATCHED }
    : { ...none, virtualService: UNKNOWN, route: UNMATCHED }
}

function text(row: Placed, outcome: string): string {
  return keyText(
    {
      reporter: row.reporter,
      virtual_gateway: row.virtualGateway,
      gateway_route: row.gatewayRoute,
      virtual_service: row.virtualService,
      virtual_router: row.virtualRouter,
      route: row.route,
      source: row.source,
      virtual_node: row.virtualNode,
      code_class: classOf(row.code),
      outcome,
    },
    TOLD_NAMES,
  )
}

/** Health checkers of the plan ask for `/`: a page at the ui, nothing at the appserver. */
function checkText(node: string): string {
  const answer = node.includes("yelb-ui")
    ? { code_class: "2xx", outcome: "ok" }
    : { code_class: "4xx", outcome: "client_error" }
  return keyText({ reporter: "destination", virtual_node: node, ...answer }, TOLD_NAMES)
}

function gatewayCheckTexts(gateway: string): string[] {
  const ui = { virtual_gateway: gateway, virtual_service: "yelb-ui", code_class: "2xx", outcome: "ok" }
  return [
    keyText({ reporter: "gateway", gateway_route: "yelbui-gatewayroute_yelb", ...ui }, TOLD_NAMES),
    keyText({ reporter: "source", virtual_node: "yelb-ui-virtual-node", ...ui }, TOLD_NAMES),
  ]
}

const IS_UNPLACED = /(?:route=|gateway_route=)\(unmatched\).*code_class=2xx/

/** Where two counters were read around one request, whose answer was cut can stay open: then it is on nobody's row. */
export function unplacedCuts(counts: Counts): Counts {
  return Object.fromEntries(Object.entries(counts).filter(([key]) => IS_UNPLACED.test(key)))
}

export const sums = (counts: Counts, of: (key: string) => string): Counts => {
  const all: Counts = {}
  for (const [key, count] of Object.entries(counts)) all[of(key)] = (all[of(key)] ?? 0) + count
  return all
}
export const reporterIn = (key: string): string => /reporter=\S+/.exec(key)?.[0] ?? ""
