import { classOf, placeLabels, type Truth, type TruthCount, type TruthRow } from "../../../demo/truth.ts"
import { type Counts, countsOf, type Labels } from "./counts.ts"

/** Where a request belongs. */
export const PLACE_NAMES = [
  "reporter",
  "virtual_gateway",
  "gateway_route",
  "virtual_service",
  "virtual_router",
  "route",
  "source",
  "virtual_node",
]
export const REQUEST_NAMES = [...PLACE_NAMES, "protocol", "code_class", "outcome"]
export const HEALTH_CHECK_NAMES = ["virtual_gateway", "virtual_node"]
export const TCP_NAMES = ["reporter", "virtual_service", "source", "virtual_node"]

/** The labels that a request of the truth should have. */
export function labelsOf(row: TruthRow): Labels {
  return {
    ...placeLabels(row),
    protocol: row.protocol,
    code_class: classOf(row.code),
    outcome: row.outcome,
  }
}

/** Requests of the truth in the shape of `exposed(…, names)`. */
export function truthBy(rows: readonly TruthCount[], names: readonly string[]): Counts {
  return countsOf(
    rows.map((row) => [labelsOf(row), row.count] as const),
    names,
  )
}

/** The truth in the same shape as `exposed(…, "requests", REQUEST_NAMES)`. */
export function truthRequests(rows: readonly TruthCount[]): Counts {
  return truthBy(rows, REQUEST_NAMES)
}

/** Health checks by `HEALTH_CHECK_NAMES`. A gateway passes each to itself, so the truth has two; the request was one. */
export function truthHealthChecks({ healthChecks }: Truth): Counts {
  return countsOf(
    healthChecks.map(({ virtualGateway, virtualNode, count }) => {
      const labels = { virtual_gateway: virtualGateway, virtual_node: virtualNode }
      return [labels, virtualGateway === "" ? count : count / 2] as const
    }),
    HEALTH_CHECK_NAMES,
  )
}

/** Connections by `TCP_NAMES`, as both proxies tell them: the caller's knows the service, the callee's only its own node. */
export function truthConnections(truth: Truth): Counts {
  return truthTcp(truth, "connections")
}

/** The same of bytes; they are known where every connection was answered. */
export function truthTcp({ tcp }: Truth, number: "connections" | "receivedBytes" | "sentBytes"): Counts {
  return countsOf(
    tcp.flatMap((row) => {
      const { source, virtualService, virtualNode } = row
      const callee = { virtual_node: virtualNode }
      const caller = { ...callee, virtual_service: virtualService, source }
      return [
        [{ reporter: "source", ...caller }, row[number]] as const,
        [{ reporter: "destination", ...callee }, row[number]] as const,
      ]
    }),
    TCP_NAMES,
  )
}
