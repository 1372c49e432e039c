import type { EnvoyHeaderMatch, EnvoyRoute, EnvoyStringMatch } from "#mesh/proxy.ts"
import { SERVICE_HEADER } from "./dialects/app-mesh.ts"

/** Label values stay readable, and a stranger's pattern may be long. */
const MAX_LENGTH = 160

/**
 * A route's name made from its match, for want of a declared one: `prefix /api`, `path /api/votes GET`,
 * `grpc color.ColorService`, `prefix / x-canary=v2`. A slash at the end of a prefix is left out, so that the two rows of
 * one gateway route have one name. A name of this kind holds a space, so that nobody takes it for a declared one.
 */
export function matchText({ match }: EnvoyRoute): string {
  const headers = match.headers.filter((header) => header.name !== SERVICE_HEADER)
  const grpc = match.grpc || headers.some(isGrpcType)
  const parts = [pathText(match, grpc)]
  for (const header of headers) if (!isGrpcType(header)) parts.push(headerText(header))
  for (const { name, match: text } of match.query)
    parts.push(`?${name}${text === undefined ? "" : signOf(text)}`)
  if (match.fractional) parts.push("sometimes")
  return parts.join(" ").slice(0, MAX_LENGTH)
}

function isGrpcType(header: EnvoyHeaderMatch): boolean {
  return header.name === "content-type" && (header.match?.prefix ?? "").startsWith("application/grpc")
}

function pathText(match: EnvoyRoute["match"], grpc: boolean): string {
  const { kind, value } = match
  const bare = value.length > 1 && value.endsWith("/") ? value.slice(0, -1) : value
  switch (kind) {
    case "prefix":
    case "path_separated_prefix":
      return grpc && bare !== "/" ? `grpc ${bare.slice(1)}` : `prefix ${bare}`
    case "path":
      return grpc ? `grpc ${value.slice(1)}` : `path ${value}`
    case "regex":
      return `regex ${value}`
    case "connect":
      return "method CONNECT"
    case "other":
      return "match unknown"
  }
}

function headerText(header: EnvoyHeaderMatch): string {
  if (header.name === ":method" && header.match?.exact !== undefined && !header.invert)
    return header.match.exact
  const not = header.invert ? "!" : ""
  if (header.range !== undefined) return `${not}${header.name}=${header.range.start}..${header.range.end}`
  return `${not}${header.name}${header.match === undefined ? "" : signOf(header.match)}`
}

function signOf(match: EnvoyStringMatch): string {
  if (match.exact !== undefined) return `=${match.exact}`
  if (match.prefix !== undefined) return `=${match.prefix}*`
  if (match.suffix !== undefined) return `=*${match.suffix}`
  if (match.contains !== undefined) return `=*${match.contains}*`
  return `~${match.regex ?? ""}`
}
