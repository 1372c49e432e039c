import type { Board } from "./board.ts"
import { isBeside, isIdle } from "./idle-routes.ts"
import { mainFlag } from "./main-flag.ts"
import type { FaultOrigin } from "./origins.ts"
import { resourceId } from "./resource-states.ts"
import type { RouteRow } from "./route-row.ts"
import { thousands } from "./thousands.ts"

/** Requests that no route takes begin to fail right there: at the service or gateway that has no route for them. */
export function unroutedOf({ rows }: Board): FaultOrigin[] {
  return rows
    .filter(
      ({ synthetic, health }) => synthetic === "unmatched" && (health === "failing" || health === "degraded"),
    )
    .map((row) => originOf(row, rows))
}

function originOf(row: RouteRow, rows: readonly RouteRow[]): FaultOrigin {
  const { mesh, flavor, virtualGateway, virtualService } = row.key
  const { errors } = row.numbers
  const idle = rows.filter((other) => other.declared && isIdle(other) && isBeside(other, row))
  return {
    id:
      row.reporter === "gateway"
        ? resourceId("virtual_gateway", mesh, flavor, virtualGateway)
        : resourceId("virtual_service", mesh, flavor, virtualService),
    mesh,
    virtualNode: "",
    sentence: sentenceOf(row),
    evidence: [
      `No declared route takes ${thousands(errors)} of its requests; Envoy answered them itself.`,
      ...(idle.length === 0 ? [] : [`Declared, but without requests: ${namesOf(idle)}.`]),
    ],
    since: row.since,
    endedAt: row.endedAt,
    routes: [
      {
        id: row.id,
        name: `${row.name} of ${virtualService || virtualGateway || mesh}`,
        health: row.health,
        how: "there",
        via: null,
        errors,
        ofErrors: errors,
      },
    ],
  }
}

/** NR is Envoy's flag for a request without a route, which it answers 404. */
function sentenceOf(row: RouteRow): string {
  const { virtualGateway, virtualService } = row.key
  const was = row.endedAt !== null
  const count = thousands(row.numbers.errors)
  const of = virtualService === "" ? virtualGateway : virtualService
  if (mainFlag(row)?.split(",").includes("NR") !== true)
    return `Requests ${of === "" ? "" : `to ${of} `}that no declared route takes ${was ? "failed" : "fail"}: ${count} errors`
  if (row.reporter === "gateway")
    return `${virtualGateway} ${was ? "had" : "has"} no route for requests: ${count} answered 404`
  return `Envoys ${was ? "had" : "have"} no route for requests${of === "" ? "" : ` to ${of}`}: ${count} answered 404`
}

/** Names that are shown; the rest is counted. */
const MOST_NAMES = 5

function namesOf(rows: readonly RouteRow[]): string {
  const more = rows.length - MOST_NAMES
  const names = rows.slice(0, MOST_NAMES).map(({ name }) => name)
  return `${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}`
}
