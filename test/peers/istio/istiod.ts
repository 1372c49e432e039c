import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { component } from "../../../scripts/components/component.ts"
import { freePort } from "../../live/rig/free-port.ts"
import { type PeerServer, startPeer } from "../server.ts"

/** Istio's own control plane, with our API server as its cluster. */
export interface Istiod {
  /** Port of 127.0.0.1 that Envoys get their configuration from, gRPC without TLS. */
  readonly adsPort: number
  /** How access logs are written, from now on: istiod looks at its mesh configuration again and tells all Envoys. */
  logs(encoding: "TEXT" | "JSON"): void
  stop(): Promise<void>
}

/**
 * Without what only Istio's own build of Envoy knows (peers' metadata, ALPN), and without TLS between proxies, for which
 * an agent of Istio's would have to sit beside each Envoy.
 */
const FOR_STOCK_ENVOYS = {
  PILOT_ENABLE_METADATA_EXCHANGE: "false",
  PILOT_ENABLE_ALPN_FILTER: "false",
  POD_NAME: "istiod-1",
  POD_NAMESPACE: "istio-system",
}

/** @param folder for its mesh configuration */
export async function startIstiod(folder: string, kubeConfig: string): Promise<Istiod> {
  const meshConfig = join(folder, "mesh.yaml")
  const logs: Istiod["logs"] = (encoding) => writeFileSync(meshConfig, meshConfigOf(encoding))
  logs("TEXT")
  const command = await component("istiod")
  const [adsPort, monitoring] = [await freePort(), await freePort()]
  const server: PeerServer = await startPeer((port) => ({
    command,
    args: [
      "discovery",
      `--kubeconfig=${kubeConfig}`,
      `--meshConfig=${meshConfig}`,
      `--httpAddr=127.0.0.1:${port}`,
      "--httpsAddr=",
      `--grpcAddr=127.0.0.1:${adsPort}`,
      "--secureGRPCAddr=",
      `--monitoringAddr=127.0.0.1:${monitoring}`,
      "--ctrlz_port=0",
      "--shutdownDuration=1s",
      "--registries=Kubernetes",
    ],
    env: FOR_STOCK_ENVOYS,
    ready: "/ready",
  }))
  return { adsPort, logs, stop: () => server.stop() }
}

/** JSON is YAML too. */
function meshConfigOf(accessLogEncoding: "TEXT" | "JSON"): string {
  return JSON.stringify({
    rootNamespace: "istio-system",
    accessLogFile: "/dev/stdout",
    accessLogEncoding,
    enableAutoMtls: false,
  })
}
