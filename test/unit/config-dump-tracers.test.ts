import { expect, test } from "vitest"
import { decodeConfigDump } from "../../agent/decode/config-dump/decode.ts"
import { placePods } from "../../demo/control-plane/placement.ts"
import { proxyFiles } from "../../demo/control-plane/proxy-files.ts"
import type { TracerSettings } from "../../demo/control-plane/tracing.ts"
import type { Tracer } from "../../mesh/proxy.ts"
import { RICH } from "./demo-model.ts"

type Json = Record<string, unknown>
const ADMIN = "type.googleapis.com/envoy.admin.v3."
const HCM = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"

function tracersIn(bootstrap: Json, managers: readonly Json[], clusters: readonly Json[] = []) {
  const listeners = managers.map((more, index) => {
    const typed_config = { "@type": `type.googleapis.com/${HCM}`, stat_prefix: "x", ...more }
    return { listener: { name: `l${index}`, filter_chains: [{ filters: [{ name: "hcm", typed_config }] }] } }
  })
  const configs = [
    { "@type": `${ADMIN}BootstrapConfigDump`, bootstrap },
    { "@type": `${ADMIN}ListenersConfigDump`, static_listeners: listeners },
    { "@type": `${ADMIN}ClustersConfigDump`, static_clusters: clusters.map((cluster) => ({ cluster })) },
  ]
  return decodeConfigDump(Buffer.from(JSON.stringify({ configs }))).tracers
}

const [door] = placePods(RICH, {}, 40).pods

/** What the demo writes into a bootstrap is what App Mesh's agent wrote. */
function demoBootstrap(tracer: TracerSettings): { bootstrap: Json; clusters: readonly Json[] } {
  if (door === undefined) throw new Error("no gateway")
  const placement = placePods(RICH, {}, 40)
  const files = proxyFiles({ mesh: RICH, placement, pod: door, folder: "/xds", tracer })
  const bootstrap = JSON.parse(files.get("bootstrap.json") ?? "") as Json & {
    static_resources?: { clusters: readonly Json[] }
  }
  return { bootstrap, clusters: bootstrap.static_resources?.clusters ?? [] }
}

const TO = { host: "10.0.0.7", port: 4000 }
test.each<[TracerSettings, Partial<Tracer>]>([
  [
    { kind: "xray", ...TO },
    { kind: "xray", protocol: "udp", service: "shop@111122223333/door_ns" },
  ],
  [
    { kind: "zipkin", ...TO },
    { kind: "zipkin", protocol: "http", service: "" },
  ],
  [
    { kind: "otlp", ...TO },
    { kind: "opentelemetry", protocol: "http", service: "shop@111122223333/door_ns" },
  ],
])("App Mesh's bootstrap, %o", (settings, tracer) => {
  const { bootstrap, clusters } = demoBootstrap(settings)
  expect(tracersIn(bootstrap, [{ tracing: {} }, { tracing: {} }], clusters)).toEqual([
    { to: [TO], ...tracer },
  ])
})

test("a bootstrap's tracer that no connection manager uses is not in force", () => {
  const { bootstrap } = demoBootstrap({ kind: "xray", ...TO })
  expect(tracersIn(bootstrap, [{}])).toEqual([])
  expect(tracersIn(bootstrap, [])).toEqual([])
})

test("no tracer at all, though connection managers would trace", () => {
  expect(tracersIn({}, [{ tracing: {} }])).toEqual([])
})

test("an X-Ray tracer without a daemon sends to where the daemon is by default", () => {
  const http = { name: "envoy.tracers.xray", typed_config: {} }
  expect(tracersIn({ tracing: { http } }, [{ tracing: {} }])).toMatchObject([
    { kind: "xray", to: [{ host: "127.0.0.1", port: 2000 }] },
  ])
})

const grpc = (service: Json): Json => ({
  provider: { name: "envoy.tracers.opentelemetry", typed_config: { grpc_service: service } },
})

test("a connection manager's own provider comes before the bootstrap's", () => {
  const { bootstrap } = demoBootstrap({ kind: "xray", ...TO })
  const found = tracersIn(bootstrap, [
    { tracing: grpc({ google_grpc: { target_uri: "dns:///collector.ns:4317" } }) },
    { tracing: grpc({ envoy_grpc: { cluster_name: "absent" } }) },
    { tracing: { provider: { name: "envoy.tracers.fluentd" } } },
  ])
  expect(found).toEqual([
    { kind: "opentelemetry", protocol: "grpc", to: [{ host: "collector.ns", port: 4317 }], service: "" },
    { kind: "opentelemetry", protocol: "grpc", to: [], service: "" },
    { kind: "fluentd", protocol: "other", to: [], service: "" },
  ])
})
