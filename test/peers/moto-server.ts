import { component } from "../../scripts/components/component.ts"
import { type PeerServer, startPeer } from "./server.ts"

/** moto as a server: AWS's APIs with a store in memory, without signatures and almost without limits. */
export async function startMoto(): Promise<PeerServer> {
  const command = await component("moto")
  return startPeer((port) => ({
    command,
    args: ["--host", "127.0.0.1", "--port", String(port)],
    ready: "/moto-api/",
  }))
}
