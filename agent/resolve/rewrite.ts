import type { EnvoyRoute } from "#mesh/proxy.ts"
import { pathEnd } from "./route-table/normalize-path.ts"

/** The path after a route's rewrite. `path` itself when it rewrites nothing; undefined when it cannot be told. */
export function rewritten(route: EnvoyRoute, path: string): string | undefined {
  const { action, match } = route
  if (action.kind !== "route") return path
  if (action.regexRewrite !== undefined) return undefined
  if (action.prefixRewrite === undefined) return path
  switch (match.kind) {
    case "prefix":
    case "path_separated_prefix":
      return action.prefixRewrite + path.slice(match.value.length)
    case "path":
      return action.prefixRewrite + path.slice(pathEnd(path))
    case "regex":
    case "connect":
    case "other":
      return undefined
  }
}

/** Whether the route replaces the path, and by that writes `x-envoy-original-path` itself. */
export function rewritesPath({ action }: EnvoyRoute): boolean {
  return action.kind === "route" && (action.prefixRewrite !== undefined || action.regexRewrite !== undefined)
}

export function hostRewrite({ action }: EnvoyRoute): string | undefined {
  return action.kind === "route" ? action.hostRewrite : undefined
}
