import type { DeclaredMesh, DeclaredModel } from "#mesh/declared.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import type { AppPod } from "./apps/protocol.ts"
import type { IdentityForm } from "./control-plane/bootstrap.ts"
import type { Disturbance } from "./control-plane/clusters.ts"
import type { Placement, Pod } from "./control-plane/placement.ts"
import { proxyFiles } from "./control-plane/proxy-files.ts"
import { nodeOf, reach, serviceOf } from "./control-plane/service.ts"
import { type TracerPlan, tracerOf } from "./control-plane/tracing.ts"
import { type LogPlan, withLogs } from "./logs.ts"
import { writeXds } from "./xds-folder.ts"

/** How all proxies of a fleet are set up. */
export interface ProxyStyle {
  /** As App Mesh's ENABLE_ENVOY_STATS_TAGS. */
  readonly statsTags?: boolean
  /** How the proxies are told who they are. Default: the short form. */
  readonly identity?: IdentityForm
  /** Tracers by resource. Default: none, as App Mesh. */
  readonly tracers?: TracerPlan
  /** Changes an Envoy's files before it reads them, as users did with what App Mesh's agent appended to the bootstrap. */
  readonly adapt?: (pod: Pod, files: ReadonlyMap<string, string>) => ReadonlyMap<string, string>
}

export interface FleetFiles {
  readonly mesh: DeclaredMesh
  readonly placement: Placement
  /** Absolute folder of a pod's files, the same for the Envoy that reads them. */
  readonly folder: (pod: Pod) => string
  readonly disturbance: Disturbance
  readonly style: ProxyStyle
}

/** Writes the files of all proxies. @returns versions that changed, by name of the pod */
export async function writeFleet(fleet: FleetFiles): Promise<ReadonlyMap<string, readonly string[]>> {
  const { mesh, placement, disturbance, style } = fleet
  const { statsTags = false, identity = "short", tracers = {}, adapt } = style
  const changed = new Map<string, readonly string[]>()
  for (const pod of placement.pods) {
    const folder = fleet.folder(pod)
    const tracer = tracerOf(tracers, pod.resource)
    const made = proxyFiles({
      mesh,
      placement,
      pod,
      folder,
      statsTags,
      identity,
      disturbance,
      ...(tracer === undefined ? {} : { tracer }),
    })
    const files = adapt?.(pod, made) ?? made
    const names = await writeXds(folder, files)
    changed.set(
      pod.name,
      names.flatMap((name) => versionIn(files.get(name) ?? "")),
    )
  }
  return changed
}

const versionIn = (file: string): readonly string[] =>
  /"version_info": "([0-9a-f]+)"/.exec(file)?.slice(1) ?? []

/** The first mesh of a model, with other log settings. */
export function onlyMesh(model: DeclaredModel, logs: LogPlan): DeclaredMesh {
  const [mesh] = model.meshes
  if (mesh === undefined) throw new MeshscopeError("MODEL_INVALID", "The model declares no mesh.")
  return withLogs(mesh, logs)
}

/** `host:port` of a gateway's first listener; of the first gateway without a name. */
export function gatewayAddress(mesh: DeclaredMesh, placement: Placement, name?: string): string {
  const gateway = mesh.virtualGateways.find((known) => name === undefined || known.name === name)
  const pod = placement.pods.find((known) => known.resource === gateway?.name)
  const port = gateway?.listeners[0]?.port
  if (pod === undefined || port === undefined) {
    throw new MeshscopeError("MODEL_INVALID", `The fleet has no gateway ${name ?? ""}.`)
  }
  return `${pod.address}:${port}`
}

/** One application per pod of a virtual node; it knows its backends by host and port. */
export function appPods(mesh: DeclaredMesh, placement: Placement): readonly AppPod[] {
  return placement.pods
    .filter(({ kind }) => kind === "virtual_node")
    .map((pod) => {
      const node = nodeOf(mesh, pod.resource)
      const backends = node.backends.flatMap((name) => reach(mesh, serviceOf(mesh, name)))
      return {
        pod: pod.name,
        node: node.name,
        appAddress: pod.appAddress,
        egressAddress: pod.egressAddress,
        listeners: node.listeners.map(({ port, protocol }) => ({ port, protocol })),
        backends: backends.map(({ name, port, protocol }) => ({ service: name, port, protocol })),
      }
    })
}
