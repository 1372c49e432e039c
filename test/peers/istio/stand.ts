import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Collector } from "../../../collector/start.ts"
import { EnvoyProcess } from "../../../demo/envoy-process.ts"
import { component } from "../../../scripts/components/component.ts"
import { AgentProcess } from "../../live/rig/agent-process.ts"
import { freePort } from "../../live/rig/free-port.ts"
import { startCollectorHere } from "../../live/rig/here.ts"
import { ContainerOutput } from "../kubernetes/container-output.ts"
import type { ApiServer } from "../rig/api-server.ts"
import { type App, startApp } from "./apps.ts"
import { type IstioCluster, startIstioCluster } from "./cluster.ts"
import { istioBootstrap } from "./envoy-bootstrap.ts"
import { ADMIN_PORT, APPS, NAMESPACE, PODS } from "./places.ts"
import { makePod, NODE } from "./pods.ts"

/**
 * Envoys that a real istiod configures, a collector that watches the objects, and two agents: one finds pods by the API
 * server, reads their logs and has the model from the collector; the other has neither logs nor collector.
 */
export interface Stand {
  readonly cluster: IstioCluster
  readonly apps: ReadonlyMap<string, App>
  readonly collector: Collector
  readonly lines: AgentProcess
  readonly counters: AgentProcess
  /** An answer of the collector's API. */
  readonly ask: <T>(path: string) => Promise<T>
  stop(): Promise<void>
}

/** Brings everything up; on an error all of it is stopped again. */
export async function startStand(): Promise<Stand> {
  const folder = await mkdtemp(join(tmpdir(), "meshscope-istio-"))
  const undo: (() => unknown)[] = [() => rm(folder, { recursive: true, force: true })]
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step()
  }
  try {
    const cluster = await startIstioCluster(folder)
    undo.push(() => cluster.stop())
    const apps = new Map<string, App>()
    for (const { node, host, port } of APPS) {
      const app = await startApp(node, host, port)
      apps.set(node, app)
      undo.push(() => app.stop())
    }
    await startEnvoys(cluster, folder, undo)
    const api = accessOf(cluster.kube)
    const collector = await startCollectorHere({ model: { kubernetes: { api } } })
    undo.push(() => collector.stop())
    const lines = await startAgent(folder, "lines", {
      discover: { kubernetes: { nodeName: NODE, logs: join(folder, "pods"), api } },
      model: { collector: { url: collector.url, interval: "1s" } },
      publish: { otlp: { endpoint: collector.url, interval: "1s" } },
    })
    undo.push(() => lines.end("SIGTERM"))
    const counters = await startAgent(folder, "counters", {
      discover: {
        static: { targets: PODS.map(({ pod, ip }) => ({ name: pod, admin: `${ip}:${ADMIN_PORT}` })) },
      },
      model: { kubernetes: { api } },
    })
    undo.push(() => counters.end("SIGTERM"))
    const ask = async <T>(path: string): Promise<T> => {
      const answer = await fetch(`${collector.url}/api/v1${path}`)
      if (!answer.ok) throw new Error(`${path} answers ${answer.status}: ${await answer.text()}`)
      return (await answer.json()) as T
    }
    return { cluster, apps, collector, lines, counters, ask, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

const accessOf = ({ url: server, tokenFile, caFile }: ApiServer) => ({ server, tokenFile, caFile })

/** Their output goes into the kubelet's files, as containerd writes them. */
async function startEnvoys(cluster: IstioCluster, folder: string, undo: (() => unknown)[]): Promise<void> {
  const envoy = await component("envoy")
  for (const pod of PODS) {
    const { pod: name, ip } = pod
    const bootstrap = join(folder, `${name}.json`)
    const log = join(folder, `${name}.log`)
    const own = await makePod(cluster.kube, pod)
    const proxy = { ...pod, namespace: NAMESPACE, adminPort: ADMIN_PORT }
    await writeFile(bootstrap, JSON.stringify(istioBootstrap(proxy, cluster.istiod.adsPort)))
    const admin = `${ip}:${ADMIN_PORT}`
    const process = new EnvoyProcess({ envoy, name, bootstrap, admin, log, flushMs: 100 })
    await process.start()
    undo.push(() => process.stop())
    await process.ready()
    const output = new ContainerOutput(log, join(folder, "pods", own))
    undo.push(() => output.stop())
  }
}

/** The real agent, that looks often and reads logs from their beginning. */
async function startAgent(
  folder: string,
  id: string,
  config: Record<string, unknown>,
): Promise<AgentProcess> {
  const own = join(folder, id)
  await mkdir(own, { recursive: true })
  const agent = await AgentProcess.prepare(own, `127.0.0.1:${await freePort()}`, {
    agent: { id, state: join(own, "state") },
    scrape: { interval: "1s", timeout: "1s" },
    logs: { poll: "100ms", start: "beginning" },
    commit: "500ms",
    ...config,
  })
  agent.start()
  return agent
}
