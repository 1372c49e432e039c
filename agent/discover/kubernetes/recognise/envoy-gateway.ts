import { istioGateway } from "#mesh/istio-names.ts"
import type { ProxyHint } from "#mesh/proxy.ts"
import type { PodFacts } from "../pod.ts"
import { namedPort, type Recognise } from "./found.ts"

const CONTAINER = "envoy"
const OWNER = "gateway.envoyproxy.io/owning-gateway"
/** Stats alone; the admin interface (19000) listens on localhost. */
const PORT = 19_001

/** A proxy of Envoy Gateway, by the labels of who it is for: one Gateway, or all of a class where they are merged. */
export const envoyGateway: Recognise = (pod, container) => {
  const resource = gatewayOf(pod)
  if (container.name !== CONTAINER || resource === undefined) return undefined
  const hint: ProxyHint = { flavor: "plain", role: "gateway", resource }
  const port = namedPort(container, "metrics") ?? PORT
  return { port, serves: { kind: "prometheus", path: "/stats/prometheus" }, hint }
}

function gatewayOf({ labels }: PodFacts): string | undefined {
  const name = labels.get(`${OWNER}-name`)
  const namespace = labels.get(`${OWNER}-namespace`)
  if (name === undefined) return labels.get(`${OWNER}class`)
  return namespace === undefined ? name : istioGateway(name, namespace)
}
