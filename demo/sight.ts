import type { DeclaredMesh, RetryPolicy } from "#mesh/declared.ts"
import { type LogKind, logKind } from "./logs.ts"
import { grpcRetried } from "./retries.ts"
import type { TruthCount } from "./truth.ts"

/**
 * The truth as each proxy's log setting lets it be told: only a JSON log holds a gRPC status (docs/metrics.md, what each
 * source can say). A status that the caller's proxy retries shows all the same: the tries that it used up leave a flag
 * in the text (URX) and a counter in the stats. Everything else is told exactly by default text, and by stats where one
 * way leads to a node.
 */
export function asTold(mesh: DeclaredMesh, rows: readonly TruthCount[]): readonly TruthCount[] {
  const kinds = new Map<string, LogKind>(
    [...mesh.virtualNodes, ...mesh.virtualGateways].map(({ name, accessLog }) => [name, logKind(accessLog)]),
  )
  return rows.map((row) => told(mesh, row, kinds.get(reporterOf(row)) ?? "none"))
}

/** The resource whose proxy counts the row. */
function reporterOf(row: TruthCount): string {
  return row.reporter === "destination" ? row.virtualNode : row.source || row.virtualGateway
}

function told(mesh: DeclaredMesh, row: TruthCount, kind: LogKind): TruthCount {
  if (kind === "json" || row.grpcStatus < 0) return row
  const usedUp = row.reporter === "source" && grpcRetried(policyOf(mesh, row), row.grpcStatus)
  return Object.assign({}, row, { grpcStatus: -1, outcome: usedUp ? "error" : byCode(row.code) })
}

/** Undefined: the route declares none, so that App Mesh's own is in force. */
function policyOf(mesh: DeclaredMesh, { virtualRouter, route }: TruthCount): RetryPolicy | undefined {
  const routes = mesh.virtualRouters.find(({ name }) => name === virtualRouter)?.routes ?? []
  return routes.find(({ name }) => name === route)?.retry
}

const byCode = (code: number): TruthCount["outcome"] =>
  code >= 500 ? "error" : code >= 400 ? "client_error" : "ok"
