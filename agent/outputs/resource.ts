import type { MetricsEncoderOptions } from "../publish/otlp/metrics-encoder.ts"
import type { OutputDeps } from "./output.ts"

/** Who sends, as OTLP says it. */
export function agentResource({
  agentId,
  version,
  hostName,
}: Pick<OutputDeps, "agentId" | "version" | "hostName">): MetricsEncoderOptions {
  return {
    resource: {
      "service.name": "meshscope-agent",
      "service.instance.id": agentId,
      "service.version": version,
      "host.name": hostName,
    },
    scope: { name: "meshscope-agent", version },
  }
}
