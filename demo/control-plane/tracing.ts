import type { DeclaredMesh } from "#mesh/declared.ts"
import { type JsonObject, packed, socketAddress } from "./json.ts"
import type { Pod } from "./placement.ts"

/** Which tracer an Envoy has and where it sends its spans. */
export interface TracerSettings {
  readonly kind: "xray" | "zipkin" | "otlp"
  /** X-Ray wants a literal address, as App Mesh's agent did. */
  readonly host: string
  readonly port: number
  /** X-Ray alone, as `XRAY_SAMPLING_RATE`: share of requests beyond the first of each second. Default 0.05. */
  readonly samplingRate?: number
  /** Zipkin alone, as `JAEGER_TRACER_VERSION=JSON`. Default: protobuf. */
  readonly json?: boolean
}

/** By name of a virtual node or gateway; `*` for all others. What is not named has no tracer. */
export type TracerPlan = Readonly<Record<string, TracerSettings | "none">>

export function tracerOf(plan: TracerPlan, resource: string): TracerSettings | undefined {
  const settings = plan[resource] ?? plan["*"]
  return settings === "none" ? undefined : settings
}

/** What a tracer adds to the bootstrap, and the files that this names. */
export interface Tracing {
  readonly bootstrap: JsonObject
  readonly files: ReadonlyMap<string, string>
}

/** As App Mesh's agent appended it to the bootstrap (amazon-ecs-service-connect-agent, agent/envoy_bootstrap). */
export function tracing(mesh: DeclaredMesh, pod: Pod, folder: string, settings: TracerSettings): Tracing {
  switch (settings.kind) {
    case "xray":
      return xray(mesh, pod, folder, settings)
    case "zipkin":
      return zipkin(settings)
    case "otlp":
      return otlp(mesh, pod, settings)
  }
}

const http = (name: string, type: string, fields: JsonObject): JsonObject => ({
  http: { name: `envoy.tracers.${name}`, typed_config: packed(`envoy.config.trace.v3.${type}`, fields) },
})

/** Of a shared mesh `<mesh>@<owner>/<resource>`: the agent cut the node id at its slashes and no further. */
const ownName = (mesh: DeclaredMesh): string =>
  mesh.owner === undefined ? mesh.name : `${mesh.name}@${mesh.owner}`

const MANIFEST = "sampling-rules.json"
/** The X-Ray tracer's own default: for it the agent wrote no manifest. */
const DEFAULT_RATE = 0.05

function xray(mesh: DeclaredMesh, pod: Pod, folder: string, settings: TracerSettings): Tracing {
  const { host, port, samplingRate = DEFAULT_RATE } = settings
  const rate = Math.round(samplingRate * 100) / 100
  const ruled = rate !== DEFAULT_RATE
  const manifest = { version: 2, default: { fixed_target: 1, rate }, rules: [] }
  const name = ownName(mesh)
  return {
    bootstrap: {
      tracing: http("xray", "XRayConfig", {
        daemon_endpoint: { protocol: "UDP", address: host, port_value: port },
        segment_name: `${name}/${pod.resource}`,
        segment_fields: {
          origin: "AWS::AppMesh::Proxy",
          // Gateways too: the agent did not trust X-Ray to know another name.
          aws: { app_mesh: { mesh_name: name, virtual_node_name: pod.resource } },
        },
        ...(ruled ? { sampling_rule_manifest: { filename: `${folder}/${MANIFEST}` } } : {}),
      }),
    },
    files: new Map(ruled ? [[MANIFEST, `${JSON.stringify(manifest)}\n`]] : []),
  }
}

/** `ENABLE_ENVOY_JAEGER_TRACING`: Jaeger by name, Zipkin v2 on the wire, with trace ids of 64 bits. */
function zipkin({ host, port, json = false }: TracerSettings): Tracing {
  const bootstrap = {
    tracing: http("zipkin", "ZipkinConfig", {
      collector_cluster: "jaeger",
      collector_endpoint: "/api/v2/spans",
      collector_endpoint_version: json ? "HTTP_JSON" : "HTTP_PROTO",
      shared_span_context: false,
    }),
    static_resources: { clusters: [collector("jaeger", host, port)] },
  }
  return { bootstrap, files: new Map() }
}

/** App Mesh never built this one; its users had it by `ENVOY_TRACING_CFG_FILE`. */
function otlp(mesh: DeclaredMesh, pod: Pod, { host, port }: TracerSettings): Tracing {
  const cluster = "opentelemetry_collector"
  const bootstrap = {
    tracing: http("opentelemetry", "OpenTelemetryConfig", {
      http_service: { http_uri: { uri: `http://${host}:${port}/v1/traces`, cluster, timeout: "1s" } },
      service_name: `${ownName(mesh)}/${pod.resource}`,
    }),
    static_resources: { clusters: [collector(cluster, host, port)] },
  }
  return { bootstrap, files: new Map() }
}

function collector(name: string, host: string, port: number): JsonObject {
  const endpoint = { endpoint: { address: socketAddress(host, port) } }
  return {
    name,
    connect_timeout: "1s",
    type: "STRICT_DNS",
    lb_policy: "ROUND_ROBIN",
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [endpoint] }] },
  }
}
