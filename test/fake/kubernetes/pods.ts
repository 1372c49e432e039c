/** Parts of a pod that a test wants otherwise. */
export interface PodParts {
  readonly name?: string
  readonly namespace?: string
  readonly node?: string
  readonly ip?: string
  readonly ips?: readonly string[]
  readonly phase?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly containers?: readonly ContainerParts[]
  /** Native sidecars where `restartPolicy: Always` stands in them. */
  readonly init?: readonly ContainerParts[]
  readonly metadata?: object
  readonly spec?: object
}

export interface ContainerParts {
  readonly name: string
  readonly env?: Readonly<Record<string, string | object>>
  readonly ports?: Readonly<Record<string, number>>
  readonly args?: readonly string[]
  readonly restarts?: number
  readonly restartPolicy?: string
}

/** A running pod of a Deployment, as the API server tells of it, with what is bulky in real ones. */
export function podObject(parts: PodParts = {}) {
  const { name = "web-5d9f8c7b6d-x2x7q", namespace = "shop", node = "node-1", ip = "10.0.0.7" } = parts
  const { containers = [{ name: "app" }], init = [] } = parts
  return {
    metadata: {
      name,
      namespace,
      uid: `uid-of-${name}`,
      creationTimestamp: "2026-11-21T10:00:00Z",
      labels: { app: "web", "pod-template-hash": "5d9f8c7b6d", ...parts.labels },
      ...(parts.annotations === undefined ? {} : { annotations: parts.annotations }),
      ownerReferences: [
        { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web-5d9f8c7b6d", uid: "r", controller: true },
      ],
      managedFields: [{ manager: "kubelet", operation: "Update", fieldsV1: { f: "x".repeat(200) } }],
      ...parts.metadata,
    },
    spec: {
      nodeName: node,
      ...(init.length === 0 ? {} : { initContainers: init.map(containerSpec) }),
      containers: containers.map(containerSpec),
      ...parts.spec,
    },
    status: {
      phase: parts.phase ?? "Running",
      ...(ip === "" ? {} : { podIP: ip, podIPs: (parts.ips ?? [ip]).map((one) => ({ ip: one })) }),
      initContainerStatuses: init.map(containerStatus),
      containerStatuses: containers.map(containerStatus),
    },
  }
}

function containerSpec({ name, env = {}, ports = {}, args, restartPolicy }: ContainerParts): object {
  return {
    name,
    image: `registry.example/${name}:1`,
    env: Object.entries(env).map(([key, value]) =>
      typeof value === "string" ? { name: key, value } : { name: key, valueFrom: value },
    ),
    ports: Object.entries(ports).map(([key, port]) => ({ name: key, containerPort: port, protocol: "TCP" })),
    ...(args === undefined ? {} : { args }),
    ...(restartPolicy === undefined ? {} : { restartPolicy }),
  }
}

const containerStatus = ({ name, restarts = 0 }: ContainerParts): object => ({
  name,
  restartCount: restarts,
  ready: true,
  state: { running: { startedAt: "2026-11-21T10:00:01Z" } },
})

/** App Mesh's sidecar as its controller injects it. */
export const appMeshEnvoy = (
  env: ContainerParts["env"] = {},
  more: Partial<ContainerParts> = {},
): ContainerParts => ({
  name: "envoy",
  env: {
    APPMESH_RESOURCE_ARN: "mesh/shop/virtualNode/web_shop",
    APPMESH_VIRTUAL_NODE_NAME: "mesh/shop/virtualNode/web_shop",
    ENVOY_ADMIN_ACCESS_PORT: "9901",
    ...env,
  },
  ports: { stats: 9901 },
  ...more,
})

/** Istio's sidecar as istiod injects it. */
export const istioEnvoy = (more: Partial<ContainerParts> = {}): ContainerParts => ({
  name: "istio-proxy",
  args: ["proxy", "sidecar", "--domain", "$(POD_NAMESPACE).svc.cluster.local"],
  env: {
    POD_NAME: { fieldRef: { fieldPath: "metadata.name" } },
    ISTIO_META_WORKLOAD_NAME: "web",
    ISTIO_META_MESH_ID: "cluster.local",
  },
  ports: { "http-envoy-prom": 15_090 },
  ...more,
})
