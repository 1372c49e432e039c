import { RECOMMENDED_JSON } from "./recommended-format.ts"
import type { Flavor } from "./resource.ts"

/** How proxies of one mesh product are told to log what is missing. */
export interface BetterLog {
  /** Where it is set, or why it cannot be any more. */
  readonly where: string
  /** What to paste there, as YAML; empty where there is nothing to paste. */
  readonly paste: string
}

/** Two spaces an indent, as YAML that `kubectl` and Envoy read. */
const fields = (indent: number): string =>
  Object.entries(RECOMMENDED_JSON)
    .map(([key, operator]) => `${" ".repeat(indent)}${key}: "${operator}"`)
    .join("\n")

const APP_MESH: BetterLog = {
  where:
    "App Mesh has ended and its API takes no change: a proxy that it configured logs as it does until it is replaced. Only a control plane of your own can still set it, as `spec.logging.accessLog` of virtual nodes and gateways. Ask for it in the mesh that you move to.",
  paste: `accessLog:
  file:
    path: /dev/stdout
    format:
      json:
${Object.entries(RECOMMENDED_JSON)
  .map(([key, operator]) => `        - key: ${key}\n          value: "${operator}"`)
  .join("\n")}`,
}

const BETTER_LOGS: Readonly<Record<Flavor, BetterLog>> = {
  "app-mesh": APP_MESH,
  istio: {
    where:
      "In Istio's mesh configuration (`istioctl install`, the Helm value `meshConfig`, or the ConfigMap istio in istio-system). Proxies take it without a restart.",
    paste: `meshConfig:
  accessLogFile: /dev/stdout
  accessLogEncoding: JSON
  accessLogFormat: |
    ${JSON.stringify(RECOMMENDED_JSON)}`,
  },
  "service-connect": {
    where:
      "In the ECS service's `serviceConnectConfiguration`. The fields of each line are fixed by AWS; `logConfiguration` must be set as well.",
    paste: `accessLogConfiguration:
  format: JSON
  includeQueryParameters: ENABLED
logConfiguration:
  logDriver: json-file`,
  },
  plain: {
    where: "In `access_log` of each HTTP connection manager of Envoy's configuration.",
    paste: `access_log:
  - name: envoy.access_loggers.file
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
      path: /dev/stdout
      log_format:
        json_format:
${fields(10)}`,
  },
}

export function betterLog(flavor: Flavor): BetterLog {
  return BETTER_LOGS[flavor]
}
