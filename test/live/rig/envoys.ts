import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { createServer, get, type Server } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { EnvoyProcess } from "../../../demo/envoy-process.ts"
import { component } from "../../../scripts/components/component.ts"

export interface App {
  /** How many requests it answered. */
  served(): number
}

/** Applications, Envoys and a caller on loopback addresses of one test file, in a folder of their own. */
export interface Stand {
  readonly folder: string
  /** Answers `?code=`, 200 without; counts what it answered. */
  app(host: string, port: number): Promise<App>
  /** An Envoy by its bootstrap, JSON; what it writes to stdout stands in `log`. */
  envoy(name: string, bootstrap: object, admin: string): Promise<{ readonly log: string }>
  stop(): Promise<void>
}

export async function startEnvoys(): Promise<Stand> {
  const folder = await mkdtemp(join(tmpdir(), "meshscope-names-"))
  const binary = await component("envoy")
  const servers: Server[] = []
  const envoys: EnvoyProcess[] = []
  return {
    folder,
    async app(host, port) {
      let count = 0
      const server = createServer((request, response) => {
        count += 1
        const code = new URL(request.url ?? "/", "http://app").searchParams.get("code") ?? "200"
        response.writeHead(Number(code)).end("done")
      })
      servers.push(server)
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject)
        server.listen(port, host, resolve)
      })
      return { served: () => count }
    },
    async envoy(name, bootstrap, admin) {
      const file = join(folder, `${name}.json`)
      const log = join(folder, `${name}.log`)
      await writeFile(file, JSON.stringify(bootstrap))
      const process = new EnvoyProcess({ envoy: binary, name, bootstrap: file, admin, log, flushMs: 100 })
      envoys.push(process)
      await process.start()
      await process.ready()
      return { log }
    },
    async stop() {
      await Promise.all(envoys.map((process) => process.stop()))
      for (const server of servers) {
        server.closeAllConnections()
        server.close()
      }
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export interface Call {
  readonly path: string
  /** Absent: the authority of the address. */
  readonly host?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** One GET; resolves with the status. */
export function call(
  address: { host: string; port: number },
  { path, host, headers }: Call,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const all = { ...headers, ...(host === undefined ? {} : { host }) }
    const asked = get({ ...address, path, headers: all, agent: false }, (answer) => {
      answer.resume()
      answer.on("end", () => resolve(answer.statusCode ?? 0))
    })
    asked.on("error", reject)
  })
}
