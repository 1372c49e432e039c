import { once } from "node:events"
import { rm } from "node:fs/promises"
import { createServer } from "node:http"

export interface FakeInspected {
  readonly env?: readonly string[]
  readonly labels?: Readonly<Record<string, string>>
  readonly logPath?: string
}

/** Docker's API on a Unix socket: the list of containers and one container, by GET alone; all else ends the test. */
export interface FakeDocker {
  readonly asked: string[]
  readonly containers: Map<string, FakeInspected>
  close(): Promise<void>
}

export async function fakeDocker(socket: string): Promise<FakeDocker> {
  const containers = new Map<string, FakeInspected>()
  const asked: string[] = []
  const server = createServer((request, response) => {
    const path = request.url ?? ""
    asked.push(`${request.method} ${path}`)
    const id = /^\/containers\/([0-9a-f]{64})\/json$/.exec(path)?.[1]
    const one = id === undefined ? undefined : containers.get(id)
    const list = path === "/containers/json"
    const body = list
      ? [...containers].map(([Id, { labels }]) => ({ Id, State: "running", Labels: labels ?? {} }))
      : one && {
          Id: id,
          LogPath: one.logPath ?? "",
          Config: { Env: one.env ?? [], Labels: one.labels ?? {} },
        }
    if (request.method !== "GET" || body === undefined)
      response.writeHead(404).end(JSON.stringify({ message: "page not found" }))
    else response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body))
  })
  server.listen(socket)
  await once(server, "listening")
  return {
    asked,
    containers,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await rm(socket, { force: true })
    },
  }
}
