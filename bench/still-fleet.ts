import { fork } from "node:child_process"
import { once } from "node:events"
import { createServer, type RequestListener } from "node:http"
import { ADMIN } from "../agent/collect/admin/path.ts"
import { claimBase } from "../demo/addresses.ts"
import { ADMIN_PORT } from "../demo/control-plane/placement.ts"
import type { CapturedProxy } from "./captured-proxies.ts"

/** Admin interfaces of proxies at rest, all in a process of their own. */
export interface StillFleet {
  readonly proxies: readonly { readonly name: string; readonly admin: string }[]
  stop(): void
}

/** Serves the captured pages, in turn, at `count` addresses. */
export async function startStillFleet(
  captured: readonly CapturedProxy[],
  count: number,
): Promise<StillFleet> {
  const claim = await claimBase()
  const host = (index: number): string => `127.${claim.base}.2.${index + 1}`
  const child = fork(import.meta.filename, { serialization: "advanced" })
  const proxies = Array.from({ length: count }, (_, index) => ({
    name: `${captured[index % captured.length]?.name}-${index}`,
    admin: `${host(index)}:${ADMIN_PORT}`,
  }))
  const ready = once(child, "message")
  child.send({ captured, hosts: proxies.map((_, index) => host(index)) })
  await Promise.race([
    ready,
    once(child, "exit").then(() => Promise.reject(new Error("the fleet could not start"))),
  ])
  return {
    proxies,
    stop() {
      child.kill()
      void claim.release()
    },
  }
}

/** What moves on the page of an Envoy that nobody calls but the scraper. */
const MOVING =
  /^(?:http\.admin\.downstream_(?:rq_2xx|rq_completed|rq_http1_total|rq_total|cx_[rt]x_bytes_total)|http\.admin\.rq_total|server\.memory_\w+): (\d+)$/
const UPTIME = /^server\.uptime: (\d+)$/

/** The page at rest, anew for each scrape. */
function stillPage(page: string): () => string {
  const begun = performance.now()
  const lines = page.split("\n")
  const moving = lines.flatMap((line, index) => (MOVING.test(line) || UPTIME.test(line) ? [index] : []))
  const first = moving.map((index) => Number(lines[index]?.split(": ")[1]))
  let scrapes = 0
  return () => {
    scrapes += 1
    const seconds = Math.floor((performance.now() - begun) / 1000)
    for (const [at, index] of moving.entries()) {
      const name = lines[index]?.split(":")[0] ?? ""
      lines[index] = `${name}: ${(first[at] ?? 0) + (name === "server.uptime" ? seconds : scrapes)}`
    }
    return lines.join("\n")
  }
}

function answering({ pages }: CapturedProxy): RequestListener {
  const stats = stillPage(pages[ADMIN.stats.text] ?? "")
  return (request, response) => {
    const url = request.url ?? ""
    const body = url === ADMIN.stats.text ? stats() : pages[url]
    response.writeHead(body === undefined ? 404 : 200, { "content-type": "text/plain" }).end(body ?? "")
  }
}

interface Order {
  readonly captured: readonly CapturedProxy[]
  readonly hosts: readonly string[]
}

async function serve({ captured, hosts }: Order): Promise<void> {
  for (const [index, host] of hosts.entries()) {
    const proxy = captured[index % captured.length]
    if (proxy === undefined) return
    // Envoy keeps connections for an hour.
    const server = createServer({ keepAliveTimeout: 0 }, answering(proxy))
    server.listen(ADMIN_PORT, host)
    await once(server, "listening")
  }
  process.send?.("ready")
}

if (import.meta.main) {
  process.once("message", (order: Order) => void serve(order))
  process.once("disconnect", () => process.exit())
}
