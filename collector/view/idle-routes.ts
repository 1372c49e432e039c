import type { RouteRow } from "./route-row.ts"

/** Whether nobody asked for it. */
export function isIdle({ health, numbers }: RouteRow): boolean {
  return health === "no traffic" && numbers.requests === 0
}

/** Whether a row is of the same gateway, or of the same service. */
export function isBeside({ key, reporter }: RouteRow, row: RouteRow): boolean {
  if (reporter !== row.reporter || key.mesh !== row.key.mesh || key.flavor !== row.key.flavor) return false
  return reporter === "gateway"
    ? key.virtualGateway === row.key.virtualGateway
    : key.virtualService === row.key.virtualService
}

/** Rows, declared ones without traffic saying so where requests of their service find no route. */
export function withUnrouted(rows: readonly RouteRow[]): RouteRow[] {
  const unrouted = rows.filter(
    ({ synthetic, numbers, endedAt, reporter, key }) =>
      synthetic === "unmatched" &&
      numbers.errors > 0 &&
      endedAt === null &&
      (reporter === "gateway" || key.virtualService !== ""),
  )
  if (unrouted.length === 0) return [...rows]
  return rows.map((row) => {
    if (!row.declared || !isIdle(row) || !unrouted.some((other) => isBeside(row, other))) return row
    const of = row.reporter === "gateway" ? "gateway" : "service"
    return { ...row, why: `takes no requests; its ${of} has requests that no route takes` }
  })
}
