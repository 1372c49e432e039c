import type { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs"
import { type AwsClientConfig, makeAwsClientHolder } from "../aws/client-holder.ts"
import { cloudWatchLogsClient } from "../aws/sdk-clients.ts"
import { awsTrouble } from "../aws/sdk-trouble.ts"
import type { AwsTrouble } from "../aws/trouble.ts"
import type { Sink, WriteResult } from "../contract.ts"
import { type GroupConfig, prepareStream } from "./destination.ts"
import { rejectedEvents } from "./rejected-events.ts"
import { type LogBatch, splitLogEvents } from "./split.ts"

export interface CloudWatchLogsSinkConfig extends GroupConfig {
  /** Name of the stream, the same in every group. */
  readonly stream: string
}

export interface CloudWatchLogsSinkDeps {
  /** Makes the client; region, credentials and endpoint are the SDK's own unless a test gives others. */
  readonly client?: (config: AwsClientConfig) => Promise<CloudWatchLogsClient>
}

/**
 * Sends log events by PutLogEvents (docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html).
 * Records' keys are log groups. A request whose answer was lost is sent again, and its events are there twice: the
 * protocol has nothing against that since sequence tokens are ignored.
 */
export function makeCloudWatchLogsSink(
  config: CloudWatchLogsSinkConfig,
  deps: CloudWatchLogsSinkDeps = {},
): Sink<LogBatch> {
  const holder = makeAwsClientHolder(deps.client ?? cloudWatchLogsClient)
  const deliver = async (batch: LogBatch, signal: AbortSignal): Promise<Accepted | AwsTrouble> => {
    try {
      const client = await holder.client()
      const first = await put(client, config.stream, batch, signal)
      if (first.kind !== "missing") return first
      const place = { group: batch.group, stream: config.stream }
      const prepared = await prepareStream(client, place, config, signal)
      if (prepared.kind !== "ready") return prepared
      const second = await put(client, config.stream, batch, signal)
      return second.kind === "accepted" ? { ...second, ...why(prepared.why ?? second.why) } : second
    } catch (error) {
      return awsTrouble(error)
    }
  }
  return {
    async start() {
      // Loading the SDK takes a tenth of a second in which no line is read: better now than with the first request.
      try {
        await holder.client()
      } catch {
        // The first write says why.
      }
    },
    split: splitLogEvents,
    async write(batch, signal) {
      const result = await deliver(batch, signal)
      if (result.kind === "accepted") return result
      holder.noteTrouble(result)
      // What was just made may not be known everywhere at once.
      return result.kind === "missing" ? { kind: "retry", why: result.why } : result
    },
    stop: () => holder.stop(),
  }
}

type Accepted = WriteResult & { readonly kind: "accepted" }

async function put(
  client: CloudWatchLogsClient,
  logStreamName: string,
  { group, events }: LogBatch,
  signal: AbortSignal,
): Promise<Accepted | AwsTrouble> {
  const { PutLogEventsCommand } = await import("@aws-sdk/client-cloudwatch-logs")
  const logEvents = events.map(({ timeMs, message }) => ({ timestamp: timeMs, message: textOf(message) }))
  try {
    const command = new PutLogEventsCommand({ logGroupName: group, logStreamName, logEvents })
    const { rejectedLogEventsInfo } = await client.send(command, { abortSignal: signal })
    const rejected = rejectedEvents(rejectedLogEventsInfo, events.length)
    return rejected.size === 0
      ? { kind: "accepted" }
      : { kind: "accepted", rejected, ...refusedWhy(rejected, group) }
  } catch (error) {
    return awsTrouble(error)
  }
}

function refusedWhy(rejected: ReadonlyMap<number, string>, group: string): { why: string } {
  const reasons = [...new Set(rejected.values())].join(", ")
  return { why: `${rejected.size} events for log group ${group} were refused by their time: ${reasons}` }
}

const why = (text: string | undefined): { why?: string } => (text === undefined ? {} : { why: text })

const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8")
