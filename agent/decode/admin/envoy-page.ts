import { MeshscopeError } from "#mesh/errors.ts"

/** A gauge that every Envoy has from its first moment on. */
const LIVE = Buffer.from("\nenvoy_server_live")

/**
 * Refuses a page for Prometheus that holds no stats of Envoy. A program that puts its own metrics and Envoy's on one page
 * answers 200 also where Envoy did not answer it (Istio's port 15020); read as Envoy's, such a page would say that every
 * series is gone, and the next one would count them all again.
 * @throws MeshscopeError ADMIN_BAD_ANSWER
 */
export function assertEnvoyPage(page: Buffer): void {
  // Comments stand before it: never the first line.
  if (page.includes(LIVE)) return
  throw new MeshscopeError("ADMIN_BAD_ANSWER", "The page holds no stats of Envoy.")
}
