import { spawn } from "node:child_process"
import { once } from "node:events"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { systemClock } from "../../mesh/clock.ts"
import { component } from "../../scripts/components/component.ts"

export interface Otelcol {
  stop(): Promise<void>
}

/**
 * Starts a real OpenTelemetry Collector.
 * @param folder where its configuration is written
 * @param ready addresses that answer a POST, however, when it is there
 */
export async function startOtelcol(
  folder: string,
  pipeline: object,
  ready: readonly string[],
): Promise<Otelcol> {
  const file = join(folder, "otelcol.yaml")
  // JSON is YAML.
  await writeFile(file, JSON.stringify(pipeline))
  const child = spawn(await component("otelcol"), ["--config", file], { stdio: "ignore" })
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null) return
    child.kill("SIGTERM")
    await once(child, "exit")
  }
  try {
    for (const url of ready) await listening(url)
  } catch (error) {
    await stop()
    throw error
  }
  return { stop }
}

async function listening(url: string): Promise<void> {
  for (let attempt = 0; attempt < 150; attempt++) {
    const answers = await fetch(url, { method: "POST" }).then(
      () => true,
      () => false,
    )
    if (answers) return
    await systemClock.sleep(200)
  }
  throw new Error(`nothing listens at ${url}`)
}
