import type { Clock } from "#mesh/clock.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import { type ContainerFacts, noFacts } from "../facts.ts"
import { type EcsContainer, type EcsTask, shortName } from "../tasks.ts"
import { type DescribedTask, describedTasks, listedTasks, MOST_IN_A_CALL } from "./answers.ts"
import type { EcsCalls } from "./calls.ts"
import { type Definition, definitionOf } from "./definition.ts"
import { type KnownTask, knownTask } from "./described.ts"

export interface ApiTasksDeps {
  readonly clock: Pick<Clock, "monotonic">
  readonly calls: EcsCalls
  /** From 0 to 1: agents that were refused together do not come back together. */
  readonly random: () => number
}

/** Where the instance is, each by name or ARN. */
export interface Place {
  readonly cluster: string
  readonly containerInstance: string
}

/** What was described is described again after this time: a container that was restarted has a new id. */
const STALE_MS = 600_000
const LONGEST_WAIT_MS = 900_000
const MOST_DEFINITIONS = 500
/** An instance has a few hundred; pages of a list that never ends are no list. */
const MOST_PAGES = 20

/**
 * Tasks of one instance, by the ECS API: one list per interval, and only what is new is described. After a failure it waits
 * twice as long each time, and what is known stays.
 */
export class ApiTasks {
  readonly #deps: ApiTasksDeps
  readonly #intervalMs: number
  readonly #known = new Map<string, KnownTask & { readonly atMs: number }>()
  /** Oldest use first. */
  readonly #definitions = new Map<string, Definition>()
  #nextMs = Number.NEGATIVE_INFINITY
  #failures = 0
  #hard: Error | undefined
  #refused: MeshscopeError | undefined

  constructor(intervalMs: number, deps: ApiTasksDeps) {
    this.#intervalMs = intervalMs
    this.#deps = deps
  }

  /** What of the last look was refused without keeping the rest from being known. */
  get refused(): MeshscopeError | undefined {
    return this.#refused
  }

  /** Every running task of the instance. @throws MeshscopeError ECS_UNREACHABLE, ECS_REFUSED, ECS_BAD_ANSWER */
  async tasks(place: () => Promise<Place>, signal: AbortSignal): Promise<EcsTask[]> {
    await this.#paced(async () => {
      const { cluster, containerInstance } = await place()
      const arns = await this.#list({ cluster, containerInstance }, signal)
      this.#forget(new Set(arns))
      const stale = this.#deps.clock.monotonic() - STALE_MS
      const isNew = (arn: string): boolean => {
        const known = this.#known.get(arn)
        return !known?.whole || known.atMs < stale
      }
      await this.#describe(cluster, arns.filter(isNew), signal)
      return false
    })
    const running = [...this.#known.values()].filter(({ runs }) => runs)
    return running.map(({ task }) => task).toSorted((a, b) => (a.arn < b.arn ? -1 : 1))
  }

  /** Asks about those of the tasks that are new. @throws as above */
  async learn(tasks: readonly EcsTask[], signal: AbortSignal): Promise<void> {
    this.#forget(new Set(tasks.map(({ arn }) => arn)))
    const unknown = (): EcsTask[] => tasks.filter(({ arn }) => !this.#known.get(arn)?.whole)
    if (unknown().length === 0) {
      this.#hard = this.#refused = undefined
      return
    }
    await this.#paced(async () => {
      for (const [cluster, arns] of byCluster(unknown())) await this.#describe(cluster, arns, signal)
      return unknown().length === 0
    })
  }

  /** The task with what only the API tells. */
  completed(task: EcsTask): EcsTask {
    return { ...task, service: task.service || (this.#known.get(task.arn)?.task.service ?? "") }
  }

  facts(task: EcsTask, container: EcsContainer): ContainerFacts {
    return this.#known.get(task.arn)?.facts.get(container.name) ?? noFacts(task, container)
  }

  /** @param work resolves with whether it may be called again at once */
  async #paced(work: () => Promise<boolean>): Promise<void> {
    const now = this.#deps.clock.monotonic()
    if (now < this.#nextMs) {
      if (this.#hard !== undefined) throw this.#hard
      return
    }
    this.#refused = undefined
    try {
      const soon = await work()
      this.#hard = undefined
      this.#failures = 0
      this.#nextMs = soon ? now : now + this.#intervalMs
    } catch (error) {
      this.#hard = error instanceof Error ? error : new Error(String(error))
      this.#failures += 1
      const wait = Math.min(this.#intervalMs * 2 ** this.#failures, LONGEST_WAIT_MS)
      this.#nextMs = now + wait * (1 - this.#deps.random() / 2)
      throw error
    }
  }

  async #list(place: Place, signal: AbortSignal): Promise<readonly string[]> {
    const arns: string[] = []
    let nextToken: string | undefined
    for (let pages = 0; pages < MOST_PAGES; pages++) {
      const ask = { ...place, ...(nextToken === undefined ? {} : { nextToken }) }
      const page = listedTasks(await this.#deps.calls.listTasks(ask, signal))
      arns.push(...page.taskArns)
      nextToken = page.nextToken ?? undefined
      if (nextToken === undefined) return arns
    }
    const sentence = `The ECS API's list of tasks has more than ${MOST_PAGES * MOST_IN_A_CALL} tasks for one instance.`
    throw new MeshscopeError("ECS_BAD_ANSWER", sentence)
  }

  async #describe(cluster: string, arns: readonly string[], signal: AbortSignal): Promise<void> {
    for (let at = 0; at < arns.length; at += MOST_IN_A_CALL) {
      const ask = { cluster, tasks: arns.slice(at, at + MOST_IN_A_CALL) }
      for (const described of describedTasks(await this.#deps.calls.describeTasks(ask, signal))) {
        const definition = await this.#definition(described, signal)
        const known = knownTask(described, definition, shortName(cluster))
        this.#known.set(described.taskArn, { ...known, atMs: this.#deps.clock.monotonic() })
      }
    }
  }

  /** Undefined where it is refused: the task is known without it, and it is asked for again later. */
  async #definition(
    { taskDefinitionArn }: DescribedTask,
    signal: AbortSignal,
  ): Promise<Definition | undefined> {
    const kept = this.#definitions.get(taskDefinitionArn)
    this.#definitions.delete(taskDefinitionArn)
    try {
      const ask = { taskDefinition: taskDefinitionArn }
      const found = kept ?? definitionOf(await this.#deps.calls.describeTaskDefinition(ask, signal))
      this.#definitions.set(taskDefinitionArn, found)
      const [oldest] = this.#definitions.keys()
      if (this.#definitions.size > MOST_DEFINITIONS && oldest !== undefined) this.#definitions.delete(oldest)
      return found
    } catch (error) {
      if (!(error instanceof MeshscopeError) || error.retryable) throw error
      this.#refused = error
      return undefined
    }
  }

  #forget(now: ReadonlySet<string>): void {
    for (const arn of this.#known.keys()) if (!now.has(arn)) this.#known.delete(arn)
  }
}

function byCluster(tasks: readonly EcsTask[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>()
  for (const { cluster, arn } of tasks) found.set(cluster, [...(found.get(cluster) ?? []), arn])
  return found
}
