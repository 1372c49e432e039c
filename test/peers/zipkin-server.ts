import { component } from "../../scripts/components/component.ts"
import { type PeerServer, startPeer } from "./server.ts"

/**
 * A real Zipkin server with its store in memory: `POST /api/v2/spans`, `GET /api/v2/trace/<id>`. It needs Java 17 or newer
 * (as root: apt-get install openjdk-17-jre-headless), and some seconds to start.
 */
export async function startZipkin(): Promise<PeerServer> {
  const jar = await component("zipkin")
  return startPeer((port) => ({
    command: "java",
    args: ["-Xmx256m", "-jar", jar],
    // on loopback only; Spring reads properties from the environment
    env: {
      ARMERIA_PORTS_0_IP: "127.0.0.1",
      ARMERIA_PORTS_0_PORT: String(port),
      ARMERIA_PORTS_0_PROTOCOLS_0: "http",
      SELF_TRACING_ENABLED: "false",
    },
    ready: "/health",
  }))
}
