import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { Agent } from "../../../agent/start.ts"
import { claimBase } from "../../../demo/addresses.ts"
import { ADMIN_PORT, type Pod } from "../../../demo/control-plane/placement.ts"
import { envoyBinary } from "../../../demo/envoy-binary.ts"
import { EnvoyProcess } from "../../../demo/envoy-process.ts"
import { targetsYaml } from "../../../demo/targets.ts"
import { type Clock, systemClock } from "../../../mesh/clock.ts"
import { exposed } from "../rig/exposed.ts"
import { startAgentHere } from "../rig/here.ts"
import { startApps } from "./apps.ts"
import { Caller } from "./caller.ts"
import { envoyFiles, PRESSURE_FILE } from "./envoy.ts"
import { declaredYaml } from "./model.ts"
import { CALLER } from "./names.ts"

/** One Envoy with everything behind it, and the agent that reads it. */
export interface Lab {
  readonly agent: Agent
  readonly caller: Caller
  /** Lines of Envoy's output so far that are access lines. */
  lines(): Promise<readonly string[]>
  /** Lets the agent's monotonic clock go ahead. */
  pass(ms: number): void
  /** From now on the agent does not read the log. */
  lose(): void
  stop(): Promise<void>
}

export async function startLab(): Promise<Lab> {
  const runDir = await mkdtemp(join(tmpdir(), "meshscope-honesty-"))
  const claim = await claimBase()
  const at = (net: number, number: number): string => `127.${claim.base}.${net}.${number}`
  const pod: Pod = {
    name: "caller-0",
    kind: "virtual_node",
    resource: CALLER,
    address: at(1, 1),
    appAddress: at(2, 1),
    egressAddress: at(3, 1),
  }
  const places = { app: pod.appAddress, garbage: at(2, 2), http2: at(2, 3), tcp: at(2, 4), dns: at(2, 5) }
  const apps = await startApps(places)
  const folder = join(runDir, "xds")
  const declared = declaredYaml()
  await mkdir(folder)
  for (const [name, content] of envoyFiles({ pod, folder, places, declared }))
    await writeFile(join(folder, name), content)
  const log = join(runDir, "envoy.log")
  const admin = `${pod.address}:${ADMIN_PORT}`
  const envoy = new EnvoyProcess({
    envoy: await envoyBinary(),
    name: CALLER,
    bootstrap: join(folder, "bootstrap.json"),
    admin,
    log,
    flushMs: 10,
  })
  let ahead = 0
  const clock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + ahead }
  let agent: Agent | undefined
  const stop = async (): Promise<void> => {
    await agent?.stop()
    await envoy.stop()
    await apps.stop()
    await claim.release()
    await rm(runDir, { recursive: true, force: true })
  }
  try {
    await envoy.start()
    await envoy.ready()
    await writeFile(join(runDir, "targets.yaml"), targetsYaml([{ name: pod.name, admin, logs: [log] }]))
    await writeFile(join(runDir, "mesh.yaml"), declared)
    agent = await startAgentHere({
      runDir,
      modelFile: join(runDir, "mesh.yaml"),
      targetsFile: join(runDir, "targets.yaml"),
      changes: { logs: { poll: "50ms", start: "beginning" } },
      clock,
    })
    await looked(agent)
  } catch (error) {
    await stop()
    throw error
  }
  const pressure = async (value: number): Promise<void> => {
    await writeFile(join(folder, "pressure.new"), String(value))
    await rename(join(folder, "pressure.new"), join(folder, PRESSURE_FILE))
  }
  return {
    agent,
    caller: new Caller({ egress: pod.egressAddress, ingress: pod.address, admin, apps, pressure }),
    lines: async () => (await readFile(log, "utf8")).split("\n").filter((line) => line.startsWith("{")),
    pass(ms) {
      ahead += ms
    },
    lose: () => agent?.pipeline.tail.unfollow(log),
    stop,
  }
}

/** Waits until the agent has seen the Envoy's counters, from which it counts on. */
async function looked({ pipeline }: Agent): Promise<void> {
  const until = performance.now() + 10_000
  while (exposed(pipeline.ledger.snapshot, "proxyUp", ["proxy"])["proxy=caller-0"] !== 1) {
    if (performance.now() > until) throw new Error("the agent does not see the Envoy")
    await sleep(20)
    pipeline.commit()
  }
}
