import type { DeclaredAccessLog, DeclaredMesh } from "#mesh/declared.ts"
import { RECOMMENDED_JSON } from "./control-plane/access-log.ts"

/** How a node or gateway logs: not at all, Envoy's default text, or our recommended JSON keys. */
export type LogKind = "none" | "text" | "json"

/** By name of a virtual node or gateway; `*` for all others. What is not named keeps what it declares. */
export type LogPlan = Readonly<Record<string, LogKind>>

const STDOUT = "/dev/stdout"

/** A log setting as the resource would declare it. */
export function accessLogOf(kind: LogKind): DeclaredAccessLog | undefined {
  switch (kind) {
    case "none":
      return undefined
    case "text":
      return { path: STDOUT }
    case "json":
      return { path: STDOUT, json: RECOMMENDED_JSON }
  }
}

/** The kind that a declared setting is. A declared text format of one's own counts as text. */
export function logKind(log: DeclaredAccessLog | undefined): LogKind {
  if (log === undefined) return "none"
  return log.json === undefined ? "text" : "json"
}

/** The mesh with other log settings. */
export function withLogs(mesh: DeclaredMesh, plan: LogPlan): DeclaredMesh {
  return {
    ...mesh,
    virtualNodes: mesh.virtualNodes.map((node) => {
      const { accessLog, ...rest } = node
      return { ...rest, ...logField(plan, node.name, accessLog) }
    }),
    virtualGateways: mesh.virtualGateways.map((gateway) => {
      const { accessLog, ...rest } = gateway
      return { ...rest, ...logField(plan, gateway.name, accessLog) }
    }),
  }
}

function logField(
  plan: LogPlan,
  name: string,
  declared: DeclaredAccessLog | undefined,
): { accessLog?: DeclaredAccessLog } {
  const kind = plan[name] ?? plan["*"]
  const log = kind === undefined ? declared : accessLogOf(kind)
  return log === undefined ? {} : { accessLog: log }
}
