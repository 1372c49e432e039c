import { type IstioPod, istioBootstrap } from "../../fixtures/istio/bootstrap.ts"
import { CALLS, FRONT, FRONT_POD, REVIEWS, WEB } from "../../fixtures/istio/shop.ts"
import type { Stand } from "../rig/envoys.ts"

/** Two pods and an application without a sidecar, each at a loopback address of its own. */
export interface Site {
  readonly front: string
  readonly web: string
  readonly second: string
}
/** Where the front's calls leave: a real port, in the place of a redirected one. */
export const PORT = 9080

export function siteAt(network: string): Site {
  return { front: `${network}.7`, web: `${network}.8`, second: `${network}.9` }
}

export async function serveApps(stand: Stand, site: Site): Promise<void> {
  await stand.app(site.second, 8080)
  await stand.app(site.web, 18_080)
}

/** @param more of the front's pod */
export function frontBootstrap(site: Site, more: Partial<IstioPod> = {}): object {
  return istioBootstrap({
    ...FRONT_POD,
    ip: site.front,
    captured: false,
    admin: { host: site.front, port: 15_000 },
    outbound: [{ ...CALLS, port: PORT }],
    inbound: [{ port: 8080, services: [FRONT], to: { host: site.front, port: 18_080 } }],
    clusters: [
      { name: `outbound|80||${WEB}`, to: [{ host: site.web, port: 8080 }] },
      { name: `outbound|80|v1|${REVIEWS}`, to: [] },
      { name: `outbound|80|v2|${REVIEWS}`, to: [{ host: site.second, port: 8080 }] },
      { name: "outbound|80||plain.shop.svc.cluster.local", to: [] },
    ],
    ...more,
  })
}

export function webBootstrap(site: Site): object {
  return istioBootstrap({
    kind: "sidecar",
    ip: site.web,
    pod: "web-1",
    namespace: "shop",
    workload: "web",
    labels: { app: "web" },
    admin: { host: site.web, port: 15_000 },
    inbound: [{ port: 8080, services: [WEB], to: { host: site.web, port: 18_080 } }],
  })
}
