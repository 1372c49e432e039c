import type { NamedMatch, RouteMatch, StringMatch } from "#mesh/declared.ts"
import type { EnvoyHeaderMatch, EnvoyRoute, EnvoyStringMatch, VirtualHost } from "#mesh/proxy.ts"
import { SERVICE_HEADER } from "./dialects/app-mesh.ts"

/** Not the same, the same but for a slash at the end of the prefix, the same. */
export const DIFFERENT = 0
const SLASH = 1
export const EQUAL = 2

/**
 * Whether an Envoy route is what App Mesh made of a declared match. Its translations: a prefix stays one, and a gateway
 * route's prefix `/x/` also gives a row `/x` (seen in a gateway's dump); a gRPC service becomes the path prefix
 * `/<service>/` and with a method the exact path; method, scheme and host become header matches or, for a host, a domain.
 */
export function sameMatch(declared: RouteMatch, route: EnvoyRoute, host: VirtualHost): number {
  const { match } = route
  if (!sameHeaders(declared, match.headers, host)) return DIFFERENT
  if (!sameQuery(declared.query ?? [], match.query)) return DIFFERENT
  return samePath(declared, match)
}

function samePath(declared: RouteMatch, match: EnvoyRoute["match"]): number {
  const { kind, value } = match
  const { path, grpc } = declared
  if (grpc?.service !== undefined && grpc.method !== undefined) {
    return kind === "path" && value === `/${grpc.service}/${grpc.method}` ? EQUAL : DIFFERENT
  }
  if (grpc?.service !== undefined)
    return kind === "prefix" ? samePrefix(`/${grpc.service}/`, value) : DIFFERENT
  if (path?.exact !== undefined) return kind === "path" && value === path.exact ? EQUAL : DIFFERENT
  if (path?.regex !== undefined) return kind === "regex" && value === path.regex ? EQUAL : DIFFERENT
  const prefix = path?.prefix ?? "/"
  if (kind === "prefix" || kind === "path_separated_prefix") return samePrefix(prefix, value)
  // `/x` beside a prefix `/x/` may be an exact row.
  return kind === "path" && prefix === `${value}/` ? SLASH : DIFFERENT
}

function samePrefix(declared: string, value: string): number {
  if (declared === value) return EQUAL
  return declared === `${value}/` || `${declared}/` === value ? SLASH : DIFFERENT
}

/** Rows may carry what App Mesh adds by itself: the service header, and the content type of gRPC. */
function isAdded(header: EnvoyHeaderMatch): boolean {
  return (
    header.name === SERVICE_HEADER ||
    (header.name === "content-type" && (header.match?.prefix ?? header.match?.exact) === "application/grpc")
  )
}

function sameHeaders(declared: RouteMatch, headers: readonly EnvoyHeaderMatch[], host: VirtualHost): boolean {
  const rest = headers.filter((header) => !isAdded(header))
  const wanted: NamedMatch[] = [...(declared.headers ?? [])]
  if (declared.method !== undefined) wanted.push({ name: ":method", match: { exact: declared.method } })
  if (declared.scheme !== undefined) wanted.push({ name: ":scheme", match: { exact: declared.scheme } })
  for (const want of wanted) {
    const found = rest.findIndex(
      (header) => header.name === want.name.toLowerCase() && sameHeader(want.match, header),
    )
    if (found < 0) return false
    rest.splice(found, 1)
  }
  const hosts = rest.filter((header) => header.name === ":authority" || header.name === "host")
  return rest.length === hosts.length && sameHost(declared.hostname, hosts, host)
}

function sameHost(
  hostname: StringMatch | undefined,
  headers: readonly EnvoyHeaderMatch[],
  host: VirtualHost,
): boolean {
  if (hostname === undefined) return headers.length === 0
  if (headers.length > 0) return headers.every((header) => sameHeader(hostname, header))
  const domain = hostname.exact ?? `*${hostname.suffix ?? ""}`
  return host.domains.includes(domain)
}

function sameHeader(want: StringMatch | undefined, header: EnvoyHeaderMatch): boolean {
  if ((want?.invert ?? false) !== header.invert) return false
  const { range } = want ?? {}
  if (range !== undefined) return header.range?.start === range.start && header.range.end === range.end
  if (header.range !== undefined) return false
  const text = textOf(want)
  if (text === undefined) return header.match === undefined && header.present !== false
  return sameText(text, header.match)
}

/** A declared match without its `invert` and range; undefined when only presence counts. */
function textOf(want: StringMatch | undefined): StringMatch | undefined {
  const some =
    want?.exact !== undefined ||
    want?.prefix !== undefined ||
    want?.suffix !== undefined ||
    want?.regex !== undefined
  return some ? want : undefined
}

function sameText(want: StringMatch, have: EnvoyStringMatch | undefined): boolean {
  return (
    have !== undefined &&
    have.contains === undefined &&
    want.exact === have.exact &&
    want.prefix === have.prefix &&
    want.suffix === have.suffix &&
    want.regex === have.regex
  )
}

function sameQuery(wanted: readonly NamedMatch[], have: EnvoyRoute["match"]["query"]): boolean {
  if (wanted.length !== have.length) return false
  return wanted.every((want) =>
    have.some(
      (one) =>
        one.name === want.name &&
        (want.match === undefined ? one.match === undefined : sameText(want.match, one.match)),
    ),
  )
}
