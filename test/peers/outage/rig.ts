import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { claimBase } from "../../../demo/addresses.ts"
import { targetsYaml } from "../../../demo/targets.ts"
import { startRecorded } from "../../live/meshes/recorded.ts"
import { fixture } from "../../live/meshes/rig.ts"
import { AgentProcess } from "../../live/rig/agent-process.ts"
import { Input } from "./input.ts"
import { type Receivers, startReceivers } from "./receivers.ts"
import { Subject } from "./subject.ts"

/** An agent with every output, its receivers behind doors, and what it reads. */
export interface OutageRig {
  readonly receivers: Receivers
  readonly subject: Subject
  readonly input: Input
  /** The agent's folder. */
  readonly state: string
  stop(): Promise<void>
}

/** Proxies that write lines; they are recorded pages of one node's Envoys, so that all time goes to the agent. */
const PROXIES = 2

export interface RigOptions {
  /** What is written below `publish`, made from what goes to all receivers. */
  readonly publish?: (
    all: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ) => Readonly<Record<string, unknown>>
  readonly commit?: string
}

/** Brings up all but the agent. On an error all of it is stopped again. */
export async function startOutageRig(options: RigOptions = {}): Promise<OutageRig> {
  const { publish = (all) => all, commit = "1s" } = options
  const runDir = await mkdtemp(join(tmpdir(), "meshscope-outage-"))
  const undo: (() => unknown)[] = [() => rm(runDir, { recursive: true, force: true })]
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step()
  }
  try {
    const claim = await claimBase()
    undo.push(() => claim.release())
    const receivers = await startReceivers(runDir, claim.base)
    undo.push(() => receivers.stop())
    const targetsFile = join(runDir, "targets.yaml")
    const logs = Array.from({ length: PROXIES }, (_, at) => join(runDir, `task-${at}.log`))
    const targets = []
    for (const [at, log] of logs.entries()) {
      const admin = await startRecorded(2022)
      undo.push(() => admin.stop())
      await writeFile(log, "")
      targets.push({ name: `task-${at}`, admin: admin.address, logs: [log] })
    }
    await writeFile(targetsFile, targetsYaml(targets))
    const host = `127.${claim.base}.7.50`
    const state = join(runDir, "state")
    const agent = await AgentProcess.prepare(
      runDir,
      `${host}:9464`,
      {
        agent: { id: "outage", state },
        discover: { static: { file: targetsFile, interval: "500ms" } },
        scrape: { interval: "5s", timeout: "2s" },
        logs: { poll: "100ms", start: "beginning" },
        model: { files: [fixture("appmesh-workshop.json")] },
        commit,
        receive: {
          xray: { udp: `${host}:2000`, tcp: `${host}:2000` },
          zipkin: { listen: `${host}:9411` },
        },
        publish: publish(receivers.publish),
      },
      { PATH: process.env["PATH"], HOME: runDir, ...receivers.env },
    )
    undo.push(() => agent.end("SIGKILL"))
    const intakes = { xray: { host, port: 2000 }, zipkin: `http://${host}:9411` }
    const subject = new Subject(agent, state, intakes)
    const input = await Input.open(logs, intakes)
    undo.push(() => input.close())
    return { receivers, subject, input, state, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
