import * as z from "zod"
import { MeshscopeError } from "#mesh/errors.ts"

/** A task of this instance, or the agent's own. Every name was checked: it is safe as part of a path. */
export interface EcsTask {
  readonly cluster: string
  readonly arn: string
  readonly id: string
  readonly family: string
  readonly revision: string
  /** Empty where it is not told. */
  readonly service: string
  readonly containers: readonly EcsContainer[]
}

export interface EcsContainer {
  readonly id: string
  readonly name: string
  readonly image: string
  readonly ports: readonly { readonly container: number; readonly host: number; readonly ip: string }[]
  readonly networks: readonly { readonly mode: string; readonly addresses: readonly string[] }[]
}

const MOST_TASKS = 2000
export const MOST_CONTAINERS = 100

export const text = z.string().max(2048)
/** What ECS allows for a name, and Docker for an id. */
export const word = z.string().regex(/^[A-Za-z0-9_-]{1,255}$/)
export const port = z.int().min(0).max(65_535)
/** Go writes null for a list without elements. */
export const list = <T extends z.ZodType>(element: T, most: number) =>
  z
    .array(element)
    .max(most)
    .nullish()
    .transform((all) => all ?? [])

const container = z
  .object({
    // Empty until it is made.
    DockerId: word.or(z.literal("")).default(""),
    Name: word,
    Image: text.default(""),
    Ports: list(
      z.object({
        ContainerPort: port.nullish(),
        HostPort: port.nullish(),
        HostIp: text.nullish(),
      }),
      1000,
    ),
    Networks: list(
      z.object({
        NetworkMode: text.nullish(),
        IPv4Addresses: list(text, 100),
        IPv6Addresses: list(text, 100),
      }),
      100,
    ),
  })
  .transform(
    (one): EcsContainer => ({
      id: one.DockerId,
      name: one.Name,
      image: one.Image,
      ports: one.Ports.map(({ ContainerPort, HostPort, HostIp }) => ({
        container: ContainerPort ?? 0,
        host: HostPort ?? 0,
        ip: HostIp ?? "",
      })),
      networks: one.Networks.map(({ NetworkMode, IPv4Addresses, IPv6Addresses }) => ({
        mode: NetworkMode ?? "",
        addresses: [...IPv4Addresses, ...IPv6Addresses].filter((address) => address !== ""),
      })),
    }),
  )

/** `arn:aws:ecs:<region>:<account>:task/<cluster>/<id>`, before 2018 without the cluster. */
const ARN = /^arn:[a-z-]+:ecs:[a-z0-9-]*:[0-9]*:task\/(?:([A-Za-z0-9_-]{1,255})\/)?([A-Za-z0-9-]{1,128})$/
export const arn = z.string().max(2048).regex(ARN)

const introspected = z.object({
  Tasks: list(
    z.object({
      Arn: arn,
      KnownStatus: text,
      Family: text,
      Version: text,
      Containers: list(container, MOST_CONTAINERS),
    }),
    MOST_TASKS,
  ),
})

/**
 * Running tasks on the page `/v1/tasks` of an ECS agent. Shape: amazon-ecs-agent `ecs-agent/introspection/v1`.
 * @param cluster of `/v1/metadata`
 * @throws MeshscopeError ECS_BAD_ANSWER
 */
export function introspectedTasks(page: unknown, cluster: string): EcsTask[] {
  const { Tasks } = checked(introspected, page, "The ECS agent's list of tasks")
  return Tasks.filter(({ KnownStatus }) => KnownStatus === "RUNNING").map(
    ({ Arn, Family, Version, Containers }): EcsTask =>
      Object.assign(named(Arn, cluster), {
        family: Family,
        revision: Version,
        service: "",
        containers: Containers,
      }),
  )
}

/** The short name of the cluster on the page `/v1/metadata`. @throws MeshscopeError ECS_BAD_ANSWER */
export function introspectedCluster(page: unknown): string {
  return shortName(checked(z.object({ Cluster: text }), page, "The ECS agent's metadata").Cluster)
}

const own = z.object({
  Cluster: text,
  TaskARN: arn,
  Family: text,
  Revision: text,
  ServiceName: text.nullish(),
  Containers: list(container, MOST_CONTAINERS),
})

/**
 * The agent's own task, on the page `/task` of the task metadata endpoint, version 4.
 * @throws MeshscopeError ECS_BAD_ANSWER
 */
export function ownTask(page: unknown): EcsTask {
  const task = checked(own, page, "The task metadata endpoint's answer")
  return {
    ...named(task.TaskARN, shortName(task.Cluster)),
    family: task.Family,
    revision: task.Revision,
    service: task.ServiceName ?? "",
    containers: task.Containers,
  }
}

/** The parts of a task's ARN. @param cluster where the ARN does not tell it */
export function named(taskArn: string, cluster: string): Pick<EcsTask, "arn" | "id" | "cluster"> {
  const [, told = cluster, id = ""] = ARN.exec(taskArn) ?? []
  return { arn: taskArn, id, cluster: told }
}

/** A cluster is told by its name or by its ARN. */
export function shortName(cluster: string): string {
  return cluster.slice(cluster.lastIndexOf("/") + 1)
}

/** @throws MeshscopeError ECS_BAD_ANSWER */
export function checked<T extends z.ZodType>(schema: T, page: unknown, what: string): z.output<T> {
  const read = schema.safeParse(page)
  if (read.success) return read.data
  const [first] = read.error.issues
  const where = first?.path.map(String).join(".") ?? ""
  throw new MeshscopeError("ECS_BAD_ANSWER", `${what} cannot be understood at "${where}": ${first?.message}.`)
}
