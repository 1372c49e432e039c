import { isIP } from "node:net"
import { adminAddressText } from "#mesh/address.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import type { AdminAddress, ProxyTarget, Served } from "#mesh/proxy.ts"
import type { ReportProblem } from "../contract.ts"
import type { EcsLogs, EnvoyRules } from "./config.ts"
import type { ContainerFacts, FactsOf } from "./facts.ts"
import { logsOf } from "./logs.ts"
import type { EcsContainer, EcsTask } from "./tasks.ts"

/** The path of Envoy's own page; other programs have their metrics elsewhere. */
const ENVOY_PAGE = "/stats/prometheus"

/** Whether a container is an Envoy: by its name, its image, our label, or labels that name Envoy's page. */
export function isEnvoy(
  container: EcsContainer,
  rules: EnvoyRules,
  { stated, exported }: Pick<ContainerFacts, "stated" | "exported">,
): boolean {
  if (stated || rules.containers.includes(container.name)) return true
  return rules.images.includes(imageName(container.image)) || exported?.path === ENVOY_PAGE
}

/** `aws-appmesh-envoy` of `840364872350.dkr.ecr.eu-west-1.amazonaws.com/aws-appmesh-envoy:v1.29.12.3-prod@sha256:…`. */
function imageName(image: string): string {
  const [repository = ""] = image.slice(image.lastIndexOf("/") + 1).split(/[:@]/)
  return repository
}

/** Every Envoy of the tasks as a target. Of two at one address, which host networking allows, the first one is left. */
export function envoyTargets(
  tasks: readonly EcsTask[],
  rules: EnvoyRules,
  logs: EcsLogs,
  factsOf: FactsOf,
  report: ReportProblem,
): ProxyTarget[] {
  const owners = new Map<string, string>()
  const targets: ProxyTarget[] = []
  for (const task of tasks) {
    for (const container of task.containers) {
      const facts = factsOf(task, container)
      if (!isEnvoy(container, rules, facts)) continue
      const name = `${task.id}/${container.name}`
      const way = wayTo(container, rules, facts)
      if (way === undefined) {
        // Elsewhere it has no address yet: it is just being started.
        if (isOnBridge(container)) report(unmapped(name))
        continue
      }
      const first = owners.get(adminAddressText(way.admin))
      if (first !== undefined) report(twoAt(name, first, way.admin))
      else {
        owners.set(adminAddressText(way.admin), name)
        targets.push(targetOf(name, task, container, way, logs, facts))
      }
    }
  }
  return targets
}

interface Way {
  readonly admin: AdminAddress
  readonly serves?: Served
}

function targetOf(
  name: string,
  task: EcsTask,
  container: EcsContainer,
  way: Way,
  logs: EcsLogs,
  { hint, logFile, driver }: ContainerFacts,
): ProxyTarget {
  return {
    name,
    ...way,
    ...logsOf(logs, task, container, { logFile, driver }),
    ...(Object.keys(hint).length === 0 ? {} : { hint }),
    labels: labelsOf(task, container),
  }
}

/** What a task is, as labels of a target. */
export function labelsOf(task: EcsTask, container?: EcsContainer): Readonly<Record<string, string>> {
  const { cluster, arn, id, family, revision, service } = task
  return {
    cluster,
    task_arn: arn,
    task_id: id,
    family,
    revision,
    ...(service === "" ? {} : { service }),
    ...(container === undefined ? {} : { container_name: container.name, container_id: container.id }),
  }
}

function wayTo(
  container: EcsContainer,
  rules: EnvoyRules,
  { adminPort, exported }: ContainerFacts,
): Way | undefined {
  const own = adminPort ?? rules.adminPort
  const isPage = exported?.path === ENVOY_PAGE && exported.port !== own && adminPort === undefined
  const port = isPage ? exported.port : own
  const address = addressOf(container, port, rules.host)
  if (address === undefined) return undefined
  const admin: AdminAddress = { kind: "tcp", ...address }
  return isPage ? { admin, serves: { kind: "prometheus", path: ENVOY_PAGE } } : { admin }
}

/** By network mode: the task's own address, the mapped port, else the container's address on the bridge; the host's. */
function addressOf(
  { networks, ports }: EcsContainer,
  port: number,
  host: string,
): { readonly host: string; readonly port: number } | undefined {
  if (networks.some(({ mode }) => mode === "host")) return { host, port }
  const own = networks.flatMap(({ addresses }) => addresses).find((address) => isIP(address) !== 0)
  if (networks.some(({ mode }) => mode === "awsvpc"))
    return own === undefined ? undefined : { host: own, port }
  const mapped = ports.find((one) => one.container === port && one.host > 0)
  if (mapped !== undefined) return { host: isEverywhere(mapped.ip) ? host : mapped.ip, port: mapped.host }
  return own === undefined ? undefined : { host: own, port }
}

function isEverywhere(ip: string): boolean {
  return isIP(ip) === 0 || ip === "0.0.0.0" || ip === "::"
}

/** Running on Docker's bridge, with an address that nobody tells. */
function isOnBridge({ id, networks }: EcsContainer): boolean {
  return id !== "" && networks.some(({ mode, addresses }) => mode === "bridge" && addresses.length === 0)
}

function unmapped(name: string): MeshscopeError {
  const sentence = `The Envoy ${name} cannot be asked: its address on the bridge is not told, and its admin port is not mapped. Map the port in its task definition, or let the agent ask the ECS agent (discover.ecs.introspection).`
  return new MeshscopeError("ECS_BAD_ANSWER", sentence)
}

function twoAt(name: string, first: string, admin: AdminAddress): MeshscopeError {
  const sentence = `The Envoys ${first} and ${name} have the same admin address ${adminAddressText(admin)}; the second one is left out. Give each an admin port of its own.`
  return new MeshscopeError("DISCOVERY_CONFLICT", sentence)
}
