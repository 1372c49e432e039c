import type { DeclaredMesh } from "#mesh/declared.ts"
import { type LogKind, logKind } from "./logs.ts"
import type { TruthCount } from "./truth.ts"

/**
 * The truth as each proxy's log setting lets it be told: default text has no gRPC status, and stats alone count a body
 * that was cut by its status (docs/metrics.md, what each source can say).
 */
export function asTold(mesh: DeclaredMesh, rows: readonly TruthCount[]): readonly TruthCount[] {
  const kinds = new Map<string, LogKind>(
    [...mesh.virtualNodes, ...mesh.virtualGateways].map(({ name, accessLog }) => [name, logKind(accessLog)]),
  )
  return rows.map((row) => told(row, kinds.get(reporterOf(row)) ?? "none"))
}

/** The resource whose proxy counts the row. */
function reporterOf(row: TruthCount): string {
  return row.reporter === "destination" ? row.virtualNode : row.source || row.virtualGateway
}

function told(row: TruthCount, kind: LogKind): TruthCount {
  if (kind === "json") return row
  if (row.grpcStatus >= 0) return Object.assign({}, row, { grpcStatus: -1, outcome: byCode(row.code) })
  const cut = row.outcome === "error" && row.code > 0 && row.code < 400
  return kind === "none" && cut ? Object.assign({}, row, { outcome: byCode(row.code) }) : row
}

const byCode = (code: number): TruthCount["outcome"] =>
  code >= 500 ? "error" : code >= 400 ? "client_error" : "ok"
