import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { DeclaredMesh, DeclaredModel } from "#mesh/declared.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import { type Claim, claimBase } from "./addresses.ts"
import { type Apps, type AppsEvents, AppsProcess } from "./apps/apps-process.ts"
import { awaitVersions } from "./config-taken.ts"
import type { Disturbance } from "./control-plane/clusters.ts"
import { ADMIN_PORT, type Placement, type Pod, placePods, type Replicas } from "./control-plane/placement.ts"
import { EnvoyProcess } from "./envoy-process.ts"
import { appPods, gatewayAddress, onlyMesh, type ProxyStyle, writeFleet } from "./fleet-files.ts"
import type { LogPlan } from "./logs.ts"
import { targetsYaml } from "./targets.ts"

export interface FleetOptions extends ProxyStyle {
  /** Its first mesh is brought up. */
  readonly model: DeclaredModel
  /** Pods per virtual node and gateway; one where nothing is said. */
  readonly placement?: Replicas
  /** Made when it does not exist; whoever named it removes it. Holds xds/, log/ and targets.yaml. */
  readonly runDir: string
  /** Log settings that replace the declared ones. */
  readonly logs?: LogPlan
  /** Path of the Envoy binary. */
  readonly envoy: string
  /** Second octet of the addresses; absent: the first free one. */
  readonly base?: number
  /** How long Envoys may hold log lines back, ms. Default 1000. */
  readonly flushMs?: number
  readonly events?: Partial<AppsEvents>
}

export interface FleetProxy {
  /** The pod's name. */
  readonly name: string
  readonly pod: Pod
  /** `host:port`. */
  readonly admin: string
  /** The container log: access lines and Envoy's own. */
  readonly log: string
}

/** Running Envoys with their applications. */
export interface Fleet {
  readonly base: number
  readonly runDir: string
  readonly placement: Placement
  readonly proxies: readonly FleetProxy[]
  readonly apps: Apps
  /** Static discovery for the agent. */
  readonly targetsFile: string
  /** The mesh as it is in force, log settings included. */
  mesh(): DeclaredMesh
  /** `host:port` of a gateway's first listener; of the first gateway without a name. */
  gateway(name?: string): string
  /** Ends an Envoy with SIGTERM and starts it again; resolves when it is live. */
  restart(proxy: string): Promise<void>
  kill(proxy: string, signal: NodeJS.Signals): void
  pid(proxy: string): number | undefined
  /** Resolves when every running Envoy has taken the new configuration; throws with its words when one refuses. */
  applyModel(model: DeclaredModel, disturbance?: Disturbance): Promise<void>
  stop(): Promise<void>
}

/** Starts all Envoys and applications of a mesh. On an error everything that was started is stopped again. */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const claim = await claimBase(options.base)
  const running = new RunningFleet(options, claim)
  try {
    await running.start()
    return running
  } catch (error) {
    await running.stop()
    throw error
  }
}

class RunningFleet implements Fleet {
  readonly runDir: string
  readonly placement: Placement
  readonly proxies: readonly FleetProxy[]
  readonly apps: AppsProcess
  readonly targetsFile: string
  readonly #options: FleetOptions
  readonly #claim: Claim
  readonly #envoys: ReadonlyMap<string, EnvoyProcess>
  #mesh: DeclaredMesh

  constructor(options: FleetOptions, claim: Claim) {
    this.#options = options
    this.#claim = claim
    this.runDir = options.runDir
    this.#mesh = onlyMesh(options.model, options.logs ?? {})
    this.placement = placePods(this.#mesh, options.placement ?? {}, claim.base)
    this.proxies = this.placement.pods.map((pod) => ({
      name: pod.name,
      pod,
      admin: `${pod.address}:${ADMIN_PORT}`,
      log: join(this.runDir, "log/pods", `${this.#mesh.name}_${pod.name}`, "envoy/stdout.log"),
    }))
    this.#envoys = new Map(this.proxies.map((proxy) => [proxy.name, this.#envoy(proxy)]))
    this.targetsFile = join(this.runDir, "targets.yaml")
    this.apps = new AppsProcess({
      records: (records) => options.events?.records?.(records),
      held: (request) => options.events?.held?.(request),
    })
  }

  get base(): number {
    return this.#claim.base
  }

  mesh(): DeclaredMesh {
    return this.#mesh
  }

  async start(): Promise<void> {
    await mkdir(this.runDir, { recursive: true })
    const versions = await this.#write({})
    const apps = this.apps.start(appPods(this.#mesh, this.placement))
    await Promise.all([apps, ...[...this.#envoys.values()].map((envoy) => envoy.start())])
    await Promise.all([...this.#envoys.values()].map((envoy) => envoy.ready()))
    await this.#taken(versions)
    const targets = this.proxies.map(({ name, admin, log }) => ({ name, admin, logs: [log] }))
    await writeFile(this.targetsFile, targetsYaml(targets))
  }

  gateway(name?: string): string {
    return gatewayAddress(this.#mesh, this.placement, name)
  }

  async restart(proxy: string): Promise<void> {
    const envoy = this.#find(proxy)
    await envoy.stop()
    await envoy.start()
    await envoy.ready()
  }

  kill(proxy: string, signal: NodeJS.Signals): void {
    this.#find(proxy).signal(signal)
  }

  pid(proxy: string): number | undefined {
    return this.#find(proxy).pid
  }

  async applyModel(model: DeclaredModel, disturbance: Disturbance = {}): Promise<void> {
    this.#mesh = onlyMesh(model, this.#options.logs ?? {})
    await this.#taken(await this.#write(disturbance))
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#envoys.values()].map((envoy) => envoy.stop()))
    await this.apps.stop()
    await this.#claim.release()
  }

  /** An Envoy that refuses a listener is live all the same, so being live is not enough. */
  async #taken(versions: ReadonlyMap<string, readonly string[]>): Promise<void> {
    await Promise.all(
      this.proxies
        .filter(({ name }) => this.#find(name).running)
        .map((proxy) => awaitVersions(proxy, versions.get(proxy.name) ?? [])),
    )
  }

  #write(disturbance: Disturbance): Promise<ReadonlyMap<string, readonly string[]>> {
    return writeFleet({
      mesh: this.#mesh,
      placement: this.placement,
      folder: (pod) => this.#folder(pod),
      disturbance,
      style: this.#options,
    })
  }

  #envoy({ name, pod, admin, log }: FleetProxy): EnvoyProcess {
    const { envoy, flushMs = 1000 } = this.#options
    return new EnvoyProcess({
      envoy,
      name,
      bootstrap: join(this.#folder(pod), "bootstrap.json"),
      admin,
      log,
      flushMs,
    })
  }

  #folder(pod: Pod): string {
    return join(this.runDir, "xds", pod.name)
  }

  #find(proxy: string): EnvoyProcess {
    const envoy = this.#envoys.get(proxy)
    if (envoy === undefined) throw new MeshscopeError("MODEL_INVALID", `The fleet has no proxy ${proxy}.`)
    return envoy
  }
}
