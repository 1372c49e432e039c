import { appendFile, mkdir, readFile } from "node:fs/promises"
import { dirname } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"

/** Docker's json-file driver for one container: whole lines of its output, each as an object in a line of the file. */
export interface DockerDriver {
  stop(): Promise<void>
}

export async function startDockerDriver(output: string, file: string): Promise<DockerDriver> {
  await mkdir(dirname(file), { recursive: true })
  let written = 0
  const end = new AbortController()
  const copy = async (): Promise<void> => {
    const text = await readFile(output, "utf8")
    const until = text.lastIndexOf("\n") + 1
    const lines = text.slice(written, until).split("\n").slice(0, -1)
    written = Math.max(written, until)
    const time = new Date().toISOString()
    const framed = lines.map((line) => `${JSON.stringify({ log: `${line}\n`, stream: "stdout", time })}\n`)
    await appendFile(file, framed.join(""))
  }
  const running = (async () => {
    while (!end.signal.aborted) {
      await copy()
      await sleep(50)
    }
  })()
  return {
    async stop() {
      end.abort()
      await running
    },
  }
}
