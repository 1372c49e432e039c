import type { ProxyHint } from "#mesh/proxy.ts"
import type { ContainerFacts, PodFacts } from "../pod.ts"
import { portOf, type Recognise, scrapeNotes } from "./found.ts"

/** Consul's dataplane runs Envoy inside; before 1.0 of Consul on Kubernetes it was a container of its own. */
const CONTAINER = /^(?:consul-dataplane|envoy-sidecar)(?:-[a-z0-9-]+)?$/
const NOTES = "consul.hashicorp.com/"
/** `envoy_prometheus_bind_addr` as Consul on Kubernetes sets it where metrics are on. */
const PORT = 20_200

/** Consul's Envoy. Its admin interface listens on localhost; a page of stats is there where metrics were switched on. */
export const consul: Recognise = (pod, container) => {
  if (!CONTAINER.test(container.name) || !isConsuls(pod)) return undefined
  const port = scrapePort(pod)
  const hint = hintOf(pod, container)
  return port === undefined
    ? { port: PORT, serves: { kind: "nothing" }, hint }
    : { port, serves: { kind: "prometheus", path: "/metrics" }, hint }
}

const isConsuls = ({ annotations, labels }: PodFacts): boolean =>
  [...annotations.keys(), ...labels.keys()].some((key) => key.startsWith(NOTES)) ||
  labels.get("app") === "consul"

/** Both annotations are Consul's own where it injected; another path is the application's page. */
function scrapePort(pod: PodFacts): number | undefined {
  const own = portOf(pod.annotations.get(`${NOTES}prometheus-scrape-port`))
  const switchedOn = pod.annotations.get(`${NOTES}enable-metrics`) === "true"
  const notes = scrapeNotes(pod)
  if (switchedOn) return own ?? PORT
  return notes?.path === "/metrics" && notes.port === (own ?? PORT) ? notes.port : undefined
}

function hintOf({ annotations, labels, owner, name }: PodFacts, container: ContainerFacts): ProxyHint {
  const gateway = annotations.get(`${NOTES}gateway-kind`) ?? labels.get("component") ?? ""
  const service = annotations.get(`${NOTES}connect-service`)?.split(",") ?? []
  // Of several services each has a proxy of its own, which bears the service's name.
  const own = service.find((one) => container.name.endsWith(`-${one.trim()}`)) ?? service[0]
  return {
    flavor: "plain",
    role: gateway.endsWith("-gateway") ? "gateway" : "sidecar",
    resource: own?.trim() || (owner?.name ?? name),
  }
}
