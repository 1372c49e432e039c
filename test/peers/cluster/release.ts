import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { command } from "../../../scripts/components/command.ts"
import { component } from "../../../scripts/components/component.ts"
import { ROOT } from "../../fixtures/deploy/objects.ts"
import type { OurImage } from "../deploy/our-image.ts"
import { type Cluster, isReady } from "./cluster.ts"
import { awaited, type KubePod, podsOf } from "./pod-fleet.ts"
import { type Services, startServices } from "./services.ts"

export const RELEASE_NAMESPACE = "meshscope"
const RELEASE = "meshscope"

/** Our chart as an operator installs it. */
export interface Release {
  /** The pod of a component that runs now; undefined while there is none that is ready. */
  pod(component: "agent" | "collector"): Promise<KubePod | undefined>
  /** The agent's page for Prometheus; undefined while nobody answers. */
  page(): Promise<string | undefined>
  /** An answer of the collector. @param path below its address */
  ask<T>(path: string): Promise<T>
  /** The same as text. */
  text(path: string): Promise<string>
  uninstall(): Promise<void>
  stop(): Promise<void>
}

/** Only the image, where this cluster has its files, and intervals of a test. */
const valuesFor = (cluster: Cluster, image: OurImage): object => {
  const [repository, tag] = image.name.split(/:(?=[^:]*$)/)
  return {
    image: { repository, tag, pullPolicy: "Never" },
    clusterName: "test",
    agent: {
      stateFolder: join(cluster.folder, "state"),
      logFolders: [cluster.podLogs],
      config: {
        commit: "500ms",
        discover: { kubernetes: { logs: cluster.podLogs } },
        scrape: { interval: "2s", clustersInterval: "10s" },
        logs: { poll: "200ms", start: "beginning" },
        publish: { otlp: { interval: "1s" } },
        model: { collector: { interval: "1s" } },
      },
    },
    collector: { config: { store: { step: "1s" } } },
  }
}

/** Installs it and waits until all of it is ready. The images must be there. */
export async function install(cluster: Cluster, image: OurImage): Promise<Release> {
  const values = join(cluster.folder, "values.json")
  await writeFile(values, JSON.stringify(valuesFor(cluster, image)))
  const program = await component("helm")
  const places = ["--kubeconfig", cluster.kubeConfig, "--namespace", RELEASE_NAMESPACE]
  const helm = (...words: string[]): Promise<string> => command(program, [...words, ...places])
  const services = await startServices(cluster.kube)
  const release = running(cluster, services, helm)
  try {
    await helm("install", RELEASE, join(ROOT, "deploy/k8s/chart"), "--create-namespace", "--values", values)
    await services.lead(RELEASE_NAMESPACE, "meshscope-collector")
    for (const part of ["collector", "agent"] as const)
      await awaited(cluster, `the ${part} is ready`, () => release.pod(part))
    return release
  } catch (error) {
    await services.stop()
    throw error
  }
}

function running(
  cluster: Cluster,
  services: Services,
  helm: (...words: string[]) => Promise<string>,
): Release {
  const pod: Release["pod"] = async (part) => {
    const pods = await podsOf(cluster, RELEASE_NAMESPACE, `app.kubernetes.io/component=${part}`)
    return pods.find((one) => isReady(one) && one.metadata.deletionTimestamp === undefined)
  }
  const text = async (path: string): Promise<string> => {
    const address = (await pod("collector"))?.status.podIP ?? ""
    const answer = await fetch(`http://${address}:4318${path}`, { signal: AbortSignal.timeout(5000) })
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
    return answer.text()
  }
  return {
    pod,
    async page() {
      const address = (await pod("agent"))?.status.podIP
      if (address === undefined) return undefined
      try {
        const answer = await fetch(`http://${address}:9464/metrics`, { signal: AbortSignal.timeout(5000) })
        return answer.ok ? await answer.text() : undefined
      } catch {
        return undefined
      }
    },
    ask: async <T>(path: string) => JSON.parse(await text(path)) as T,
    text,
    uninstall: async () => void (await helm("uninstall", RELEASE, "--wait")),
    stop: () => services.stop(),
  }
}
