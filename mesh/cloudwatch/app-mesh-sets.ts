import type { Dimension, MetricSet } from "./metric-set.ts"
import { type Part, type ToldMetric, told } from "./told-metrics.ts"

/**
 * The metrics of App Mesh's metrics extension, by its names, units and dimensions, so that dashboards and alarms that were
 * made for it go on. `appmesh`: as StatsD and OpenTelemetry senders name them (`envoy.appmesh.RequestCount`).
 * `appmesh-cwagent`: as the CloudWatch agent does (`envoy_appmesh_RequestCount`, and a dimension `metric_type`).
 *
 * What cannot be told, as no log line and no counter of ours says it: ActiveConnectionCount and NewConnectionCount of
 * listeners, as we count connections where they are opened. ProcessedBytes and TargetProcessedBytes hold bodies and TCP
 * payload without headers, and TargetProcessedBytes only TCP, as bytes of requests are not counted per caller.
 */
export function appMeshSets(naming: "appmesh" | "appmesh-cwagent"): readonly MetricSet[] {
  const prefix = naming === "appmesh" ? "envoy.appmesh." : "envoy_appmesh_"
  const renamed = SETS.map(({ name, where, dimensions, metrics }) => ({
    name,
    where,
    dimensions,
    metrics: metrics.map((metric) => prefixed(metric, prefix)),
  }))
  return naming === "appmesh" ? renamed : renamed.flatMap(byType)
}

function prefixed({ name, kind, unit, scale, parts }: ToldMetric, prefix: string): ToldMetric {
  return { name: prefix + name, kind, unit, scale, parts }
}

const MESH: Dimension = { name: "Mesh", label: "mesh" }
const NODE: Dimension = { name: "VirtualNode", label: "virtual_node" }
const CALLER: Dimension = { name: "VirtualNode", label: "source" }
const GATEWAY: Dimension = { name: "VirtualGateway", label: "virtual_gateway" }
const TARGET: readonly Dimension[] = [
  { name: "TargetVirtualService", label: "virtual_service" },
  { name: "TargetVirtualNode", label: "virtual_node" },
]

/** `HTTPCode_Target_2XX_Count` and so on. */
const codes = (["2", "3", "4", "5"] as const).map((digit) =>
  told.counter(`HTTPCode_Target_${digit}XX_Count`, "Count", {
    key: "requests",
    where: { code_class: `${digit}xx` },
  }),
)
const HTTP_BYTES: readonly Part[] = [{ key: "requestBytes" }, { key: "responseBytes" }]
const TCP_BYTES: readonly Part[] = [{ key: "tcpSent" }, { key: "tcpReceived" }]
const INBOUND = [
  told.counter("RequestCount", "Count", { key: "requests" }),
  told.counter("GrpcRequestCount", "Count", { key: "requests", where: { protocol: "grpc" } }),
]
const PER_TARGET = [told.counter("RequestCountPerTarget", "Count", { key: "requests" }), ...codes]

/** Counted per caller and node; the producer adds the service, or `(ambiguous)` where there are several. */
const RESPONSE_TIME = told.metric("histogram", "TargetResponseTime", "Milliseconds", {
  key: "upstreamDuration",
})

const SETS: readonly MetricSet[] = [
  {
    name: "node",
    where: { reporter: "destination", virtual_node: undefined },
    dimensions: [MESH, NODE],
    metrics: [...INBOUND, told.counter("ProcessedBytes", "Bytes", ...HTTP_BYTES, ...TCP_BYTES)],
  },
  {
    name: "gateway",
    where: { reporter: "gateway", virtual_gateway: undefined },
    dimensions: [MESH, GATEWAY],
    metrics: [...INBOUND, told.counter("ProcessedBytes", "Bytes", ...HTTP_BYTES)],
  },
  {
    name: "node-target",
    where: { reporter: "source", source: undefined },
    dimensions: [MESH, CALLER, ...TARGET],
    metrics: [...PER_TARGET, told.counter("TargetProcessedBytes", "Bytes", ...TCP_BYTES)],
  },
  {
    name: "gateway-target",
    where: { reporter: "source", virtual_gateway: undefined },
    dimensions: [MESH, GATEWAY, ...TARGET],
    metrics: PER_TARGET,
  },
  {
    name: "node-target-time",
    where: { source: undefined },
    dimensions: [MESH, CALLER, ...TARGET],
    metrics: [RESPONSE_TIME],
  },
  {
    name: "gateway-target-time",
    where: { virtual_gateway: undefined },
    dimensions: [MESH, GATEWAY, ...TARGET],
    metrics: [RESPONSE_TIME],
  },
]

const TYPES: Readonly<Record<ToldMetric["kind"], string>> = {
  counter: "counter",
  gauge: "gauge",
  histogram: "timing",
}

/** The CloudWatch agent adds the StatsD type as a dimension. */
function byType(set: MetricSet): readonly MetricSet[] {
  return (["counter", "gauge", "histogram"] as const).flatMap((kind) => {
    const metrics = set.metrics.filter((metric) => metric.kind === kind)
    const type: Dimension = { name: "metric_type", label: "", fixed: TYPES[kind] }
    return metrics.length === 0
      ? []
      : [{ ...set, name: `${set.name}-${TYPES[kind]}`, dimensions: [...set.dimensions, type], metrics }]
  })
}
