import type { ContainerFacts } from "../facts.ts"
import { type EcsContainer, type EcsTask, named } from "../tasks.ts"
import { type DescribedTask, pairsOf } from "./answers.ts"
import { type Definition, definedFacts } from "./definition.ts"

/** A task as the ECS API tells of it, in the shape in which the ECS agent does, with what is known of its containers. */
export interface KnownTask {
  readonly task: EcsTask
  readonly facts: ReadonlyMap<string, ContainerFacts>
  readonly runs: boolean
  /** It runs, and everything that there is to know is known. */
  readonly whole: boolean
}

/** @param definition undefined: it was refused */
export function knownTask(
  described: DescribedTask,
  definition: Definition | undefined,
  cluster: string,
): KnownTask {
  const [, family = "", revision = ""] = DEFINITION.exec(described.taskDefinitionArn) ?? []
  const task: EcsTask = {
    ...named(described.taskArn, cluster),
    family,
    revision,
    service: SERVICE.exec(described.group ?? "")?.[1] ?? "",
    containers: described.containers.map((one) => containerOf(one, described, definition)),
  }
  const runs = described.lastStatus === "RUNNING"
  return { task, facts: factsOf(described, definition), runs, whole: runs && definition !== undefined }
}

const DEFINITION = /:task-definition\/([A-Za-z0-9_-]{1,255}):(\d{1,10})$/
const SERVICE = /^service:([A-Za-z0-9_-]{1,255})$/

function factsOf(
  { containers, overrides }: DescribedTask,
  definition: Definition | undefined,
): ReadonlyMap<string, ContainerFacts> {
  const found = new Map<string, ContainerFacts>()
  for (const { name } of containers) {
    const override = overrides?.containerOverrides.find((one) => one.name === name)
    const facts = definition && definedFacts(definition, name, pairsOf(override?.environment ?? []))
    if (facts !== undefined) found.set(name, facts)
  }
  return found
}

function containerOf(
  { name, image, runtimeId, networkBindings, networkInterfaces }: DescribedTask["containers"][number],
  task: DescribedTask,
  definition: Definition | undefined,
): EcsContainer {
  const own = networkInterfaces.flatMap((one) => [one.privateIpv4Address ?? "", one.ipv6Address ?? ""])
  const addresses = [...own, ...interfaceAddresses(task)].filter((address) => address !== "")
  const mode = definition?.networkMode ?? (addresses.length > 0 ? "awsvpc" : "")
  return {
    id: runtimeId ?? "",
    name,
    image: image ?? "",
    ports: networkBindings
      .filter(({ protocol }) => (protocol ?? "tcp") === "tcp")
      .map(({ containerPort, hostPort, bindIP }) => ({
        container: containerPort ?? 0,
        host: hostPort ?? 0,
        ip: bindIP ?? "",
      })),
    networks: [{ mode, addresses: mode === "awsvpc" ? addresses : [] }],
  }
}

/** Of the task's own network interface. */
function interfaceAddresses({ attachments }: DescribedTask): string[] {
  return attachments
    .filter(({ type }) => type === "ElasticNetworkInterface")
    .flatMap(({ details }) => {
      const told = pairsOf(details)
      return [told.get("privateIPv4Address") ?? "", told.get("ipv6Address") ?? ""]
    })
}
