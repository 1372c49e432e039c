import type { ApiName, Operation } from "./operation.ts"

/** JSON protocols name the operation in `x-amz-target`. */
const TARGETS: Record<string, string> = {
  Logs_20140328: "logs",
  AmazonEC2ContainerServiceV20141113: "ecs",
  GraniteServiceVersion20100801: "monitoring",
}

/** Paths of client-xray's operations, and of docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-OTLPEndpoint.html */
const PATHS: Record<string, ApiName> = {
  "/TraceSegments": "xray:PutTraceSegments",
  "/TelemetryRecords": "xray:PutTelemetryRecords",
  "/GetSamplingRules": "xray:GetSamplingRules",
  "/SamplingTargets": "xray:GetSamplingTargets",
  "/SamplingStatisticSummaries": "xray:GetSamplingStatisticSummaries",
  "/v1/metrics": "otlp:metrics",
  "/v1/logs": "otlp:logs",
  "/v1/traces": "otlp:traces",
}

/** docs.aws.amazon.com/prometheus/latest/userguide/AMP-APIReference.html (RemoteWrite) */
const REMOTE_WRITE = /^\/workspaces\/[^/]+\/api\/v1\/remote_write$/

/** Finds the operation that a request calls. All are POSTs. */
export function route(
  operations: readonly Operation[],
): (method: string, path: string, target: string | undefined) => Operation | undefined {
  const byName = new Map<string, Operation>(operations.map((operation) => [operation.api, operation]))
  return (method, path, target) => {
    if (method !== "POST") return undefined
    if (target !== undefined) {
      const [prefix = "", name = ""] = target.split(".")
      return path === "/" && Object.hasOwn(TARGETS, prefix)
        ? byName.get(`${TARGETS[prefix]}:${name}`)
        : undefined
    }
    if (REMOTE_WRITE.test(path)) return byName.get("aps:RemoteWrite")
    return Object.hasOwn(PATHS, path) ? byName.get(PATHS[path] ?? "") : undefined
  }
}
