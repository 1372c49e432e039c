import { MeshscopeError } from "#mesh/errors.ts"
import type { EcsCalls } from "./discover/ecs/api/calls.ts"
import { type AwsClientConfig, makeAwsClientHolder } from "./publish/aws/client-holder.ts"
import { awsTrouble } from "./publish/aws/sdk-trouble.ts"

/**
 * The ECS API by the AWS SDK, which is loaded with the first call. The region is that of the ARNs that are asked about;
 * where none is, it is the SDK's own, as credentials are.
 * @param timeoutMs for one call
 */
export function makeEcsCalls(timeoutMs: number): EcsCalls {
  let region: string | undefined
  const holder = makeAwsClientHolder(async (config: AwsClientConfig) => {
    const { ECSClient } = await import("@aws-sdk/client-ecs")
    return new ECSClient({ ...config, ...(region === undefined ? {} : { region }) })
  })
  type Client = Awaited<ReturnType<typeof holder.client>>
  const call = async (
    name: string,
    about: string | undefined,
    signal: AbortSignal,
    send: (client: Client, abortSignal: AbortSignal) => Promise<unknown>,
  ): Promise<unknown> => {
    region ??= REGION.exec(about ?? "")?.[1]
    try {
      return await send(await holder.client(), AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]))
    } catch (cause) {
      const trouble = awsTrouble(cause)
      holder.noteTrouble(trouble)
      const retryable = trouble.kind === "retry" && trouble.denied !== true
      const sentence = `The ECS API gives no answer to ecs:${name}: ${trouble.why}.`
      throw new MeshscopeError(retryable ? "ECS_UNREACHABLE" : "ECS_REFUSED", sentence, { retryable, cause })
    }
  }
  return {
    listTasks: (ask, signal) =>
      call("ListTasks", ask.containerInstance, signal, async (client, abortSignal) => {
        const { ListTasksCommand } = await import("@aws-sdk/client-ecs")
        return client.send(new ListTasksCommand(ask), { abortSignal })
      }),
    describeTasks: (ask, signal) =>
      call("DescribeTasks", ask.tasks[0], signal, async (client, abortSignal) => {
        const { DescribeTasksCommand } = await import("@aws-sdk/client-ecs")
        const { cluster, tasks } = ask
        return client.send(new DescribeTasksCommand({ cluster, tasks: [...tasks] }), { abortSignal })
      }),
    describeTaskDefinition: (ask, signal) =>
      call("DescribeTaskDefinition", ask.taskDefinition, signal, async (client, abortSignal) => {
        const { DescribeTaskDefinitionCommand } = await import("@aws-sdk/client-ecs")
        return client.send(new DescribeTaskDefinitionCommand(ask), { abortSignal })
      }),
    stop: () => holder.stop(),
  }
}

const REGION = /^arn:[a-z-]+:ecs:([a-z0-9-]+):/
