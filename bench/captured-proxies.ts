import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { parseKubernetesObjects } from "#mesh/declare/kubernetes.ts"
import { ADMIN } from "../agent/collect/admin/path.ts"
import { envoyBinary } from "../demo/envoy-binary.ts"
import { MIXED_LOGS } from "../demo/settings.ts"
import { startStage } from "../demo/stage.ts"

/** What a real Envoy said, once. */
export interface CapturedProxy {
  readonly name: string
  /** Bodies by path and query. */
  readonly pages: Readonly<Record<string, string>>
  /** What it logged, its own lines included. */
  readonly log: string
}

const REQUESTS = 400
const FLUSH_MS = 200
const PAGES = [
  ADMIN.serverInfo,
  ADMIN.configDumpWithEndpoints,
  ADMIN.stats,
  ADMIN.histograms,
  ADMIN.clusters,
  ADMIN.certs,
]

/** Brings the demo's mesh up, sends it some requests, reads every Envoy's pages and log, and ends it all. */
export async function captureProxies(): Promise<readonly CapturedProxy[]> {
  const runDir = await mkdtemp(join(tmpdir(), "bench-capture-"))
  const file = join(import.meta.dirname, "../demo/yelb.yaml")
  const { model } = parseKubernetesObjects(await readFile(file, "utf8"), file)
  try {
    const envoy = await envoyBinary()
    const stage = await startStage({ model, runDir, logs: MIXED_LOGS, envoy, flushMs: FLUSH_MS, seed: 1 })
    try {
      await stage.run(REQUESTS)
      await sleep(FLUSH_MS * 3)
      const captured: CapturedProxy[] = []
      for (const { name, admin, log } of stage.fleet.proxies) {
        captured.push({ name, pages: await pagesOf(admin), log: await readFile(log, "utf8") })
      }
      return captured
    } finally {
      await stage.stop()
    }
  } finally {
    await rm(runDir, { recursive: true, force: true })
  }
}

async function pagesOf(admin: string): Promise<Record<string, string>> {
  const pages: Record<string, string> = {}
  for (const { text } of PAGES) {
    const answer = await fetch(`http://${admin}${text}`)
    if (!answer.ok) throw new Error(`${admin}${text} answers ${answer.status}`)
    pages[text] = await answer.text()
  }
  return pages
}
