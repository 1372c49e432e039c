import { istioGateway, istioRouter } from "#mesh/istio-names.ts"
import type { ProxyHint } from "#mesh/proxy.ts"
import type { ContainerFacts, PodFacts } from "../pod.ts"
import { namedPort, type Recognise, scrapeNotes } from "./found.ts"

const CONTAINER = "istio-proxy"
/** Istio's own agent: Envoy's numbers with those of the application mixed in. */
const MERGED_PORT = 15_020
/** Envoy's own page. */
const ENVOY_PORT = 15_090
const PAGE = "/stats/prometheus"
const GATEWAY = "gateway.networking.k8s.io/gateway-name"

/**
 * Istio's Envoy, sidecar, gateway or waypoint. Its admin interface listens on localhost, so that one page is all that
 * there is. The page of Envoy alone is preferred: what Istio merges into the other one is in the application's hands, and
 * it answers 200 also without Envoy's part.
 */
export const istio: Recognise = (pod, container) => {
  // In ambient mode the node's tunnel has the same name, and is no Envoy.
  if (container.name !== CONTAINER || container.args.includes("ztunnel")) return undefined
  return {
    port: portOfPage(pod, container),
    serves: { kind: "prometheus", path: PAGE },
    hint: hintOf(pod, container),
    labels: labelsOf(pod),
  }
}

function portOfPage(pod: PodFacts, container: ContainerFacts): number {
  const own = namedPort(container, "http-envoy-prom")
  if (own !== undefined) return own
  // The merged page then answers the pod alone.
  if (container.env.get("METRICS_LOCALHOST_ACCESS_ONLY")?.toLowerCase() === "true") return ENVOY_PORT
  const notes = scrapeNotes(pod)
  // With another path it is the application's page.
  return notes?.path === PAGE ? notes.port : MERGED_PORT
}

function hintOf(pod: PodFacts, { args, env }: ContainerFacts): ProxyHint {
  const mesh = literal(env.get("ISTIO_META_MESH_ID"))
  return {
    flavor: "istio",
    role: args.includes("router") || args.includes("waypoint") ? "gateway" : "sidecar",
    resource: resourceOf(pod, literal(env.get("ISTIO_META_WORKLOAD_NAME"))),
    ...(mesh === "" ? {} : { mesh }),
  }
}

/** The Gateway that Istio made the pod for, else the workload, as Istio's names are written here. */
function resourceOf({ labels, namespace, owner, name }: PodFacts, workload: string): string {
  const gateway = labels.get(GATEWAY)
  return gateway === undefined
    ? istioRouter(workload || (owner?.name ?? name), namespace)
    : istioGateway(gateway, namespace)
}

/** Of names in Kubernetes; what is longer is none. */
const LONGEST = 253

/** A value that refers to other variables is known inside of the container alone. */
const literal = (value = ""): string => (value.includes("$(") || value.length > LONGEST ? "" : value)

const LABELS = [
  ["service", "service.istio.io/canonical-name"],
  ["revision", "service.istio.io/canonical-revision"],
  ["gateway", GATEWAY],
] as const

function labelsOf({ labels }: PodFacts): Readonly<Record<string, string>> {
  return Object.fromEntries(
    LABELS.flatMap(([name, label]) => {
      const value = labels.get(label)
      return value === undefined ? [] : [[name, value]]
    }),
  )
}
