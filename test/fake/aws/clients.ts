import { CloudWatchClient } from "@aws-sdk/client-cloudwatch"
import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs"
import { XRayClient } from "@aws-sdk/client-xray"
import type { Credentials } from "./signature.ts"

/** Where a client is to call, e.g. a `FakeAws`. */
export interface Endpoint {
  readonly url: string
  readonly region: string
  readonly credentials: Credentials
}

export interface SdkClients {
  readonly logs: CloudWatchLogsClient
  readonly xray: XRayClient
  readonly cloudwatch: CloudWatchClient
  destroy(): void
}

/** The real SDK's clients, without their retries, so that each answer is seen. */
export function sdkClients({ url, region, credentials }: Endpoint): SdkClients {
  const config = { endpoint: url, region, credentials, maxAttempts: 1 }
  const logs = new CloudWatchLogsClient(config)
  const xray = new XRayClient(config)
  const cloudwatch = new CloudWatchClient(config)
  const destroy = (): void => {
    for (const client of [logs, xray, cloudwatch]) client.destroy()
  }
  return { logs, xray, cloudwatch, destroy }
}
