import type { Clock } from "#mesh/clock.ts"
import type { ProxyTarget } from "#mesh/proxy.ts"
import type { Discovery, ReportProblem } from "../contract.ts"
import { ApiTasks } from "./api/api-tasks.ts"
import type { EcsCalls } from "./api/calls.ts"
import { ownPlace } from "./api/place.ts"
import type { EcsDiscoveryConfig } from "./config.ts"
import { Docker } from "./docker.ts"
import { type Endpoint, readJson } from "./endpoint.ts"
import { envoyTargets, isEnvoy } from "./envoys.ts"
import { type FactsOf, joinedFacts, noFacts } from "./facts.ts"
import { serviceConnectTargets } from "./service-connect.ts"
import { type EcsTask, introspectedCluster, introspectedTasks, ownTask } from "./tasks.ts"

export interface EcsDiscoveryDeps {
  readonly clock: Clock
  readonly report: ReportProblem
  /** Told once when all can be read again after a problem. */
  readonly mended?: () => void
  /** The ECS API, where `api` is configured. */
  readonly calls?: EcsCalls
  /** From 0 to 1. */
  readonly random?: () => number
}

/**
 * Proxies of an instance of ECS: Envoys in the tasks that the ECS agent tells of, those of Service Connect, and, where the
 * agent runs inside of a task, the Envoy beside it.
 */
export function ecsDiscovery(config: EcsDiscoveryConfig, deps: EcsDiscoveryDeps): Discovery {
  return {
    async run(emit, signal) {
      let known: string | undefined
      let troubled = false
      const trouble = (error: unknown): void => {
        troubled = true
        deps.report(error instanceof Error ? error : new Error(String(error)))
      }
      const look = looker(config, deps, trouble)
      while (!signal.aborted) {
        const before = troubled
        troubled = false
        try {
          const targets = await look(signal)
          const text = JSON.stringify(targets)
          if (text !== known && !signal.aborted) emit(targets)
          known = text
          if (before && !troubled) deps.mended?.()
        } catch (error) {
          if (signal.aborted) break
          trouble(error)
        }
        await deps.clock.sleep(config.interval, signal)
      }
      await deps.calls?.stop()
    },
  }
}

type Look = (signal: AbortSignal) => Promise<readonly ProxyTarget[]>

/** One look at everything that the configuration names; rejects where a part of it cannot be read that others rest on. */
function looker(
  config: EcsDiscoveryConfig,
  { clock, calls, random = Math.random, report }: EcsDiscoveryDeps,
  trouble: (error: unknown) => void,
): Look {
  const { introspection, task, serviceConnect, logs } = config
  const docker = config.docker === undefined ? undefined : new Docker(config.docker.socket, config.timeout)
  const api =
    config.api === undefined || calls === undefined
      ? undefined
      : { ...config.api, calls, tasks: new ApiTasks(config.api.interval, { clock, calls, random }) }
  const place = api && ownPlace(api, api.calls, config.timeout)
  const tasksOf = async (signal: AbortSignal): Promise<readonly EcsTask[]> => {
    if (introspection === undefined)
      return api === undefined || place === undefined ? [] : api.tasks.tasks(() => place(signal), signal)
    const tasks = await instanceTasks(introspection, config.timeout, signal)
    // What only the API tells is less than the tasks themselves: they are told also where it fails.
    await api?.tasks.learn(tasks, signal).catch(trouble)
    return tasks.map((one) => api?.tasks.completed(one) ?? one)
  }
  return async (signal) => {
    const tasks = await tasksOf(signal)
    if (api?.tasks.refused !== undefined) trouble(api.tasks.refused)
    const byApi: FactsOf = (of, container) => api?.tasks.facts(of, container) ?? noFacts(of, container)
    const facts = docker === undefined ? byApi : await dockerFacts(docker, tasks, config, byApi, signal)
    const own = task === undefined ? [] : await ownEnvoys(task.metadata, config, signal, report)
    return [
      ...own,
      ...envoyTargets(tasks, config, logs, facts, report),
      ...(serviceConnect === undefined
        ? []
        : await serviceConnectTargets(serviceConnect, tasks, logs.from === "forward", report)),
    ]
  }
}

async function instanceTasks(url: string, timeoutMs: number, signal: AbortSignal): Promise<EcsTask[]> {
  const agent: Endpoint = { name: `The ECS agent at ${url}`, timeoutMs, at: { url } }
  const cluster = introspectedCluster(await readJson(agent, "/v1/metadata", signal))
  return introspectedTasks(await readJson(agent, "/v1/tasks", signal), cluster)
}

/** Docker's facts before `others`: it knows what a container was really started with. */
async function dockerFacts(
  docker: Docker,
  tasks: readonly EcsTask[],
  rules: EcsDiscoveryConfig,
  others: FactsOf,
  signal: AbortSignal,
): Promise<FactsOf> {
  const running = await docker.running(signal)
  const labelled: FactsOf = (task, container) => {
    const labels = running.get(container.id)
    return labels === undefined ? others(task, container) : joinedFacts(labels, others(task, container))
  }
  // What Docker does not know, the ECS agent just made or just ended: it has no facts then.
  const wanted = tasks.flatMap((task) =>
    task.containers.filter((one) => running.has(one.id) && isEnvoy(one, rules, labelled(task, one))),
  )
  const inspected = await docker.inspect(wanted, signal)
  return (task, container) => {
    const own = inspected.get(container.id)
    const labels = labelled(task, container)
    return own === undefined ? labels : joinedFacts(labels, own)
  }
}

/** In awsvpc networking, as on Fargate, all containers of a task share its loopback. */
async function ownEnvoys(
  url: string,
  config: EcsDiscoveryConfig,
  signal: AbortSignal,
  report: ReportProblem,
): Promise<ProxyTarget[]> {
  const endpoint: Endpoint = {
    name: `The task metadata endpoint at ${url}`,
    timeoutMs: config.timeout,
    at: { url },
  }
  const task = ownTask(await readJson(endpoint, "/task", signal))
  const here = task.containers.map((one) => ({ ...one, networks: [{ mode: "host", addresses: [] }] }))
  const rules = { ...config, host: "127.0.0.1" }
  return envoyTargets([{ ...task, containers: here }], rules, config.logs, noFacts, report)
}
