import type { MetricKey } from "#mesh/catalogue.ts"
import { ANSWERED_BY, CODE_CLASSES, codeClass, OK, OUTCOMES, outcomeOf } from "#mesh/outcome.ts"
import { PROTOCOLS, type RequestRow, type Target } from "#mesh/request.ts"
import type { Provenance } from "#mesh/resource.ts"
import type { Labels, Ledger, Slot } from "./contract.ts"
import { edgeLabels, makeFlagNames, routeLabels } from "./request-labels.ts"

export const PROTOCOL_SHIFT = 5
export const ANSWERED_SHIFT = 7

/** How a request ended, as the indexes that the hot path carries, packed into one integer. */
export function packEnding(
  outcome: number,
  statusClass: number,
  protocol: number,
  answeredBy: number,
): number {
  return outcome | (statusClass << 2) | (protocol << PROTOCOL_SHIFT) | (answeredBy << ANSWERED_SHIFT)
}

/** Ending of a request without flags and without a gRPC status, by HTTP code. */
const PLAIN_ENDINGS = Uint8Array.from({ length: 600 }, (_, code) =>
  packEnding(outcomeOf(code, -1, 0, false), codeClass(code), 0, 0),
)

/** The same, or -1 where it takes more than the code to tell. Saves the hot path its branches. */
export function plainEnding(code: number, grpcStatus: number, flags: number): number {
  return flags > 0 || grpcStatus >= 0 ? -1 : (PLAIN_ENDINGS[code] ?? -1)
}

/** Finds the series of requests in the ledger; the cold path. */
export interface RequestSlots {
  requests(row: RequestRow, target: Target, ending: number): Slot
  /** Undefined for requests that ended ok. */
  failures(row: RequestRow, target: Target, ending: number, flags: number): Slot | undefined
  duration(row: RequestRow, target: Target, ending: number): Slot
  /** Undefined for a gateway's ingress pass: its egress pass tells what the upstream took. */
  upstream(row: RequestRow, target: Target): Slot | undefined
  /** Per route and target. */
  perTarget(metric: MetricKey, row: RequestRow, target: Target): Slot
}

export function makeRequestSlots(ledger: Ledger, provenance: Provenance): RequestSlots {
  const flagNames = makeFlagNames()
  const request = (row: RequestRow, target: Target): Labels => ({
    ...routeLabels(row),
    source: row.source,
    virtual_node: target.name,
    provenance,
  })
  return {
    requests: (row, target, ending) =>
      ledger.slot("requests", {
        ...request(row, target),
        protocol: PROTOCOLS[(ending >> PROTOCOL_SHIFT) & 3] ?? "",
        code_class: CODE_CLASSES[(ending >> 2) & 7] ?? "",
        outcome: outcomeText(ending),
      }),
    failures: (row, target, ending, flags) =>
      (ending & 3) === OK
        ? undefined
        : ledger.slot("failures", {
            ...request(row, target),
            protocol: PROTOCOLS[(ending >> PROTOCOL_SHIFT) & 3] ?? "",
            outcome: outcomeText(ending),
            flag: flagNames(flags),
            answered_by: ANSWERED_BY[(ending >> ANSWERED_SHIFT) & 3] ?? "",
          }),
    duration: (row, target, ending) =>
      ledger.slot("duration", {
        ...routeLabels(row),
        virtual_node: target.name,
        outcome: outcomeText(ending),
        provenance,
      }),
    upstream: (row, target) =>
      row.reporter === "gateway"
        ? undefined
        : ledger.slot("upstreamDuration", { ...edgeLabels(row, target), provenance }),
    perTarget: (metric, row, target) =>
      ledger.slot(metric, { ...routeLabels(row), virtual_node: target.name }),
  }
}

function outcomeText(ending: number): string {
  return OUTCOMES[ending & 3] ?? ""
}
