import { once } from "node:events"
import { createServer, type Server } from "node:http"
import { ADMIN_PORT } from "../../../demo/control-plane/placement.ts"
import type { Recorded } from "./recorded.ts"

/** Admin interfaces of many proxies, all of them with the pages of one real Envoy. */
export interface Admins {
  /** By address: which paths it was asked for, and how often. */
  asked(address: string): number
  stop(): Promise<void>
}

/** Listens on each address by itself, as each pod does. */
export async function startAdmins({ pages }: Recorded, addresses: readonly string[]): Promise<Admins> {
  const asked = new Map<string, number>()
  const servers = await Promise.all(
    addresses.map((address) => {
      const server = createServer((request, response) => {
        asked.set(address, (asked.get(address) ?? 0) + 1)
        const page = pages.get(request.url ?? "")
        if (page === undefined) response.writeHead(404).end()
        else
          response
            .writeHead(page.status, { "content-type": page.type, "content-length": page.body.length })
            .end(page.body)
      })
      server.listen(ADMIN_PORT, address)
      return once(server, "listening").then((): Server => server)
    }),
  )
  return {
    asked: (address) => asked.get(address) ?? 0,
    async stop() {
      for (const server of servers) {
        server.closeAllConnections()
        server.close()
        await once(server, "close")
      }
    },
  }
}

/** `count` addresses below `127.<base>.<from>.1`, 250 to a net. */
export const addressesOf = (base: number, from: number, count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) => `127.${base}.${from + Math.floor(at / 250)}.${1 + (at % 250)}`)
