import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { freePort } from "../../live/rig/free-port.ts"
import { RunningCommand } from "../../live/robust/command.ts"
import type { Site } from "./site.ts"

/** `meshscope collector` as a process, with the declared model of the cluster's objects. */
export interface CollectorProcess {
  readonly url: string
  readonly command: RunningCommand
  /** An answer of its API. */
  ask<T>(path: string): Promise<T>
  stop(): Promise<void>
}

export async function startCollectorProcess(site: Site): Promise<CollectorProcess> {
  const folder = join(site.folder, "collector")
  await mkdir(folder)
  const { url: server, caFile } = site.server
  const listen = `127.0.0.1:${await freePort()}`
  const file = join(folder, "collector.yaml")
  await writeFile(
    file,
    JSON.stringify({
      listen,
      store: { step: "1s" },
      model: { kubernetes: { api: { server, caFile, tokenFile: await site.token("meshscope-collector") } } },
    }),
  )
  const command = new RunningCommand(["collector", "--config", file])
  const url = `http://${listen}`
  return {
    url,
    command,
    async ask<T>(path: string): Promise<T> {
      const answer = await fetch(`${url}/api/v1${path}`, { signal: AbortSignal.timeout(5000) })
      if (!answer.ok) throw new Error(`${path} answers ${answer.status}: ${await answer.text()}`)
      return (await answer.json()) as T
    },
    stop: async () => void (await command.end("SIGTERM")),
  }
}
