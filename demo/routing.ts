import type {
  DeclaredMesh,
  GatewayRoute,
  NamedMatch,
  RouteMatch,
  StringMatch,
  VirtualGateway,
} from "#mesh/declared.ts"
import { rewrites } from "./control-plane/gateway-routes.ts"
import { type ReachableRoute, type ReachableService, reach } from "./control-plane/service.ts"

/**
 * The truth's own reading of the declared model: which route takes a call. It shares nothing with the product's
 * resolver and knows what no log tells, such as headers.
 */
export interface Asked {
  readonly authority: string
  readonly method: string
  /** With or without query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

export function matches(match: RouteMatch, asked: Asked): boolean {
  const [path = "", query = ""] = asked.path.split("?")
  return (
    pathFits(match, path) &&
    (match.method === undefined || match.method === asked.method) &&
    (match.hostname === undefined || textFits(match.hostname, asked.authority)) &&
    (match.headers ?? []).every((header) => namedFits(header, asked.headers[header.name.toLowerCase()])) &&
    (match.query ?? []).every((one) =>
      namedFits(one, new URLSearchParams(query).get(one.name) ?? undefined),
    ) &&
    (match.grpc === undefined || (asked.headers["content-type"] ?? "").startsWith("application/grpc"))
  )
}

function pathFits({ path, grpc }: RouteMatch, asked: string): boolean {
  if (grpc?.service !== undefined) {
    return grpc.method === undefined
      ? asked.startsWith(`/${grpc.service}/`)
      : asked === `/${grpc.service}/${grpc.method}`
  }
  return path === undefined || textFits(path, asked)
}

function namedFits({ match }: NamedMatch, value: string | undefined): boolean {
  if (match === undefined) return value !== undefined
  const fits = value !== undefined && textFits(match, value)
  return match.invert === true ? !fits : fits
}

function textFits({ exact, prefix, suffix, regex, range }: StringMatch, value: string): boolean {
  if (exact !== undefined) return value === exact
  if (prefix !== undefined) return value.startsWith(prefix)
  if (suffix !== undefined) return value.endsWith(suffix)
  if (range !== undefined) return Number(value) >= range.start && Number(value) < range.end
  return regex === undefined || new RegExp(`^(?:${regex})$`).test(value)
}

/** What a gateway makes of a call: the route that took it, and how the call goes on. */
export interface GatewayPass {
  readonly route: GatewayRoute
  readonly onward: Asked
}

export function gatewayPass(gateway: VirtualGateway, asked: Asked): GatewayPass | undefined {
  for (const route of gateway.routes) {
    for (const { match, to } of rewrites(route)) {
      if (!matches(match, asked)) continue
      const matched = match.path?.exact ?? match.path?.prefix ?? ""
      const path = to === "" ? asked.path : to + asked.path.slice(matched.length)
      return { route, onward: { ...asked, path, authority: route.virtualService } }
    }
  }
  return undefined
}

/** A call to a service: the route that takes it, if any. */
export interface ServicePass {
  readonly service: string
  /** Empty for a service that sits on a node. */
  readonly router: string
  readonly reached?: ReachableRoute
}

/** @param port the port called; undefined takes the service's first (a gateway's second pass) */
export function servicePass(
  mesh: DeclaredMesh,
  backends: readonly string[],
  asked: Asked,
  port: number | undefined,
): ServicePass | undefined {
  const service = mesh.virtualServices.find(({ name }) => name === asked.authority && backends.includes(name))
  if (service === undefined) return undefined
  const router = service.provider.kind === "virtual_router" ? service.provider.name : ""
  const on = portOf(reach(mesh, service), port)
  const reached = on?.routes.find((route) => matches(route.match, asked))
  return { service: service.name, router, ...(reached === undefined ? {} : { reached }) }
}

function portOf(
  services: readonly ReachableService[],
  port: number | undefined,
): ReachableService | undefined {
  return port === undefined ? services[0] : services.find((service) => service.port === port)
}
