import type { DeclaredMesh } from "#mesh/declared.ts"
import { type LogKind, logKind } from "./logs.ts"
import type { TruthCount } from "./truth.ts"

/**
 * The truth as each proxy's log setting lets it be told: only a JSON log holds a gRPC status (docs/metrics.md, what each
 * source can say). Everything else is told exactly by default text, and by stats where one way leads to a node.
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
  if (kind === "json" || row.grpcStatus < 0) return row
  return Object.assign({}, row, { grpcStatus: -1, outcome: byCode(row.code) })
}

const byCode = (code: number): TruthCount["outcome"] =>
  code >= 500 ? "error" : code >= 400 ? "client_error" : "ok"
