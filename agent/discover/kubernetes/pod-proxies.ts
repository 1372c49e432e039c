import type { ContainerFacts, PodFacts } from "./pod.ts"
import { appMesh } from "./recognise/app-mesh.ts"
import { consul } from "./recognise/consul.ts"
import { envoyGateway } from "./recognise/envoy-gateway.ts"
import type { Found, Recognise } from "./recognise/found.ts"
import { istio } from "./recognise/istio.ts"
import { type NamedContainers, plain } from "./recognise/plain.ts"
import { statedAdmins } from "./recognise/stated.ts"

/** One Envoy in a pod. */
export interface PodProxy extends Found {
  readonly container: string
  readonly restarts: number
}

/** What is kept of a pod: small, since a node's pods are many and few of them are of interest. */
export interface MeshedPod
  extends Pick<
    PodFacts,
    "namespace" | "name" | "uid" | "logUid" | "node" | "created" | "deleting" | "owner" | "addresses"
  > {
  readonly proxies: readonly PodProxy[]
  /** What in it cannot be understood, as a sentence. */
  readonly problem: string | undefined
}

/** The Envoys of a pod, by what the pod says alone; undefined for a pod without any. What its writer states goes first. */
export function meshedPod(pod: PodFacts, named: NamedContainers): MeshedPod | undefined {
  if (pod.finished) return undefined
  const recognisers: readonly Recognise[] = [appMesh, istio, envoyGateway, consul, plain(named)]
  const found = new Map<ContainerFacts, Found>()
  for (const container of pod.containers) {
    const one = firstOf(recognisers, pod, container)
    if (one !== undefined) found.set(container, one)
  }
  const { ports, problem } = statedAdmins(
    pod,
    [...found.keys()].map(({ name }) => name),
  )
  const proxies = pod.containers.flatMap((container): PodProxy[] => {
    const { name, restarts } = container
    const port = ports.get(name)
    const one = port === undefined ? found.get(container) : stated(port, found.get(container))
    return one === undefined ? [] : [{ ...one, container: name, restarts }]
  })
  if (proxies.length === 0 && problem === undefined) return undefined
  const { namespace, name, uid, logUid, node, created, deleting, owner, addresses } = pod
  return { namespace, name, uid, logUid, node, created, deleting, owner, addresses, proxies, problem }
}

function firstOf(all: readonly Recognise[], pod: PodFacts, container: ContainerFacts): Found | undefined {
  for (const recognise of all) {
    const found = recognise(pod, container)
    if (found !== undefined) return found
  }
  return undefined
}

/** The whole admin interface is there, whatever was recognised. */
function stated(port: number, found: Found | undefined): Found {
  const { hint, labels } = found ?? {}
  return { port, ...(hint === undefined ? {} : { hint }), ...(labels === undefined ? {} : { labels }) }
}
