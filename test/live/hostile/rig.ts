import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Agent } from "../../../agent/start.ts"
import { envoyBinary } from "../../../demo/envoy-binary.ts"
import { type Fleet, startFleet } from "../../../demo/fleet.ts"
import type { LogKind } from "../../../demo/logs.ts"
import type { Arrival } from "../../../demo/records.ts"
import { parseKubernetesObjects } from "../../../mesh/declare/kubernetes.ts"
import type { DeclaredMesh } from "../../../mesh/declared.ts"
import { startAgentHere } from "../rig/here.ts"
import { sendBytes } from "./client.ts"
import type { Happened } from "./expected.ts"
import { checkedYelb } from "./model.ts"
import type { Door, HostileRequest } from "./requests.ts"

/** The yelb without its databases, which no request here needs, and the agent that reads its logs. */
export interface Rig {
  readonly agent: Agent
  readonly mesh: DeclaredMesh
  /** Sends one request and waits until all who saw it have said so. */
  send(request: HostileRequest): Promise<Happened>
  stop(): Promise<void>
}

export async function startRig(kind: LogKind): Promise<Rig> {
  const runDir = await mkdtemp(join(tmpdir(), "meshscope-hostile-"))
  const file = join(runDir, "mesh.yaml")
  await writeFile(file, await checkedYelb())
  const { model } = parseKubernetesObjects(await checkedYelb(), file)
  const arrivals: Arrival[] = []
  const placement = { "redis-server-virtual-node": 0, "yelb-db-virtual-node": 0 }
  const events = {
    records: (records: { readonly arrivals: readonly Arrival[] }) => void arrivals.push(...records.arrivals),
  }
  // Node refuses headers above 16 KB; what Envoy lets through shall arrive.
  process.env["NODE_OPTIONS"] = "--max-http-header-size=65536"
  const fleet = await startFleet({
    model,
    placement,
    runDir,
    logs: { "*": kind },
    envoy: await envoyBinary(),
    flushMs: 10,
    events,
  })
  let agent: Agent | undefined
  const stop = async (): Promise<void> => {
    await agent?.stop()
    await fleet.stop()
    await rm(runDir, { recursive: true, force: true })
  }
  try {
    agent = await startAgentHere({
      runDir,
      modelFile: file,
      targetsFile: fleet.targetsFile,
      changes: { logs: { poll: "50ms", start: "beginning" } },
    })
  } catch (error) {
    await stop()
    throw error
  }
  const doors = doorsOf(fleet)
  return {
    agent,
    mesh: fleet.mesh(),
    async send(request) {
      const { host, port } = doors[request.door]
      const status = await sendBytes(host, port, request.bytes)
      await fleet.apps.order({ kind: "flush" })
      return { request, status, arrivals: arrivals.splice(0) }
    },
    stop,
  }
}

function doorsOf(fleet: Fleet): Readonly<Record<Door, { readonly host: string; readonly port: number }>> {
  const [gatewayHost = "", gatewayPort = ""] = fleet.gateway().split(":")
  const ui = fleet.placement.pods.find(({ resource }) => resource.includes("yelb-ui"))
  if (ui === undefined) throw new Error("the yelb has no ui")
  return {
    gateway: { host: gatewayHost, port: Number(gatewayPort) },
    egress: { host: ui.egressAddress, port: 4567 },
    ingress: { host: ui.address, port: 80 },
  }
}
