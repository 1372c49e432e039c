import * as z from "zod"
import { MeshscopeError } from "#mesh/errors.ts"
import type { ProxyHint } from "#mesh/proxy.ts"
import { type Endpoint, readJson } from "./endpoint.ts"
import type { EcsContainer } from "./tasks.ts"

/** What Docker tells of a container beside what the ECS agent does. */
export interface Inspected {
  readonly hint: ProxyHint
  /** Port of the admin interface, where its environment sets one. */
  readonly adminPort: number | undefined
  /** The file that the json-file driver writes; empty for other drivers. */
  readonly logFile: string
}

/** Labels by which users of CloudWatch's and OpenTelemetry's discovery say where a container's metrics are. */
export interface Exported {
  readonly port: number
  readonly path: string
}

const MOST_CONTAINERS = 10_000
const text = z.string().max(64 * 1024)

const listed = z
  .array(z.object({ Id: z.string().max(255), Labels: z.record(z.string(), text).nullish() }))
  .max(MOST_CONTAINERS)

const inspected = z.object({
  LogPath: text.nullish(),
  Config: z.object({ Env: z.array(text).max(10_000).nullish() }),
})

/** Docker on its Unix socket. Asks for two pages, which change nothing: the list of containers, and one container. */
export class Docker {
  readonly #endpoint: Endpoint
  /** What was said of a container never changes; kept for those that still run. */
  #known = new Map<string, Inspected>()

  constructor(socket: string, timeoutMs: number) {
    this.#endpoint = { name: `Docker at ${socket}`, timeoutMs, at: { socket } }
  }

  /**
   * Every container that runs, by id, with where its labels say its metrics are.
   * @throws MeshscopeError ECS_UNREACHABLE, ECS_BAD_ANSWER
   */
  async running(signal: AbortSignal): Promise<ReadonlyMap<string, Exported | undefined>> {
    const all = checked(
      listed,
      await readJson(this.#endpoint, "/containers/json", signal),
      "list of containers",
    )
    const found = new Map<string, Exported | undefined>()
    for (const { Id, Labels } of all) {
      const port = Number(Labels?.["ECS_PROMETHEUS_EXPORTER_PORT"] ?? 0)
      const path = Labels?.["ECS_PROMETHEUS_METRICS_PATH"] ?? "/metrics"
      found.set(Id, isPort(port) ? { port, path } : undefined)
    }
    return found
  }

  /** Each of the containers, by id. Call it with all that matter now: others are forgotten. @throws as above */
  async inspect(
    containers: readonly EcsContainer[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Inspected>> {
    const now = new Map<string, Inspected>()
    for (const { id } of containers) {
      if (id === "") continue
      now.set(id, this.#known.get(id) ?? (await this.#ask(id, signal)))
    }
    this.#known = now
    return now
  }

  async #ask(id: string, signal: AbortSignal): Promise<Inspected> {
    const page = await readJson(this.#endpoint, `/containers/${id}/json`, signal)
    const { LogPath, Config } = checked(inspected, page, "answer about a container")
    const env = new Map((Config.Env ?? []).map(split))
    const port = Number(env.get("ENVOY_ADMIN_ACCESS_PORT") ?? 0)
    return {
      hint: hintOf(env),
      adminPort: isPort(port) ? port : undefined,
      logFile: LogPath?.startsWith("/") ? LogPath : "",
    }
  }
}

/** In the order in which App Mesh's image makes its node id of them. */
const RESOURCE = ["APPMESH_RESOURCE_ARN", "APPMESH_RESOURCE_NAME", "APPMESH_VIRTUAL_NODE_NAME"]

function hintOf(env: ReadonlyMap<string, string>): ProxyHint {
  const nodeId = RESOURCE.map((name) => env.get(name) ?? "").find((value) => value !== "")
  return nodeId === undefined ? {} : { flavor: "app-mesh", nodeId }
}

function split(line: string): readonly [string, string] {
  const at = line.indexOf("=")
  return at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at + 1)]
}

const isPort = (port: number): boolean => Number.isInteger(port) && port > 0 && port <= 65_535

function checked<T extends z.ZodType>(schema: T, page: unknown, what: string): z.output<T> {
  const read = schema.safeParse(page)
  if (read.success) return read.data
  throw new MeshscopeError("ECS_BAD_ANSWER", `Docker's ${what} cannot be understood.`, { cause: read.error })
}
