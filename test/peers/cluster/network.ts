import { execFileSync } from "node:child_process"

/** The node's network: one bridge with all pods on it. It has the API server's Service address too, so that pods reach
 * it as Kubernetes tells them to, without a kube-proxy. */
const BRIDGE = "meshscope0"
export const NODE_ADDRESS = "10.88.0.1"
const POD_RANGE = "10.88.0.0/24"
export const SERVICE_RANGE = "10.96.0.0/24"
/** First of the range: Service `kubernetes`. */
export const API_ADDRESS = "10.96.0.1"

/** Of iproute2. */
const PROGRAM = "ip"
const ip = (...words: string[]): string => execFileSync(PROGRAM, words, { encoding: "utf8", stdio: "pipe" })

/** Needs root. @throws Error when a cluster of this test runs already, or an earlier one was killed */
export function makeBridge(): void {
  try {
    ip("link", "add", BRIDGE, "type", "bridge")
  } catch (cause) {
    const words = `The bridge ${BRIDGE} cannot be made: another cluster of this test runs, or an earlier one was killed (\`ip link del ${BRIDGE}\`), or this is not root.`
    throw new Error(words, { cause })
  }
  ip("addr", "add", `${NODE_ADDRESS}/24`, "dev", BRIDGE)
  addAddress(API_ADDRESS)
  ip("link", "set", BRIDGE, "up")
}

/** A Service's address that this host answers for. */
export function addAddress(address: string): void {
  ip("addr", "add", `${address}/32`, "dev", BRIDGE)
}

export function removeBridge(): void {
  ip("link", "del", BRIDGE)
}

/** For containerd's network plugins. @param folder where addresses that are in use are kept */
export const bridgeConfig = (folder: string): object => ({
  cniVersion: "0.4.0",
  name: "meshscope",
  plugins: [
    {
      type: "bridge",
      bridge: BRIDGE,
      isGateway: true,
      ipMasq: false,
      ipam: {
        type: "host-local",
        dataDir: folder,
        ranges: [[{ subnet: POD_RANGE }]],
        routes: [{ dst: "0.0.0.0/0" }],
      },
    },
  ],
})
