import { join } from "node:path"
import { component } from "../../../scripts/components/component.ts"
import { Program } from "../cluster/program.ts"
import type { Site } from "./site.ts"

/** Plays the kubelet of a node: pods on it run, with addresses of the node's range, and go when they are deleted. */
export async function startKubelet(
  { server, folder }: Pick<Site, "server" | "folder">,
  node: string,
  podCIDR: string,
): Promise<Program> {
  const spec = { podCIDR, podCIDRs: [podCIDR] }
  await server.send("POST", "/api/v1/nodes", { metadata: { name: node }, spec })
  const words = [
    `--kubeconfig=${server.kubeConfig}`,
    `--config=${await component("kwok-stages")}`,
    `--manage-single-node=${node}`,
    "--node-lease-duration-seconds=0",
  ]
  return new Program("kwok", await component("kwok"), words, join(folder, "kwok.log"))
}
