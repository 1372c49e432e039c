import type { TelemetryRecord, XRayClient } from "@aws-sdk/client-xray"
import type { Clock } from "#mesh/clock.ts"
import { type AwsClientConfig, makeAwsClientHolder } from "../aws/client-holder.ts"
import { xrayClient } from "../aws/sdk-clients.ts"
import { awsTrouble } from "../aws/sdk-trouble.ts"
import type { Sink, WriteResult } from "../contract.ts"
import { splitSegments, type XrayBatch } from "./split.ts"
import { type SegmentCounts, XrayTelemetry } from "./telemetry.ts"
import { segmentsResult } from "./unprocessed.ts"

export interface XraySinkConfig {
  /** Whether X-Ray is told every minute how many segments came and went. */
  readonly telemetry: boolean
  /** Of the machine, as telemetry names it; empty: not said. */
  readonly hostName: string
  readonly resourceArn: string
}

export interface XraySinkDeps {
  readonly clock: Clock
  /** For telemetry: of the delivery around this sink, and of what feeds it. */
  readonly counts: () => SegmentCounts
  /** Makes the client; region, credentials and endpoint are the SDK's own unless a test gives others. */
  readonly client?: (config: AwsClientConfig) => Promise<XRayClient>
}

/**
 * Sends segment documents by PutTraceSegments (docs.aws.amazon.com/xray/latest/api/API_PutTraceSegments.html). Sending one
 * twice does no harm: X-Ray keeps one segment of an id.
 */
export function makeXraySink(config: XraySinkConfig, deps: XraySinkDeps): Sink<XrayBatch> {
  const holder = makeAwsClientHolder(deps.client ?? xrayClient)
  const telemetry = new XrayTelemetry({
    clock: deps.clock,
    counts: deps.counts,
    send: async (records, signal) => sendTelemetry(await holder.client(), config, records, signal),
  })
  return {
    start() {
      if (config.telemetry) telemetry.start()
      return Promise.resolve()
    },
    split: (records) => splitSegments(records),
    async write(batch, signal) {
      try {
        return await put(await holder.client(), batch, signal)
      } catch (error) {
        telemetry.countError(error)
        const trouble = awsTrouble(error)
        holder.noteTrouble(trouble)
        // There is nothing that could be missing: the call names no resource.
        return trouble.kind === "missing" ? { kind: "retry", why: trouble.why } : trouble
      }
    },
    async stop() {
      if (config.telemetry) await telemetry.stop()
      await holder.stop()
    },
  }
}

async function put(client: XRayClient, { documents }: XrayBatch, signal: AbortSignal): Promise<WriteResult> {
  const { PutTraceSegmentsCommand } = await import("@aws-sdk/client-xray")
  const command = new PutTraceSegmentsCommand({ TraceSegmentDocuments: documents.map(textOf) })
  const { UnprocessedTraceSegments = [] } = await client.send(command, { abortSignal: signal })
  return segmentsResult(documents, UnprocessedTraceSegments)
}

async function sendTelemetry(
  client: XRayClient,
  { hostName, resourceArn }: XraySinkConfig,
  records: TelemetryRecord[],
  signal: AbortSignal,
): Promise<void> {
  const { PutTelemetryRecordsCommand } = await import("@aws-sdk/client-xray")
  const command = new PutTelemetryRecordsCommand({
    TelemetryRecords: records,
    ...(hostName === "" ? {} : { Hostname: hostName.slice(0, 255) }),
    ...(resourceArn === "" ? {} : { ResourceARN: resourceArn }),
  })
  await client.send(command, { abortSignal: signal })
}

const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8")
