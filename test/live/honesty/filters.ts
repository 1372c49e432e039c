import { type JsonObject, packed } from "../../../demo/control-plane/json.ts"

const HTTP = "envoy.extensions.filters.http"
const filter = (name: string, type: string, fields: JsonObject = {}): JsonObject => ({
  name,
  typed_config: packed(`${HTTP}.${type}`, fields),
})

export const ROUTER_FILTER = filter("envoy.filters.http.router", "router.v3.Router")

/** Filters that do nothing until a route says so; names are what routes configure them by. */
export const ROUTE_FILTERS: readonly JsonObject[] = [
  filter("fault", "fault.v3.HTTPFault"),
  filter("rate_limit", "local_ratelimit.v3.LocalRateLimit", { stat_prefix: "rate_limit" }),
  filter("rbac", "rbac.v3.RBAC"),
  filter("authz", "ext_authz.v3.ExtAuthz", {
    grpc_service: { envoy_grpc: { cluster_name: "authz" }, timeout: "0.3s" },
    transport_api_version: "V3",
  }),
  filter("buffer", "buffer.v3.Buffer", { max_request_bytes: 1_000_000 }),
]

/** Routes that do not ask for authorization have it switched off. */
export const NO_AUTHORIZATION: JsonObject = {
  authz: packed(`${HTTP}.ext_authz.v3.ExtAuthzPerRoute`, { disabled: true }),
}

export function healthCheckFilter(path: string): JsonObject {
  return filter("health_check", "health_check.v3.HealthCheck", {
    pass_through_mode: false,
    headers: [{ name: ":path", string_match: { exact: path } }],
  })
}

/** A filter whose configuration is looked for in a file that has none. */
export function lateFilter(path: string): JsonObject {
  return {
    name: "late",
    config_discovery: {
      config_source: {
        resource_api_version: "V3",
        initial_fetch_timeout: "0.2s",
        path_config_source: { path },
      },
      type_urls: [`type.googleapis.com/${HTTP}.fault.v3.HTTPFault`],
    },
  }
}

export function forwardFilter(dnsCache: JsonObject): JsonObject {
  return filter("forward", "dynamic_forward_proxy.v3.FilterConfig", { dns_cache_config: dnsCache })
}
