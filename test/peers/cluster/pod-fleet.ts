import { chown, mkdir } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { Apps, AppsEvents } from "../../../demo/apps/apps-process.ts"
import { awaitVersions } from "../../../demo/config-taken.ts"
import { ADMIN_PORT, type Placement, type Pod, placePods } from "../../../demo/control-plane/placement.ts"
import type { Fleet, FleetProxy } from "../../../demo/fleet.ts"
import { appPods, gatewayAddress, onlyMesh, writeFleet } from "../../../demo/fleet-files.ts"
import type { LogPlan } from "../../../demo/logs.ts"
import type { DeclaredMesh, DeclaredModel } from "../../../mesh/declared.ts"
import type { Cluster } from "./cluster.ts"
import { deployment, ENVOY_USER, type MeshPod, NAMESPACE, socketOf } from "./mesh-pods.ts"
import { PodApps } from "./pod-apps.ts"

export interface PodFleetOptions {
  readonly cluster: Cluster
  readonly model: DeclaredModel
  readonly logs: LogPlan
  /** Name of the image of Envoy and applications. */
  readonly image: string
}

/** A pod of Kubernetes, as far as it is asked for here. */
export interface KubePod {
  readonly metadata: {
    readonly name: string
    readonly uid: string
    /** Set while it ends. */
    readonly deletionTimestamp?: string
    readonly labels: Readonly<Record<string, string>>
  }
  readonly status: {
    readonly podIP?: string
    readonly containerStatuses?: readonly { readonly restartCount: number }[]
  }
}

export const podsOf = async (
  { kube }: Cluster,
  namespace: string,
  selector = "",
): Promise<readonly KubePod[]> =>
  (
    (await kube.get(
      `/api/v1/namespaces/${namespace}/pods?labelSelector=${encodeURIComponent(selector)}`,
    )) as {
      items: readonly KubePod[]
    }
  ).items

const PATIENCE_MS = 60_000

/** Waits until something is there. @throws Error that says what was waited for, with what the cluster's programs said */
export async function awaited<T>(
  cluster: Cluster,
  what: string,
  look: () => Promise<T | undefined>,
): Promise<T> {
  const end = performance.now() + PATIENCE_MS
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() > end) throw new Error(`Waited in vain: ${what}\n${cluster.words()}`)
    await sleep(200)
  }
}

/** Loopback is every pod's own, so these two are the same in all. */
const OWN = { appAddress: "127.0.0.2", egressAddress: "127.0.0.3" }

/** The demo's Envoys and applications, each in a pod of a real cluster. */
export async function startPodFleet(options: PodFleetOptions, events: AppsEvents): Promise<Fleet> {
  const { cluster, image } = options
  const mesh = onlyMesh(options.model, options.logs)
  const planned = placePods(mesh, {}, 0)
  const pods = planned.pods.map((pod) => meshPod(cluster, pod))
  for (const { folder } of pods) {
    await mkdir(folder, { recursive: true })
    await chown(folder, ENVOY_USER, ENVOY_USER)
  }
  const nodes = pods.filter(({ pod }) => pod.kind === "virtual_node")
  const apps = new PodApps(new Map(nodes.map((one) => [one.pod.name, socketOf(one)])), events)
  await cluster.kube.apply(pods.map((pod) => deployment(pod, image)))
  const placed = await Promise.all(pods.map((pod) => place(cluster, pod)))
  const placement: Placement = { base: 0, pods: placed.map(({ pod }) => pod) }
  const fleet = new PodFleet({ cluster, mesh, placement, apps, proxies: placed.map(({ proxy }) => proxy) })
  await fleet.begin()
  await apps.start(appPods(mesh, placement))
  return fleet
}

/** In demo/yelb.yaml a resource selects pods by its own name, without what AWS's name adds. */
const meshPod = (cluster: Cluster, pod: Pod): MeshPod => ({
  pod,
  app: pod.resource.replace(/-virtual-node|_yelb$/, ""),
  folder: join(cluster.folder, "pods", pod.name),
})

/** Where Kubernetes put it. */
async function place(cluster: Cluster, { pod, app }: MeshPod): Promise<{ pod: Pod; proxy: FleetProxy }> {
  const found = await awaited(cluster, `the pod of ${app} has an address`, async () => {
    const [one] = await podsOf(cluster, NAMESPACE, `app=${app}`)
    return one?.status.podIP === undefined ? undefined : { ...one, address: one.status.podIP }
  })
  const { name, uid } = found.metadata
  const log = join(cluster.podLogs, `${NAMESPACE}_${name}_${uid}`, "envoy/0.log")
  const placed = { ...pod, ...OWN, address: found.address }
  return { pod: placed, proxy: { name: pod.name, pod: placed, admin: `${found.address}:${ADMIN_PORT}`, log } }
}

interface Parts {
  readonly cluster: Cluster
  readonly mesh: DeclaredMesh
  readonly placement: Placement
  readonly apps: PodApps
  readonly proxies: readonly FleetProxy[]
}

/** What the demo's faults do to processes is the kubelet's here: those of its commands are refused. */
class PodFleet implements Fleet {
  readonly base = 0
  readonly runDir: string
  readonly placement: Placement
  readonly proxies: readonly FleetProxy[]
  readonly apps: Apps
  readonly targetsFile = ""
  readonly #parts: Parts
  #mesh: DeclaredMesh

  constructor(parts: Parts) {
    this.#parts = parts
    this.#mesh = parts.mesh
    this.runDir = parts.cluster.folder
    this.placement = parts.placement
    this.proxies = parts.proxies
    this.apps = parts.apps
  }

  mesh(): DeclaredMesh {
    return this.#mesh
  }

  async begin(): Promise<void> {
    const versions = await this.#write({})
    for (const { name } of this.proxies) {
      const admin = this.#find(name).admin
      await awaited(this.#parts.cluster, `Envoy of ${name} answers`, () => answer(admin))
    }
    await this.#taken(versions)
  }

  gateway(name?: string): string {
    return gatewayAddress(this.#mesh, this.placement, name)
  }

  async applyModel(
    model: DeclaredModel,
    disturbance: Parameters<Fleet["applyModel"]>[1] = {},
  ): Promise<void> {
    this.#mesh = onlyMesh(model, {})
    await this.#taken(await this.#write(disturbance))
  }

  restart(): Promise<void> {
    return Promise.reject(new Error("pods are started by the kubelet"))
  }

  kill(): void {
    throw new Error("pods are ended by the kubelet")
  }

  pid(): undefined {
    return undefined
  }

  stop(): Promise<void> {
    return this.#parts.apps.stop()
  }

  #write(
    disturbance: NonNullable<Parameters<Fleet["applyModel"]>[1]>,
  ): Promise<ReadonlyMap<string, readonly string[]>> {
    const { cluster } = this.#parts
    const folder = (pod: Pod): string => meshPod(cluster, pod).folder
    return writeFleet({ mesh: this.#mesh, placement: this.placement, folder, disturbance, style: {} })
  }

  async #taken(versions: ReadonlyMap<string, readonly string[]>): Promise<void> {
    await Promise.all(this.proxies.map((proxy) => awaitVersions(proxy, versions.get(proxy.name) ?? [])))
  }

  #find(name: string): FleetProxy {
    const proxy = this.proxies.find((known) => known.name === name)
    if (proxy === undefined) throw new Error(`The fleet has no proxy ${name}.`)
    return proxy
  }
}

async function answer(admin: string): Promise<true | undefined> {
  try {
    const said = await fetch(`http://${admin}/ready`, { signal: AbortSignal.timeout(1000) })
    return said.ok ? true : undefined
  } catch {
    return undefined
  }
}
