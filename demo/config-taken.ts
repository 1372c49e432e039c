import { readFile } from "node:fs/promises"
import { setTimeout as sleep } from "node:timers/promises"
import { MeshscopeError } from "#mesh/errors.ts"

const TAKE_MS = 10_000
const WORKER_MS = 50
/** Clusters or listeners that are accepted but not yet in use. */
const WARMING = /warming(?:_clusters)?: [1-9]/

/** Waits until an Envoy shows all versions in its stats; throws with its last warnings when it does not. */
export async function awaitVersions(
  proxy: { readonly name: string; readonly admin: string; readonly log: string },
  versions: readonly string[],
): Promise<void> {
  const until = performance.now() + TAKE_MS
  while (versions.length > 0) {
    const page = await versionPage(proxy.admin)
    if (versions.every((version) => page.includes(version)) && !WARMING.test(page)) break
    if (performance.now() > until) {
      const words = (await readFile(proxy.log, "utf8"))
        .split("\n")
        .filter((line) => line.includes("][warning]"))
      const last = words.slice(-3).join("\n")
      throw new MeshscopeError("MODEL_INVALID", `Envoy ${proxy.name} did not take its configuration. ${last}`)
    }
    await sleep(25)
  }
  // The worker takes it a moment after the main thread has said so.
  if (versions.length > 0) await sleep(WORKER_MS)
}

async function versionPage(admin: string): Promise<string> {
  const answer = await fetch(`http://${admin}/stats?filter=version_text|warming`)
  return answer.text()
}
