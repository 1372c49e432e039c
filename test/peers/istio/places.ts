/** Where everything of `shop.yaml` stands; the file has the same addresses. */
export const FRONT = "front.shop.svc.cluster.local"
export const WEB = "web.shop.svc.cluster.local"
export const LEGACY = "legacy.shop.svc.cluster.local"
export const PAYMENTS = "payments.example"
export const SITE = "site.shop"
export const NAMESPACE = "shop"
export const ADMIN_PORT = 15_000

/** Pods with an Envoy. */
export const PODS = [
  { kind: "sidecar", pod: "front-1", ip: "127.42.1.7", labels: { app: "front" } },
  { kind: "sidecar", pod: "web-1", ip: "127.42.1.8", labels: { app: "web", version: "v1" } },
  { kind: "sidecar", pod: "web-2", ip: "127.42.1.9", labels: { app: "web", version: "v2" } },
  { kind: "router", pod: "site-1", ip: "127.42.1.10", labels: { app: "site" } },
] as const
export type Pod = (typeof PODS)[number]

/** Applications by the node that they are; the last one has no Envoy. */
export const APPS = [
  { node: FRONT, host: "127.0.0.1", port: 18_081 },
  { node: `${WEB}/v1`, host: "127.0.0.1", port: 18_082 },
  { node: `${WEB}/v2`, host: "127.0.0.1", port: 18_083 },
  { node: "beyond", host: "127.42.1.11", port: 18_084 },
] as const

/** Where callers of the front's services and callers of the site connect. */
export const CALLS = { host: "127.42.1.7", port: 9080 }
export const ENTRANCE = { host: "127.42.1.10", port: 8080 }
