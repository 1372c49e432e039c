import type { NamedMatch, RouteMatch, StringMatch } from "#mesh/declared.ts"
import type { JsonObject } from "./json.ts"

/** A declared match as Envoy's `RouteMatch`. `extraHeaders` are added behind the declared ones. */
export function envoyMatch(match: RouteMatch, extraHeaders: readonly JsonObject[] = []): JsonObject {
  const headers = [
    ...(match.method === undefined ? [] : [exactHeader(":method", match.method)]),
    ...(match.scheme === undefined ? [] : [exactHeader(":scheme", match.scheme)]),
    ...(match.hostname === undefined ? [] : [headerMatch({ name: ":authority", match: match.hostname })]),
    ...(match.headers ?? []).map(headerMatch),
    ...(match.grpc === undefined ? [] : [grpcHeader]),
    ...extraHeaders,
  ]
  const query = (match.query ?? []).map(({ name, match: value }) =>
    value === undefined ? { name, present_match: true } : { name, string_match: stringMatch(value) },
  )
  return {
    ...pathMatch(match),
    ...(headers.length === 0 ? {} : { headers }),
    ...(query.length === 0 ? {} : { query_parameters: query }),
  }
}

export function exactHeader(name: string, exact: string): JsonObject {
  return { name, string_match: { exact } }
}

const grpcHeader: JsonObject = { name: "content-type", string_match: { prefix: "application/grpc" } }

/** gRPC: the service is a path prefix, service and method an exact path. */
function pathMatch({ path, grpc }: RouteMatch): JsonObject {
  if (grpc?.service !== undefined) {
    return grpc.method === undefined
      ? { prefix: `/${grpc.service}/` }
      : { path: `/${grpc.service}/${grpc.method}` }
  }
  if (path?.exact !== undefined) return { path: path.exact }
  if (path?.regex !== undefined) return { safe_regex: { regex: path.regex } }
  return { prefix: path?.prefix ?? "/" }
}

function headerMatch({ name, match }: NamedMatch): JsonObject {
  if (match === undefined) return { name, present_match: true }
  const invert = match.invert === true ? { invert_match: true } : {}
  if (match.range !== undefined) {
    return { name, range_match: { start: match.range.start, end: match.range.end }, ...invert }
  }
  return { name, string_match: stringMatch(match), ...invert }
}

function stringMatch({ exact, prefix, suffix, regex }: StringMatch): JsonObject {
  if (exact !== undefined) return { exact }
  if (prefix !== undefined) return { prefix }
  if (suffix !== undefined) return { suffix }
  return { safe_regex: { regex: regex ?? ".*" } }
}
