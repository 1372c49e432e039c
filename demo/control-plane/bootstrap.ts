import type { DeclaredMesh } from "#mesh/declared.ts"
import { type JsonObject, packed, socketAddress } from "./json.ts"
import { ADMIN_PORT, type Pod } from "./placement.ts"

/** How a proxy is told who it is: App Mesh's controller sets the short form, ECS users mostly the ARN. */
export type IdentityForm = "short" | "arn"

/** `mesh/<mesh>[@owner]/virtualNode/<name>`, with `arn:aws:appmesh:<region>:<account>:` before it as an ARN. */
function nodeId(mesh: DeclaredMesh, pod: Pod, form: IdentityForm): string {
  const owner = mesh.owner === undefined ? "" : `@${mesh.owner}`
  const kind = pod.kind === "virtual_gateway" ? "virtualGateway" : "virtualNode"
  const short = `mesh/${mesh.name}${owner}/${kind}/${pod.resource}`
  return form === "short" ? short : `arn:aws:appmesh:us-west-2:${mesh.owner ?? "111122223333"}:${short}`
}

/** What App Mesh's agent wrote before it started Envoy, but with xDS from files. `folder` holds lds.json and cds.json. */
export function bootstrap(
  mesh: DeclaredMesh,
  pod: Pod,
  folder: string,
  statsTags: boolean,
  identity: IdentityForm = "short",
): JsonObject {
  const id = nodeId(mesh, pod, identity)
  return {
    admin: {
      access_log: [adminLog(`${folder}/envoy_admin_access.log`)],
      address: socketAddress(pod.address, ADMIN_PORT),
    },
    node: { id, cluster: id, metadata: metadata(pod) },
    layered_runtime: {
      layers: [
        {
          name: "static_layer_0",
          static_layer: {
            "envoy.features.enable_all_deprecated_features": true,
            "re2.max_program_size.error_level": 1000,
          },
        },
        { name: "admin_layer", admin_layer: {} },
      ],
    },
    dynamic_resources: {
      lds_config: fileSource(`${folder}/lds.json`),
      cds_config: fileSource(`${folder}/cds.json`),
    },
    cluster_manager: { outlier_detection: { event_log_path: "/dev/stdout" } },
    stats_config: { stats_tags: tags(mesh, pod, statsTags), use_all_default_tags: true },
  }
}

const fileSource = (path: string): JsonObject => ({
  resource_api_version: "V3",
  initial_fetch_timeout: "0s",
  path_config_source: { path },
})

const adminLog = (path: string): JsonObject => ({
  name: "envoy.access_loggers.file",
  typed_config: packed("envoy.extensions.access_loggers.file.v3.FileAccessLog", { path }),
})

function metadata(pod: Pod): JsonObject {
  const tail = pod.address.split(".").map((octet) => Number(octet).toString(16).padStart(3, "0"))
  return {
    "aws.appmesh.task.interfaces": {
      ipv4: { lo: ["127.0.0.1/8"], eth0: [`${pod.address}/32`] },
    },
    "aws.appmesh.platformInfo": {
      k8sPlatformInfo: {
        k8sVersion: "v1.32.0",
        podUid: `00000000-0000-4000-8000-${tail.join("")}`,
        appMeshControllerVersion: "v1.13.2",
      },
      AvailabilityZone: "us-west-2a",
      supportedIPFamilies: "IPv4_ONLY",
    },
  }
}

/** The regular expressions are the agent's own; the last one repeats a built-in tag, and Envoy says so in its log. */
function tags(mesh: DeclaredMesh, pod: Pod, statsTags: boolean): readonly JsonObject[] {
  const always = [
    { tag_name: "appmesh.listener_protocol", regex: String.raw`.*?\.ingress\.((\w+?)\.)[0-9]+?\.(.+?)$` },
    { tag_name: "appmesh.listener_port", regex: String.raw`.*?\.ingress\.\w+?\.(([0-9]+?)\.)(.+?)$` },
    {
      tag_name: "envoy.rds_route_config",
      regex: String.raw`.*?\.ingress\.\w+?\.[0-9]+?\.rds\.((.*?)\.)(.+?)$`,
    },
  ]
  if (!statsTags) return always
  const kind = pod.kind === "virtual_gateway" ? "appmesh.virtual_gateway" : "appmesh.virtual_node"
  return [
    ...always,
    {
      tag_name: "appmesh.mesh",
      fixed_value: mesh.owner === undefined ? mesh.name : `${mesh.name}@${mesh.owner}`,
    },
    { tag_name: kind, fixed_value: pod.resource },
  ]
}
