import type { ProxyConfig } from "#mesh/proxy.ts"
import type { Flavor } from "#mesh/resource.ts"
import { appMesh } from "./app-mesh.ts"
import { consul } from "./consul.ts"
import type { Dialect, IdentityHint } from "./dialect.ts"
import { envoyGateway } from "./envoy-gateway.ts"
import { istio } from "./istio.ts"
import { plain } from "./plain.ts"
import { serviceConnect } from "./service-connect.ts"

/** In the order of asking; the last claims everything. */
export const DIALECTS: readonly Dialect[] = [serviceConnect, appMesh, istio, envoyGateway, consul, plain]

/** Whose names a proxy has, as far as hint and configuration tell. */
export function flavorOf(config: ProxyConfig, hint: IdentityHint): Flavor {
  return dialectOf(config, hint).flavor
}

export function dialectOf(config: ProxyConfig, hint: IdentityHint): Dialect {
  return DIALECTS.find((dialect) => dialect.claims(config, hint)) ?? plain
}
