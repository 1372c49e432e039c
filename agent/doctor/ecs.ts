import { readdir } from "node:fs/promises"
import type { Check } from "#mesh/doctor-report.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import { fileReason } from "#mesh/system-reason.ts"
import { describedTasks, listedTasks } from "../discover/ecs/api/answers.ts"
import type { Place } from "../discover/ecs/api/api-tasks.ts"
import type { EcsCalls } from "../discover/ecs/api/calls.ts"
import { ownPlace } from "../discover/ecs/api/place.ts"
import type { EcsDiscoveryConfig } from "../discover/ecs/config.ts"
import { Docker } from "../discover/ecs/docker.ts"
import { readJson } from "../discover/ecs/endpoint.ts"
import { type EcsTask, introspectedCluster, introspectedTasks, ownTask } from "../discover/ecs/tasks.ts"
import { makeEcsCalls } from "../ecs-calls.ts"

/**
 * Whether each that discovery on ECS asks can be asked from here: the ECS agent, Docker, the task's metadata, the ECS API,
 * the folder of Service Connect. The calls that the role must allow are made, for one task.
 */
export async function checkEcs(
  config: EcsDiscoveryConfig | undefined,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  if (config === undefined) return []
  const { introspection, docker, task, serviceConnect, timeout } = config
  const told = introspection === undefined ? undefined : await instance(introspection, config.timeout, signal)
  const checks: Check[] = told === undefined ? [] : [told.check]
  if (docker !== undefined)
    checks.push(
      await tried("docker", DOCKER, async () => {
        const { size } = await new Docker(docker.socket, timeout).running(signal)
        return `Docker at ${docker.socket} tells of ${counted(size, "container")}.`
      }),
    )
  if (task !== undefined) checks.push(await metadataCheck("task", task.metadata, timeout, signal))
  if (config.api !== undefined) checks.push(...(await apiChecks(config, told?.tasks, signal)))
  if (serviceConnect !== undefined) checks.push(await folderCheck(serviceConnect.root))
  return checks
}

const INTROSPECTION =
  "Run the agent in host networking. In bridge networking name the bridge's gateway, as http://172.17.0.1:51678; in awsvpc networking set ECS_ALLOW_OFFHOST_INTROSPECTION_ACCESS=true on the instance, or let discover.ecs.api take its place."
const DOCKER =
  "Mount the socket and run as root; or leave discover.ecs.docker out, since discover.ecs.api tells most of the same."
const METADATA =
  "Set it to ${ECS_CONTAINER_METADATA_URI_V4}, which ECS sets in each container of a task, and run the agent as one."
const API = "Nothing can be said of the role's rights until it is asked."

async function instance(
  url: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<{ readonly check: Check; readonly tasks: readonly EcsTask[] }> {
  let tasks: readonly EcsTask[] = []
  const check = await tried("introspection", INTROSPECTION, async () => {
    const endpoint = { name: `The ECS agent at ${url}`, timeoutMs, at: { url } }
    const cluster = introspectedCluster(await readJson(endpoint, "/v1/metadata", signal))
    tasks = introspectedTasks(await readJson(endpoint, "/v1/tasks", signal), cluster)
    return `The ECS agent of cluster ${cluster} tells of ${counted(tasks.length, "running task")}.`
  })
  return { check, tasks }
}

function metadataCheck(key: string, url: string, timeoutMs: number, signal: AbortSignal): Promise<Check> {
  return tried(key, METADATA, async () => {
    const endpoint = { name: `The task metadata endpoint at ${url}`, timeoutMs, at: { url } }
    const { family, cluster } = ownTask(await readJson(endpoint, "/task", signal))
    return `This is a task of ${family} in cluster ${cluster}.`
  })
}

/** @param tasks of the ECS agent; undefined: the API takes its place */
async function apiChecks(
  { api, timeout }: EcsDiscoveryConfig,
  tasks: readonly EcsTask[] | undefined,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  if (api === undefined) return []
  const calls = makeEcsCalls(timeout)
  try {
    if (tasks !== undefined) return await readChecks(calls, tasks[0], signal)
    let place: Place | undefined
    const placed = await tried("api", METADATA, async () => {
      place = await ownPlace(api, calls, timeout)?.(signal)
      return `The agent's container instance is ${place?.containerInstance ?? ""}.`
    })
    return place === undefined ? [placed] : [placed, ...(await listChecks(calls, place, signal))]
  } finally {
    await calls.stop()
  }
}

async function listChecks(calls: EcsCalls, place: Place, signal: AbortSignal): Promise<readonly Check[]> {
  let first: string | undefined
  const listed = await permitted("ListTasks", async () => {
    const { taskArns } = listedTasks(await calls.listTasks({ ...place, maxResults: 1 }, signal))
    first = taskArns[0]
  })
  const task = first === undefined ? undefined : { arn: first, cluster: place.cluster }
  return [listed, ...(await readChecks(calls, task, signal))]
}

/** What is known of a task is read, of one. */
async function readChecks(
  calls: EcsCalls,
  task: Pick<EcsTask, "arn" | "cluster"> | undefined,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  if (task === undefined) return [notTried("DescribeTasks"), notTried("DescribeTaskDefinition")]
  let definition: string | undefined
  const described = await permitted("DescribeTasks", async () => {
    const ask = { cluster: task.cluster, tasks: [task.arn] }
    definition = describedTasks(await calls.describeTasks(ask, signal))[0]?.taskDefinitionArn
  })
  const taskDefinition = definition
  if (taskDefinition === undefined) return [described, notTried("DescribeTaskDefinition")]
  return [
    described,
    await permitted("DescribeTaskDefinition", async () => {
      await calls.describeTaskDefinition({ taskDefinition }, signal)
    }),
  ]
}

const RESOURCES: Readonly<Record<string, string>> = {
  ListTasks: "with the condition ecs:cluster",
  DescribeTasks: "with the condition ecs:cluster",
  DescribeTaskDefinition: 'on "*"',
}

async function permitted(action: string, call: () => Promise<void>): Promise<Check> {
  const subject = `ecs:${action}`
  try {
    await call()
    const sentence = "The role may call it, and AWS answers."
    return { area: "ecs", subject, state: "ok", sentence, todo: "" }
  } catch (error) {
    const denied = error instanceof MeshscopeError && error.code === "ECS_REFUSED"
    const todo = denied
      ? `Allow ${subject} to the task's role, ${RESOURCES[action] ?? ""}: docs/ecs.md.`
      : API
    return { area: "ecs", subject, state: "missing", sentence: wordsOf(error), todo }
  }
}

function notTried(action: string): Check {
  const sentence = "There is no task by which it could be tried."
  return { area: "ecs", subject: `ecs:${action}`, state: "not_tried", sentence, todo: "" }
}

/** No folder is what an instance has on which no task has used Service Connect yet. */
async function folderCheck(root: string): Promise<Check> {
  const about = { area: "ecs", subject: "discover.ecs.serviceConnect.root" } as const
  try {
    const names = await readdir(root)
    const sentence = `${root} has folders of ${counted(names.filter((name) => name !== "relay").length, "task")}.`
    return { ...about, state: "ok", sentence, todo: "" }
  } catch (error) {
    const away = error instanceof Error && "code" in error && error.code === "ENOENT"
    const sentence = `${root} cannot be read: ${fileReason(error)}.`
    const todo = away
      ? "Right where no task has used Service Connect on this instance yet; else mount the folder of the instance there."
      : "Mount it read-only, and run as root: each task's folder is for root alone."
    return { ...about, state: away ? "warning" : "missing", sentence, todo }
  }
}

/** @param key under `discover.ecs` @param look says what was found */
async function tried(key: string, todo: string, look: () => Promise<string>): Promise<Check> {
  const about = { area: "ecs", subject: `discover.ecs.${key}` } as const
  try {
    return { ...about, state: "ok", sentence: await look(), todo: "" }
  } catch (error) {
    const denied = error instanceof MeshscopeError && error.code === "ECS_REFUSED"
    const rights =
      "Allow ecs:ListTasks, ecs:DescribeTasks and ecs:DescribeTaskDefinition to the task's role: docs/ecs.md."
    return { ...about, state: "missing", sentence: wordsOf(error), todo: denied ? rights : todo }
  }
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`
