import type { CloudWatchLogsClient, LogGroupClass } from "@aws-sdk/client-cloudwatch-logs"
import { awsTrouble } from "../aws/sdk-trouble.ts"
import type { AwsTrouble } from "../aws/trouble.ts"

export interface GroupConfig {
  /** Whether a group that is not there is made. Streams always are. */
  readonly create: boolean
  /** Of groups that are made here; undefined: events never expire. */
  readonly retentionDays: number | undefined
  readonly class: LogGroupClass
}

/** What came of making a group and a stream: ready, with something to tell, or trouble. */
export type Prepared = { readonly kind: "ready"; readonly why?: string } | AwsTrouble

/**
 * Makes the stream, and the group where that is not there either. Others may do the same at the same time: what is there
 * already is as good. The stream is tried first, so that nobody needs the right to make groups where an operator made them.
 */
export async function prepareStream(
  client: CloudWatchLogsClient,
  { group, stream }: { readonly group: string; readonly stream: string },
  config: GroupConfig,
  signal: AbortSignal,
): Promise<Prepared> {
  const { CreateLogStreamCommand } = await import("@aws-sdk/client-cloudwatch-logs")
  const createStream = (): Promise<Prepared> =>
    made(() =>
      client.send(new CreateLogStreamCommand({ logGroupName: group, logStreamName: stream }), {
        abortSignal: signal,
      }),
    )
  const first = await createStream()
  if (first.kind !== "missing") return blamed(first, group)
  if (!config.create) return withoutGroup(group, "`create` is false")
  const grouped = await prepareGroup(client, group, config, signal)
  if (grouped.kind !== "ready") return grouped
  const second = await createStream()
  // A new group may not be known everywhere at once.
  if (second.kind === "missing") return { kind: "retry", why: second.why }
  return second.kind === "ready" ? grouped : second
}

async function prepareGroup(
  client: CloudWatchLogsClient,
  group: string,
  { class: logGroupClass, retentionDays }: GroupConfig,
  signal: AbortSignal,
): Promise<Prepared> {
  const { CreateLogGroupCommand, PutRetentionPolicyCommand } = await import("@aws-sdk/client-cloudwatch-logs")
  const options = { abortSignal: signal }
  const created = await made(() =>
    client.send(new CreateLogGroupCommand({ logGroupName: group, logGroupClass }), options),
  )
  if (created.kind !== "ready")
    return isDenied(created) ? withoutGroup(group, created.why) : blamed(created, group)
  if (retentionDays === undefined) return created
  const retention = { logGroupName: group, retentionInDays: retentionDays }
  const kept = await made(() => client.send(new PutRetentionPolicyCommand(retention), options))
  if (kept.kind === "ready") return kept
  // Events are worth more than how long they are kept.
  return { kind: "ready", why: `Log group ${group} is made, but its retention could not be set: ${kept.why}` }
}

/** What is refused here is a matter of configuration, not of the events that wait: they are kept for when it is mended. */
async function made(create: () => Promise<unknown>): Promise<Prepared> {
  try {
    await create()
    return { kind: "ready" }
  } catch (error) {
    if (error instanceof Error && error.name === "ResourceAlreadyExistsException") return { kind: "ready" }
    const trouble = awsTrouble(error)
    return trouble.kind === "rejected" ? { kind: "retry", why: trouble.why } : trouble
  }
}

/** Credentials and groups are the user's to mend, and so it is to be tried again. */
function withoutGroup(group: string, why: string): AwsTrouble {
  return {
    kind: "retry",
    why: `Log group ${group} does not exist and is not made: make it, or allow logs:CreateLogGroup and logs:PutRetentionPolicy and set \`create: true\` (${why})`,
  }
}

function blamed(prepared: Prepared, group: string): Prepared {
  if (prepared.kind === "ready") return prepared
  return { ...prepared, why: `Log group ${group} and its stream could not be made: ${prepared.why}` }
}

const isDenied = (trouble: AwsTrouble): boolean => trouble.kind === "retry" && trouble.denied === true
