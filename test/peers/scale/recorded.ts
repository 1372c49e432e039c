import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ADMIN } from "../../../agent/collect/admin/path.ts"
import { envoyBinary } from "../../../demo/envoy-binary.ts"
import { startStage } from "../../../demo/stage.ts"
import { parseKubernetesObjects } from "../../../mesh/declare/kubernetes.ts"

export const YELB = join(import.meta.dirname, "../../../demo/yelb.yaml")
const RESOURCE = "yelb-appserver"
const REQUESTS = 60
const FLUSH_MS = 100

/** One answer of an admin interface. */
export interface Page {
  readonly status: number
  readonly type: string
  readonly body: Buffer
}

/** What one real Envoy said while it ran. */
export interface Recorded {
  /** By path and query. */
  readonly pages: ReadonlyMap<string, Page>
  /** Who it is, as its environment says it: `mesh/<mesh>/virtualNode/<node>`. */
  readonly nodeId: string
  /** Its access lines. */
  readonly lines: readonly string[]
}

/** Brings the demo's mesh up, sends some requests, and keeps what one of its sidecars tells of itself. */
export async function recordedEnvoy(): Promise<Recorded> {
  const runDir = await mkdtemp(join(tmpdir(), "meshscope-recorded-"))
  const { model } = parseKubernetesObjects(await readFile(YELB, "utf8"), YELB)
  const stage = await startStage({
    model,
    runDir,
    logs: { "*": "json" },
    envoy: await envoyBinary(),
    flushMs: FLUSH_MS,
    seed: 5,
    mix: "everyday",
  })
  try {
    await stage.run(REQUESTS)
    const proxy = stage.fleet.proxies.find(({ pod }) => pod.resource.startsWith(RESOURCE))
    if (proxy === undefined) throw new Error(`the demo has no ${RESOURCE}`)
    const pages = new Map<string, Page>()
    for (const { text } of Object.values(ADMIN)) pages.set(text, await pageOf(`http://${proxy.admin}${text}`))
    await new Promise((resolve) => setTimeout(resolve, 3 * FLUSH_MS))
    const lines = (await readFile(proxy.log, "utf8")).split("\n").filter((line) => line.startsWith("{"))
    if (lines.length === 0) throw new Error(`${proxy.name} wrote no access line`)
    return { pages, lines, nodeId: nodeIdOf(pages) }
  } finally {
    await stage.stop()
    await rm(runDir, { recursive: true, force: true })
  }
}

function nodeIdOf(pages: Recorded["pages"]): string {
  const info = JSON.parse(String(pages.get(ADMIN.serverInfo.text)?.body)) as { node: { id: string } }
  return info.node.id
}

async function pageOf(url: string): Promise<Page> {
  const answer = await fetch(url)
  return {
    status: answer.status,
    type: answer.headers.get("content-type") ?? "text/plain",
    body: Buffer.from(await answer.arrayBuffer()),
  }
}
