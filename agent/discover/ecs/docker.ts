import * as z from "zod"
import { MeshscopeError } from "#mesh/errors.ts"
import { type Endpoint, readJson } from "./endpoint.ts"
import { type ContainerFacts, environmentFacts, labelledFacts } from "./facts.ts"
import type { EcsContainer } from "./tasks.ts"

const MOST_CONTAINERS = 10_000
const MOST_TEXT = 64 * 1024
const text = z.string().max(MOST_TEXT)

/** What anybody may start a container with: a text that is longer than any of ours tells nothing, and harms nobody else. */
const anyText = z.string().transform((value) => (value.length <= MOST_TEXT ? value : ""))

const listed = z
  .array(z.object({ Id: z.string().max(255), Labels: z.record(z.string(), anyText).nullish() }))
  .max(MOST_CONTAINERS)

const inspected = z.object({
  LogPath: text.nullish(),
  Config: z.object({ Env: z.array(anyText).nullish() }),
})

/** Docker on its Unix socket. Asks for two pages, which change nothing: the list of containers, and one container. */
export class Docker {
  readonly #endpoint: Endpoint
  /** What was said of a container never changes; kept for those that still run. */
  #known = new Map<string, ContainerFacts>()

  constructor(socket: string, timeoutMs: number) {
    this.#endpoint = { name: `Docker at ${socket}`, timeoutMs, at: { socket } }
  }

  /** Every container that runs, by id, with what its labels tell. @throws MeshscopeError ECS_UNREACHABLE, ECS_BAD_ANSWER */
  async running(signal: AbortSignal): Promise<ReadonlyMap<string, ContainerFacts>> {
    const all = checked(
      listed,
      await readJson(this.#endpoint, "/containers/json", signal),
      "list of containers",
    )
    return new Map(all.map(({ Id, Labels }) => [Id, labelledFacts(Labels ?? {})]))
  }

  /** Each of the containers, by id. Call it with all that matter now: others are forgotten. @throws as above */
  async inspect(
    containers: readonly EcsContainer[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, ContainerFacts>> {
    const now = new Map<string, ContainerFacts>()
    for (const { id } of containers) {
      if (id === "") continue
      now.set(id, this.#known.get(id) ?? (await this.#ask(id, signal)))
    }
    this.#known = now
    return now
  }

  async #ask(id: string, signal: AbortSignal): Promise<ContainerFacts> {
    const page = await readJson(this.#endpoint, `/containers/${id}/json`, signal)
    const { LogPath, Config } = checked(inspected, page, "answer about a container")
    const facts = environmentFacts(new Map((Config.Env ?? []).map(split)))
    return { ...facts, logFile: LogPath?.startsWith("/") ? LogPath : "" }
  }
}

function split(line: string): readonly [string, string] {
  const at = line.indexOf("=")
  return at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at + 1)]
}

function checked<T extends z.ZodType>(schema: T, page: unknown, what: string): z.output<T> {
  const read = schema.safeParse(page)
  if (read.success) return read.data
  throw new MeshscopeError("ECS_BAD_ANSWER", `Docker's ${what} cannot be understood.`, { cause: read.error })
}
