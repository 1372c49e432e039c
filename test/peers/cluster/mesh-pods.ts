import { join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import type { Pod } from "../../../demo/control-plane/placement.ts"
import { ROOT } from "../../fixtures/deploy/objects.ts"

/** User of App Mesh's Envoys. */
export const ENVOY_USER = 1337
export const NAMESPACE = "yelb"
export const MESH = "yelb"

export interface MeshPod {
  readonly pod: Pod
  /** Label `app` of its pods, by which the declared resource selects them. */
  readonly app: string
  /** Of the node, at the same place in the pod: what Envoy reads, and the application's socket. */
  readonly folder: string
}

export const socketOf = ({ folder }: Pick<MeshPod, "folder">): string => join(folder, "app.socket")

/** Where a pod sees this checkout. */
const SOURCES = "/meshscope"
const BRIDGE = join(SOURCES, relative(ROOT, fileURLToPath(new URL("./app-bridge.ts", import.meta.url))))

/** A Deployment of one pod as App Mesh's controller would have injected it: the application, and `envoy` beside it. */
export function deployment(mesh: MeshPod, image: string): object {
  const { app } = mesh
  const labels = { app }
  const isGateway = mesh.pod.kind === "virtual_gateway"
  const volumes = [volume("exchange", mesh.folder), volume("sources", ROOT)]
  const containers = [...(isGateway ? [] : [application(mesh, image)]), envoy(mesh, image)]
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: app, namespace: NAMESPACE, labels },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { terminationGracePeriodSeconds: 1, automountServiceAccountToken: false, containers, volumes },
      },
    },
  }
}

const volume = (name: string, path: string): object => ({ name, hostPath: { path, type: "Directory" } })
const exchange = ({ folder }: MeshPod): object => ({ name: "exchange", mountPath: folder })
const common = (image: string): object => ({ image, imagePullPolicy: "Never" })

function application(mesh: MeshPod, image: string): object {
  return {
    name: "app",
    ...common(image),
    command: ["node", BRIDGE, socketOf(mesh)],
    volumeMounts: [exchange(mesh), { name: "sources", mountPath: SOURCES, readOnly: true }],
  }
}

/** Its configuration names the pod's address, so it waits for it: the test writes it when Kubernetes has told the address. */
function envoy(mesh: MeshPod, image: string): object {
  const file = join(mesh.folder, "bootstrap.json")
  const flags =
    "-l warn --concurrency 1 --disable-hot-restart --file-flush-interval-msec 200 --drain-time-s 1"
  const script = `until [ -f ${file} ]; do sleep 0.2; done; exec envoy -c ${file} ${flags}`
  const kind = mesh.pod.kind === "virtual_gateway" ? "virtualGateway" : "virtualNode"
  return {
    name: "envoy",
    ...common(image),
    command: ["sh", "-c", script],
    env: [
      { name: "APPMESH_RESOURCE_ARN", value: `mesh/${MESH}/${kind}/${mesh.pod.resource}` },
      { name: "ENVOY_ADMIN_ACCESS_PORT", value: "9901" },
    ],
    ports: [{ name: "stats", containerPort: 9901 }],
    securityContext: { runAsUser: ENVOY_USER },
    volumeMounts: [exchange(mesh)],
  }
}
