import { type AccessFact, Field } from "#mesh/access.ts"
import type { EnvoyRoute } from "#mesh/proxy.ts"
import { rewritesPath, rewritten } from "./rewrite.ts"

/** User agents of health checkers begin like this. */
const AGENTS = [
  "Envoy/HC",
  "ELB-HealthChecker/",
  "kube-probe/",
  "GoogleHC/",
  "Amazon-Route53-Health-Check-Service",
  "Amazon Route 53 Health Check Service",
] as const

/** What the user adds: agents by their beginning, and paths that are health checks whoever asks. */
export interface HealthCheckConfig {
  readonly agents?: readonly string[]
  readonly paths?: readonly string[]
}

interface CheckedPath {
  readonly path: Buffer
  /** What the path may have become when a gateway's line shows it; of a sidecar nothing but itself. */
  readonly forwarded: readonly Buffer[]
}

/**
 * Tells health checks from traffic. The rule, in this order:
 * 1. a path that the user configured is one;
 * 2. the agent must be a health checker's, known or configured;
 * 3. where the resource declares active health checks, the path must be one of theirs.
 *
 * Doubt: an agent is what the caller says. With declared paths a forged agent can hide requests to those paths alone;
 * without them it can hide any. What was set apart is counted in `mesh_health_check_requests_total`, so a rise there
 * without a new checker shows it. A Kubernetes probe of another path than the declared one counts as traffic.
 *
 * `x-envoy-original-path` is the caller's own word unless a route rewrote the path: at a sidecar, which rewrites nothing
 * on the way in, it counts for nothing; at a gateway only together with the path that a rewrite makes of it.
 */
export class HealthChecks {
  readonly #agents: readonly Buffer[]
  /** First bytes of the agents: nearly every line is passed by at this. */
  readonly #begins = new Uint8Array(256)
  readonly #configured: readonly CheckedPath[]
  readonly #declared: readonly CheckedPath[]
  readonly #gateway: boolean
  /** Every route writes the header itself, so a line that shows one of two paths shows the caller's real one. */
  readonly #rewritesAll: boolean

  /** @param gatewayRoutes of a gateway's ingress pass; undefined for a sidecar */
  constructor(
    declaredPaths: readonly string[],
    config: HealthCheckConfig = {},
    gatewayRoutes?: readonly EnvoyRoute[],
  ) {
    const checked = (path: string): CheckedPath => checkedPath(path, gatewayRoutes ?? [])
    this.#gateway = gatewayRoutes !== undefined
    this.#rewritesAll = gatewayRoutes?.every(rewritesPath) ?? false
    this.#agents = [...AGENTS, ...(config.agents ?? [])].filter((agent) => agent !== "").map(bytesOf)
    for (const agent of this.#agents) this.#begins[agent[0] ?? 0] = 1
    this.#configured = (config.paths ?? []).map(checked)
    this.#declared = declaredPaths.map(checked)
  }

  takes(fact: AccessFact): boolean {
    if (this.#configured.length > 0 && this.#atPath(fact, this.#configured)) return true
    return this.claims(fact) && (this.#declared.length === 0 || this.#atPath(fact, this.#declared))
  }

  /** The caller says to be a health checker, whatever it asks for. */
  claims({ bytes, spans }: AccessFact): boolean {
    const start = spans[Field.userAgent * 2] ?? -1
    if (start < 0 || this.#begins[bytes[start] ?? 0] !== 1) return false
    const end = spans[Field.userAgent * 2 + 1] ?? start
    return this.#agents.some((agent) => beginsWith(bytes, start, end, agent))
  }

  /** A path decided, and the line shows one of two and not which: a caller may have made it look like the checker's. */
  forgeable({ spans }: AccessFact): boolean {
    if (this.#rewritesAll || this.#declared.length + this.#configured.length === 0) return false
    return (spans[Field.eitherPath * 2] ?? -1) >= 0 && (spans[Field.path * 2] ?? -1) < 0
  }

  #atPath({ bytes, spans }: AccessFact, paths: readonly CheckedPath[]): boolean {
    const at = (field: number, path: Buffer): boolean => {
      const start = spans[field * 2] ?? -1
      return start >= 0 && isPath(bytes, start, spans[field * 2 + 1] ?? start, path)
    }
    if ((spans[Field.path * 2] ?? -1) < 0)
      return paths.some(({ path }) => at(Field.eitherPath, path) || at(Field.originalPath, path))
    if (!this.#gateway || (spans[Field.originalPath * 2] ?? -1) < 0)
      return paths.some(({ path }) => at(Field.path, path))
    return paths.some(
      ({ path, forwarded }) => at(Field.originalPath, path) && forwarded.some((one) => at(Field.path, one)),
    )
  }
}

function checkedPath(path: string, routes: readonly EnvoyRoute[]): CheckedPath {
  const forwarded = new Set([path, ...routes.map((route) => rewritten(route, path))])
  return {
    path: bytesOf(path),
    forwarded: [...forwarded].filter((one) => one !== undefined).map(bytesOf),
  }
}

function bytesOf(text: string): Buffer {
  return Buffer.from(text, "utf8")
}

function beginsWith(bytes: Uint8Array, start: number, end: number, wanted: Uint8Array): boolean {
  if (end - start < wanted.length || bytes[start] !== wanted[0]) return false
  for (let index = 1; index < wanted.length; index += 1)
    if (bytes[start + index] !== wanted[index]) return false
  return true
}

/** The path itself, with or without a query. */
function isPath(bytes: Uint8Array, start: number, end: number, path: Uint8Array): boolean {
  if (!beginsWith(bytes, start, end, path)) return false
  const next = bytes[start + path.length]
  return end - start === path.length || next === 0x3f || next === 0x23
}
