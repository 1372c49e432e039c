import { type AccessFact, Field } from "#mesh/access.ts"

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

/**
 * Tells health checks from traffic. The rule, in this order:
 * 1. a path that the user configured is one;
 * 2. the agent must be a health checker's, known or configured;
 * 3. where the resource declares active health checks, the path must be one of theirs.
 *
 * Doubt: an agent is what the caller says. With declared paths a forged agent can hide requests to those paths alone;
 * without them it can hide any. What was set apart is counted in `mesh_health_check_requests_total`, so a rise there
 * without a new checker shows it. A Kubernetes probe of another path than the declared one counts as traffic.
 */
export class HealthChecks {
  readonly #agents: readonly Buffer[]
  /** First bytes of the agents: nearly every line is passed by at this. */
  readonly #begins = new Uint8Array(256)
  readonly #configured: readonly Buffer[]
  readonly #declared: readonly Buffer[]

  constructor(declaredPaths: readonly string[], config: HealthCheckConfig = {}) {
    this.#agents = [...AGENTS, ...(config.agents ?? [])].filter((agent) => agent !== "").map(bytesOf)
    for (const agent of this.#agents) this.#begins[agent[0] ?? 0] = 1
    this.#configured = (config.paths ?? []).map(bytesOf)
    this.#declared = declaredPaths.map(bytesOf)
  }

  takes(fact: AccessFact): boolean {
    if (this.#configured.length > 0 && this.#atPath(fact, this.#configured)) return true
    const start = fact.spans[Field.userAgent * 2] ?? -1
    if (start < 0 || this.#begins[fact.bytes[start] ?? 0] !== 1) return false
    const end = fact.spans[Field.userAgent * 2 + 1] ?? start
    for (const agent of this.#agents) {
      if (!beginsWith(fact.bytes, start, end, agent)) continue
      return this.#declared.length === 0 || this.#atPath(fact, this.#declared)
    }
    return false
  }

  /** The caller's own path: the original one where a rewrite was logged. */
  #atPath(fact: AccessFact, paths: readonly Buffer[]): boolean {
    for (const field of [Field.originalPath, Field.eitherPath, Field.path]) {
      const start = fact.spans[field * 2] ?? -1
      if (start < 0) continue
      const end = fact.spans[field * 2 + 1] ?? start
      return paths.some((path) => isPath(fact.bytes, start, end, path))
    }
    return false
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
