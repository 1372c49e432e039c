import { MeshscopeError } from "#mesh/errors.ts"
import type { EcsApiConfig } from "../config.ts"
import { type Endpoint, readJson } from "../endpoint.ts"
import { ownTask } from "../tasks.ts"
import { describedTasks } from "./answers.ts"
import type { Place } from "./api-tasks.ts"
import type { EcsCalls } from "./calls.ts"

/**
 * Where the agent's instance is: as configured, else asked once by the agent's own task, which its metadata name and the
 * ECS API knows the instance of. Undefined: nothing is configured that tells.
 * @returns rejects with MeshscopeError ECS_UNREACHABLE, ECS_REFUSED, ECS_BAD_ANSWER
 */
export function ownPlace(
  { metadata, cluster, containerInstance }: Omit<EcsApiConfig, "interval">,
  calls: EcsCalls,
  timeoutMs: number,
): ((signal: AbortSignal) => Promise<Place>) | undefined {
  if (cluster !== undefined && containerInstance !== undefined)
    return () => Promise.resolve({ cluster, containerInstance })
  if (metadata === undefined) return undefined
  let known: Place | undefined
  return async (signal) => (known ??= await askedPlace(metadata, calls, timeoutMs, signal))
}

async function askedPlace(
  url: string,
  calls: EcsCalls,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Place> {
  const endpoint: Endpoint = { name: `The task metadata endpoint at ${url}`, timeoutMs, at: { url } }
  const { arn, cluster } = ownTask(await readJson(endpoint, "/task", signal))
  const [own] = describedTasks(await calls.describeTasks({ cluster, tasks: [arn] }, signal))
  const containerInstance = own?.containerInstanceArn ?? ""
  if (containerInstance !== "") return { cluster, containerInstance }
  const sentence = `The ECS API knows no container instance of the agent's own task ${arn}. On Fargate there is none: use discover.ecs.task. Else set discover.ecs.api.cluster and containerInstance.`
  throw new MeshscopeError("ECS_BAD_ANSWER", sentence)
}
