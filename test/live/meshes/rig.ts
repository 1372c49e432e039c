import { mkdtemp, readFile, rm } from "node:fs/promises"
import { Agent as HttpAgent, request as httpRequest } from "node:http"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { isAbsolute, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { Agent } from "../../../agent/start.ts"
import { envoyBinary } from "../../../demo/envoy-binary.ts"
import { type Fleet, type FleetOptions, startFleet } from "../../../demo/fleet.ts"
import type { TcpCall } from "../../../demo/records.ts"
import { loadModel } from "../../../mesh/declare/load.ts"
import { startAgentHere, startCollectorHere, toCollector } from "../rig/here.ts"

/** One of the meshes of test/fixtures/declare on real Envoys, with our agent and our collector. */
export interface MeshRig {
  readonly fleet: Fleet
  readonly agent: Agent
  /** An answer of the collector's API. */
  readonly ask: <T>(path: string) => Promise<T>
  /** A page of the collector, as a browser gets it. */
  readonly page: (path: string) => Promise<string>
  /** GET through the mesh's gateway, `times` times. @returns the statuses that came, with their counts */
  throughGateway(path: string, times: number): Promise<Counts>
  /** GET by the application of a node, through its egress listener, as if DNS had answered for `host`. */
  call(node: string, host: string, port: number, path: string, times: number): Promise<Counts>
  /** GET straight to a node's ingress, as health checkers do. */
  direct(node: string, port: number, path: string, times: number, userAgent: string): Promise<Counts>
  /** A connection of a node's application to a host that is none of its backends. @returns what came back */
  beyond(node: string, to: Beyond): Promise<string>
  /** What applications got since the last call, by node; and connections that they made. */
  seen(): Promise<{ readonly arrivals: Counts; readonly tcp: readonly TcpCall[] }>
  stop(): Promise<void>
}
/** Where a connection wants to go, and what is sent on it. */
export interface Beyond {
  readonly host: string
  readonly port: number
  readonly text: string
}
export type Counts = Readonly<Record<string, number>>

export interface MeshOptions extends Pick<FleetOptions, "identity" | "logs" | "placement"> {
  readonly agent?: Readonly<Record<string, unknown>>
}

/** A model of test/fixtures/declare by its name, or any other by its absolute path. */
export const fixture = (name: string): string =>
  isAbsolute(name) ? name : join(import.meta.dirname, "../../fixtures/declare", name)

export async function startMesh(name: string, options: MeshOptions = {}): Promise<MeshRig> {
  const { agent: changes = {}, ...more } = options
  const runDir = await mkdtemp(join(tmpdir(), "meshscope-meshes-"))
  const undo: (() => Promise<void>)[] = [() => rm(runDir, { recursive: true, force: true })]
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step()
  }
  const arrivals = new Map<string, number>()
  const tcp: TcpCall[] = []
  try {
    const { model } = loadModel([{ file: name, text: await readFile(fixture(name), "utf8") }])
    const envoy = await envoyBinary()
    const fleet = await startFleet({
      model,
      runDir,
      envoy,
      flushMs: 50,
      ...more,
      events: {
        records: (records) => {
          for (const { node } of records.arrivals) arrivals.set(node, (arrivals.get(node) ?? 0) + 1)
          tcp.push(...records.tcp)
        },
      },
    })
    undo.push(() => fleet.stop())
    const { collectorUrl, agent } = await startReading(
      runDir,
      fixture(name),
      fleet.targetsFile,
      changes,
      undo,
    )
    const http = new HttpAgent({ keepAlive: true, maxSockets: 8 })
    undo.push(() => Promise.resolve(http.destroy()))
    return {
      fleet,
      agent,
      async ask<T>(path: string) {
        const answer = await fetch(`${collectorUrl}/api/v1${path}`)
        if (!answer.ok) throw new Error(`${path} answers ${answer.status}: ${await answer.text()}`)
        return (await answer.json()) as T
      },
      page: async (path) => (await fetch(`${collectorUrl}${path}`)).text(),
      throughGateway(path, times) {
        const [host = "", port = ""] = fleet.gateway().split(":")
        return statuses(http, times, { host, port: Number(port), path, headers: { host: "shop.example" } })
      },
      call: (node, host, port, path, times) =>
        statuses(http, times, {
          host: podOf(fleet, node).egressAddress,
          port,
          path,
          headers: { host: `${host}:${port}` },
        }),
      direct: (node, port, path, times, userAgent) =>
        statuses(http, times, {
          host: podOf(fleet, node).address,
          port,
          path,
          headers: { "user-agent": userAgent },
        }),
      beyond: (node, to) => beyond(podOf(fleet, node), to),
      async seen() {
        await fleet.apps.order({ kind: "flush" })
        const counts = Object.fromEntries(arrivals)
        arrivals.clear()
        return { arrivals: counts, tcp: tcp.splice(0) }
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Collector and agent in this process; what they need to stop goes to `undo`. */
export async function startReading(
  runDir: string,
  modelFile: string,
  targetsFile: string,
  changes: Readonly<Record<string, unknown>>,
  undo: (() => Promise<void>)[],
): Promise<{ readonly collectorUrl: string; readonly agent: Agent }> {
  const collector = await startCollectorHere()
  undo.push(() => collector.stop())
  const agent = await startAgentHere({
    runDir,
    modelFile,
    targetsFile,
    changes: { ...toCollector(collector), ...changes },
  })
  undo.push(() => agent.stop())
  // The targets file is read a moment later; what happens before the first look at a proxy is only its baseline.
  while ([...agent.pipeline.proxies].length === 0) await sleep(20)
  await agent.pipeline.settled()
  return { collectorUrl: collector.url, agent }
}

/** The agent's page for Prometheus. */
export async function fetchPage({ metricsUrl = "" }: Agent): Promise<string> {
  return (await fetch(metricsUrl)).text()
}

function podOf(fleet: Fleet, resource: string): Fleet["placement"]["pods"][number] {
  const pod = fleet.placement.pods.find((each) => each.resource === resource)
  if (pod === undefined) throw new Error(`the fleet has no pod of ${resource}`)
  return pod
}

interface Asked {
  readonly host: string
  readonly port: number
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

async function statuses(agent: HttpAgent, times: number, asked: Asked): Promise<Counts> {
  const all = await Promise.all(Array.from({ length: times }, () => statusOf(agent, asked)))
  const counts: Record<string, number> = {}
  for (const status of all) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

function statusOf(agent: HttpAgent, asked: Asked): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({ agent, ...asked })
    outgoing.on("response", (response) => {
      response.resume()
      response.on("end", () => resolve(response.statusCode ?? 0))
    })
    outgoing.on("error", reject)
    outgoing.end()
  })
}

/** As iptables would hand it over: to the egress listener, which is told where the connection wanted to go. */
async function beyond(
  pod: { readonly egressAddress: string; readonly appAddress: string },
  to: Beyond,
): Promise<string> {
  const socket = connect(15_001, pod.egressAddress)
  socket.write(`PROXY TCP4 ${pod.appAddress} ${to.host} 40000 ${to.port}\r\n${to.text}`)
  let answer = ""
  socket.on("data", (chunk: Buffer) => (answer += chunk.toString()))
  // A reset is an end like any other here.
  socket.on("error", () => {})
  await new Promise((resolve) => socket.on("close", resolve))
  return answer
}
