import { readFile } from "node:fs/promises"
import { setTimeout as sleep } from "node:timers/promises"
import { MeshscopeError } from "#mesh/errors.ts"

const TAKE_MS = 10_000
/** A refusal seen for so long is not an earlier one's. */
const REFUSED_MS = 1000
const WORKER_MS = 50
/** Clusters or listeners that are accepted but not yet in use. */
const WARMING = /warming(?:_clusters)?: [1-9]/
const REFUSED = /update_rejected: [1-9]/

/** Waits until an Envoy shows all versions in its stats; throws with its last warnings when it does not. */
export async function awaitVersions(
  proxy: { readonly name: string; readonly admin: string; readonly log: string },
  versions: readonly string[],
): Promise<void> {
  if (versions.length === 0) return
  const begun = performance.now()
  for (;;) {
    const page = await versionPage(proxy.admin)
    const missing = versions.filter((version) => !page.includes(version))
    if (missing.length === 0 && !WARMING.test(page)) break
    const waitedMs = performance.now() - begun
    const refused = missing.length > 0 && REFUSED.test(page) && waitedMs > REFUSED_MS
    if (refused || waitedMs > TAKE_MS) throw await refusal(proxy)
    await sleep(25)
  }
  // The worker takes it a moment after the main thread has said so.
  await sleep(WORKER_MS)
}

async function refusal({ name, log }: { name: string; log: string }): Promise<MeshscopeError> {
  const lines = (await readFile(log, "utf8")).split("\n")
  const words = lines.filter((line) => line.includes("][warning][config]") || line.includes("rejected"))
  const said = words.slice(-3).join("\n")
  return new MeshscopeError(
    "MODEL_INVALID",
    `Envoy ${name} did not take its configuration. It says:\n${said}`,
  )
}

async function versionPage(admin: string): Promise<string> {
  const answer = await fetch(`http://${admin}/stats?filter=version_text|warming|update_rejected`)
  return answer.text()
}
