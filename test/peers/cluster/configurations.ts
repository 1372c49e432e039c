import { join } from "node:path"
import { NODE_ADDRESS } from "./network.ts"

export interface RuntimePlaces {
  readonly folder: string
  readonly socket: string
  /** Folder of the network plugins. */
  readonly plugins: string
  readonly sandboxImage: string
}

/** TOML takes JSON's strings. */
const text = (value: string): string => JSON.stringify(value)

/** containerd in folders of its own. */
export function containerdConfig({ folder, socket, plugins, sandboxImage }: RuntimePlaces): string {
  return `version = 2
root = ${text(join(folder, "containerd"))}
state = ${text(join(folder, "run/containerd"))}
[grpc]
  address = ${text(socket)}
[plugins."io.containerd.internal.v1.opt"]
  path = ${text(join(folder, "opt"))}
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = ${text(sandboxImage)}
  # Where the test itself runs without CAP_SYS_RESOURCE, runc may not lower oom_score_adj.
  restrict_oom_score_adj = true
  # Envoy binds port 80 as user 1337.
  enable_unprivileged_ports = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = ${text(plugins)}
    conf_dir = ${text(join(folder, "cni"))}
`
}

export const kubeConfig = (server: string, ca: string, token: string): object => ({
  apiVersion: "v1",
  kind: "Config",
  clusters: [{ name: "test", cluster: { server, "certificate-authority": ca } }],
  users: [{ name: "admin", user: { token } }],
  contexts: [{ name: "test", context: { cluster: "test", user: "admin" } }],
  "current-context": "test",
})

export interface KubeletPlaces {
  readonly folder: string
  readonly socket: string
  readonly ca: string
  readonly podLogs: string
}

/**
 * Rotates the containers' logs early and looks often, so that a test sees it happen. It keeps as much as a busy machine
 * needs to start an agent again: what the kubelet throws away meanwhile nobody can count.
 */
export const kubeletConfig = ({ folder, socket, ca, podLogs }: KubeletPlaces): object => ({
  apiVersion: "kubelet.config.k8s.io/v1beta1",
  kind: "KubeletConfiguration",
  address: NODE_ADDRESS,
  healthzPort: 0,
  containerRuntimeEndpoint: `unix://${socket}`,
  failSwapOn: false,
  failCgroupV1: false,
  cgroupDriver: "cgroupfs",
  cgroupsPerQOS: false,
  enforceNodeAllocatable: [],
  authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509: { clientCAFile: ca } },
  authorization: { mode: "Webhook" },
  evictionHard: { "nodefs.available": "1%", "imagefs.available": "1%" },
  imageGCHighThresholdPercent: 100,
  localStorageCapacityIsolation: false,
  clusterDNS: [NODE_ADDRESS],
  clusterDomain: "cluster.local",
  podLogsDir: podLogs,
  volumePluginDir: join(folder, "volume-plugins"),
  containerLogMaxSize: "64Ki",
  containerLogMaxFiles: 40,
  containerLogMonitorInterval: "3s",
})
