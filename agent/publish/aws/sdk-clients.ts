import type { CloudWatchClient } from "@aws-sdk/client-cloudwatch"
import type { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs"
import type { XRayClient } from "@aws-sdk/client-xray"
import type { AwsClientConfig } from "./client-holder.ts"

/**
 * The SDK's clients, for `makeAwsClientHolder`. Imported when they are made, so that an agent that has no use for one does
 * not load it. Region, credentials and endpoint are the SDK's own.
 */
export async function cloudWatchClient(config: AwsClientConfig): Promise<CloudWatchClient> {
  const { CloudWatchClient: Client } = await import("@aws-sdk/client-cloudwatch")
  return new Client(config)
}

export async function cloudWatchLogsClient(config: AwsClientConfig): Promise<CloudWatchLogsClient> {
  const { CloudWatchLogsClient: Client } = await import("@aws-sdk/client-cloudwatch-logs")
  return new Client(config)
}

export async function xrayClient(config: AwsClientConfig): Promise<XRayClient> {
  const { XRayClient: Client } = await import("@aws-sdk/client-xray")
  return new Client(config)
}
