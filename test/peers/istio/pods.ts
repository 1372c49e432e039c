import type { ApiServer } from "../rig/api-server.ts"
import { ADMIN_PORT, NAMESPACE, type Pod } from "./places.ts"

/** The node that all of them are on. */
export const NODE = "node-1"
const PATH = `/api/v1/namespaces/${NAMESPACE}/pods`
const CONTAINER = "istio-proxy"

/**
 * Makes a pod as istiod's injection would have, and what its kubelet would say of it. Its annotation says that the whole
 * admin interface can be reached.
 * @returns where its Envoy's output belongs, below the kubelet's folder of logs
 */
export async function makePod(kube: ApiServer, { pod, ip, labels, kind }: Pod): Promise<string> {
  const { metadata } = (await kube.send("POST", PATH, {
    metadata: { name: pod, labels, annotations: { "meshscope.dev/admin": String(ADMIN_PORT) } },
    spec: {
      nodeName: NODE,
      containers: [
        { name: "app", image: "app" },
        { name: CONTAINER, image: "istio/proxyv2", args: ["proxy", kind] },
      ],
    },
  })) as { metadata: { uid: string } }
  const status = { phase: "Running", podIP: ip, podIPs: [{ ip }], hostIP: "127.0.0.1" }
  await kube.send("PATCH", `${PATH}/${pod}/status`, { status })
  return `${NAMESPACE}_${pod}_${metadata.uid}/${CONTAINER}`
}
