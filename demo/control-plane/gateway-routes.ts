import type { GatewayRoute, PortMapping, VirtualGateway } from "#mesh/declared.ts"
import type { JsonObject } from "./json.ts"
import { envoyMatch } from "./match.ts"
import { SERVICE_HEADER } from "./routes.ts"

/** Gateway routes of one listener, in declared order, which is match order. */
export function routesOn(gateway: VirtualGateway, listener: PortMapping): readonly GatewayRoute[] {
  return gateway.routes.filter(({ match }) => match.port === undefined || match.port === listener.port)
}

/** What one gateway route replaces: the matched path, and what stands in its place. */
export interface PathRewrite {
  readonly match: GatewayRoute["match"]
  readonly to: string
}

/**
 * The matches of one gateway route with their rewrite. A rewritten prefix `/x` is two: `/x/` and `/x`, so that
 * `/x/a` becomes `/a` and not `//a`.
 */
export function rewrites({ match, rewrite }: GatewayRoute): readonly PathRewrite[] {
  const { path } = match
  if (path?.exact !== undefined) return [{ match, to: rewrite.path ?? path.exact }]
  const prefix = path?.prefix
  if (prefix === undefined) return [{ match, to: "" }]
  if (rewrite.prefix === undefined || prefix === "/") return [{ match, to: rewrite.prefix ?? prefix }]
  const bare = prefix.endsWith("/") ? prefix.slice(0, -1) : prefix
  const to = rewrite.prefix
  return [
    { match: { ...match, path: { ...path, prefix: `${bare}/` } }, to: to.endsWith("/") ? to : `${to}/` },
    { match: { ...match, path: { ...path, prefix: bare } }, to },
  ]
}

/** A gateway's ingress: every request goes back into the gateway with the virtual service as host, or in a header. */
export function gatewayHost(routes: readonly GatewayRoute[], selfRedirect: string): JsonObject {
  return {
    name: "self_redirect",
    domains: ["*"],
    routes: routes.flatMap((route) =>
      rewrites(route).map((rewrite) => redirect(route, rewrite, selfRedirect)),
    ),
  }
}

function redirect(route: GatewayRoute, { match, to }: PathRewrite, selfRedirect: string): JsonObject {
  const service = route.virtualService
  return {
    match: envoyMatch(match),
    route: {
      cluster: selfRedirect,
      ...(to === "" ? {} : { prefix_rewrite: to }),
      ...(route.rewrite.hostname ? { host_rewrite_literal: service } : {}),
      timeout: "15s",
    },
    ...(route.rewrite.hostname
      ? {}
      : { request_headers_to_add: [{ header: { key: SERVICE_HEADER, value: service } }] }),
  }
}
