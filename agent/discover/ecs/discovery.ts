import type { Clock } from "#mesh/clock.ts"
import type { ProxyTarget } from "#mesh/proxy.ts"
import type { Discovery, ReportProblem } from "../contract.ts"
import type { EcsDiscoveryConfig } from "./config.ts"
import { Docker } from "./docker.ts"
import { type Endpoint, readJson } from "./endpoint.ts"
import { type DockerFacts, envoyTargets, isEnvoy, NO_FACTS } from "./envoys.ts"
import { serviceConnectTargets } from "./service-connect.ts"
import { type EcsTask, introspectedCluster, introspectedTasks, ownTask } from "./tasks.ts"

export interface EcsDiscoveryDeps {
  readonly clock: Clock
  readonly report: ReportProblem
  /** Told once when all can be read again after a problem. */
  readonly mended?: () => void
}

/**
 * Proxies of an instance of ECS: Envoys in the tasks that the ECS agent tells of, those of Service Connect, and, where the
 * agent runs inside of a task, the Envoy beside it.
 */
export function ecsDiscovery(config: EcsDiscoveryConfig, deps: EcsDiscoveryDeps): Discovery {
  const look = looker(config, deps.report)
  return {
    async run(emit, signal) {
      let known: string | undefined
      let troubled = false
      while (!signal.aborted) {
        try {
          const targets = await look(signal)
          const text = JSON.stringify(targets)
          if (text !== known && !signal.aborted) emit(targets)
          known = text
          if (troubled) deps.mended?.()
          troubled = false
        } catch (error) {
          if (signal.aborted) return
          troubled = true
          deps.report(error instanceof Error ? error : new Error(String(error)))
        }
        await deps.clock.sleep(config.interval, signal)
      }
    },
  }
}

/** One look at everything that the configuration names; rejects where a part of it cannot be read. */
function looker(
  config: EcsDiscoveryConfig,
  report: ReportProblem,
): (signal: AbortSignal) => Promise<readonly ProxyTarget[]> {
  const { introspection, task, serviceConnect, logs } = config
  const docker = config.docker === undefined ? undefined : new Docker(config.docker.socket, config.timeout)
  return async (signal) => {
    const tasks =
      introspection === undefined ? [] : await instanceTasks(introspection, config.timeout, signal)
    const facts = docker === undefined ? NO_FACTS : await factsOf(docker, tasks, config, signal)
    const own = task === undefined ? [] : await ownEnvoys(task.metadata, config, signal, report)
    return [
      ...own,
      ...envoyTargets(tasks, config, logs, facts, report),
      ...(serviceConnect === undefined ? [] : await serviceConnectTargets(serviceConnect, tasks, report)),
    ]
  }
}

async function instanceTasks(url: string, timeoutMs: number, signal: AbortSignal): Promise<EcsTask[]> {
  const agent: Endpoint = { name: `The ECS agent at ${url}`, timeoutMs, at: { url } }
  const cluster = introspectedCluster(await readJson(agent, "/v1/metadata", signal))
  return introspectedTasks(await readJson(agent, "/v1/tasks", signal), cluster)
}

async function factsOf(
  docker: Docker,
  tasks: readonly EcsTask[],
  rules: EcsDiscoveryConfig,
  signal: AbortSignal,
): Promise<DockerFacts> {
  const running = await docker.running(signal)
  // What Docker does not know, the ECS agent just made or just ended: it has no facts then.
  const wanted = tasks
    .flatMap(({ containers }) => containers)
    .filter((one) => running.has(one.id) && isEnvoy(one, rules, running.get(one.id)))
  return { running, inspected: await docker.inspect(wanted, signal) }
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
  return envoyTargets([{ ...task, containers: here }], rules, config.logs, NO_FACTS, report)
}
