import { once } from "node:events"
import { createServer, type Server } from "node:net"
import { MeshscopeError } from "#mesh/errors.ts"
import { ADMIN_PORT } from "./control-plane/placement.ts"

/** A claimed second octet of 127.0.0.0/8; free again after `release`. */
export interface Claim {
  readonly base: number
  release(): Promise<void>
}

/** Where fleets look for room: 127.16 to 127.250. */
const FIRST = 16
const LAST = 250
/** The last host of the pods' net is never a pod: who listens there owns the octet. */
const KEEPER_HOST = 254

/** Claims `base`, or the first free one from a place that differs by process, so that fleets rarely meet. */
export async function claimBase(base?: number): Promise<Claim> {
  const room = LAST - FIRST + 1
  const start = process.pid % room
  const tries =
    base === undefined ? Array.from({ length: room }, (_, at) => FIRST + ((start + at) % room)) : [base]
  for (const octet of tries) {
    const keeper = await listenOn(`127.${octet}.1.${KEEPER_HOST}`)
    if (keeper !== undefined) return { base: octet, release: () => closed(keeper) }
  }
  const what = base === undefined ? "no 127.<n> is free" : `127.${base} is used by another fleet`
  throw new MeshscopeError("LISTEN_FAILED", `The demo cannot claim addresses: ${what}.`)
}

async function listenOn(host: string): Promise<Server | undefined> {
  const server = createServer((socket) => socket.destroy())
  server.listen({ host, port: ADMIN_PORT, exclusive: true })
  try {
    await once(server, "listening")
    server.unref()
    return server
  } catch {
    return undefined
  }
}

async function closed(server: Server): Promise<void> {
  server.close()
  await once(server, "close")
}
