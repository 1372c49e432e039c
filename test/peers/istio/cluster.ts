import { join } from "node:path"
import { command } from "../../../scripts/components/command.ts"
import { component } from "../../../scripts/components/component.ts"
import { type ApiServer, startApiServer } from "../rig/api-server.ts"
import { type Istiod, startIstiod } from "./istiod.ts"

/** Istio's control plane and its objects, on an API server without anything else. */
export interface IstioCluster {
  readonly kube: ApiServer
  readonly istiod: Istiod
  stop(): Promise<void>
}

const SHOP = join(import.meta.dirname, "shop.yaml")

/** @param folder for what istiod reads */
export async function startIstioCluster(folder: string): Promise<IstioCluster> {
  const kube = await startApiServer()
  try {
    const kubectl = await component("kubectl")
    const run = (...words: string[]) => command(kubectl, ["--kubeconfig", kube.kubeConfig, ...words])
    await run("apply", "--server-side", "--filename", await component("istio-crds"))
    await run("wait", "--for=condition=Established", "--all", "crd")
    // istiod keeps its own certificate in its namespace, so that comes first.
    await run("apply", "--server-side", "--filename", SHOP)
    const istiod = await startIstiod(folder, kube.kubeConfig)
    return {
      kube,
      istiod,
      async stop() {
        await istiod.stop()
        await kube.stop()
      },
    }
  } catch (error) {
    await kube.stop()
    throw error
  }
}
