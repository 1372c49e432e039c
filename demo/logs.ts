import type { DeclaredAccessLog, DeclaredMesh } from "#mesh/declared.ts"
import { RECOMMENDED_JSON } from "#mesh/recommended-format.ts"

/** How a node or gateway logs: not at all, Envoy's default text, or our recommended JSON keys. */
export type LogKind = "none" | "text" | "json"

/** By name of a virtual node or gateway; `*` for all others. What is not named keeps what it declares. */
export type LogPlan = Readonly<Record<string, LogKind>>

const STDOUT = "/dev/stdout"

/**
 * A log setting as the resource would declare it.
 * @param headers names of request headers that routes match on; JSON logs them beside the recommended keys
 */
function accessLogOf(kind: LogKind, headers: readonly string[] = []): DeclaredAccessLog | undefined {
  switch (kind) {
    case "none":
      return undefined
    case "text":
      return { path: STDOUT }
    case "json":
      return { path: STDOUT, json: { ...RECOMMENDED_JSON, ...headerKeys(headers) } }
  }
}

const headerKeys = (headers: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    headers.map((name) => [name.toLowerCase().replaceAll("-", "_"), `%REQ(${name.toUpperCase()})%`]),
  )

/** Without them in the log, two routes that differ by a header alone cannot be told apart. */
function matchedHeaders(mesh: DeclaredMesh): readonly string[] {
  const routes = [
    ...mesh.virtualRouters.flatMap((router) => router.routes),
    ...mesh.virtualGateways.flatMap((gateway) => gateway.routes),
  ]
  return [...new Set(routes.flatMap(({ match }) => (match.headers ?? []).map(({ name }) => name)))]
}

/** The kind that a declared setting is. A declared text format of one's own counts as text. */
export function logKind(log: DeclaredAccessLog | undefined): LogKind {
  if (log === undefined) return "none"
  return log.json === undefined ? "text" : "json"
}

/** The mesh with other log settings. */
export function withLogs(mesh: DeclaredMesh, plan: LogPlan): DeclaredMesh {
  const headers = matchedHeaders(mesh)
  return {
    ...mesh,
    virtualNodes: mesh.virtualNodes.map((node) => {
      const { accessLog, ...rest } = node
      return { ...rest, ...logField(plan, headers, node.name, accessLog) }
    }),
    virtualGateways: mesh.virtualGateways.map((gateway) => {
      const { accessLog, ...rest } = gateway
      return { ...rest, ...logField(plan, headers, gateway.name, accessLog) }
    }),
  }
}

function logField(
  plan: LogPlan,
  headers: readonly string[],
  name: string,
  declared: DeclaredAccessLog | undefined,
): { accessLog?: DeclaredAccessLog } {
  const kind = plan[name] ?? plan["*"]
  const log = kind === undefined ? declared : accessLogOf(kind, headers)
  return log === undefined ? {} : { accessLog: log }
}
