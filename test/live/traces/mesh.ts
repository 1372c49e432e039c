import { randomBytes } from "node:crypto"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { request as httpRequest } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Behaviours } from "../../../demo/apps/behaviour.ts"
import type { TracerPlan } from "../../../demo/control-plane/tracing.ts"
import { envoyBinary } from "../../../demo/envoy-binary.ts"
import { type Fleet, startFleet } from "../../../demo/fleet.ts"
import type { LogPlan } from "../../../demo/logs.ts"
import { BEHAVIOUR_HEADER, CALL_HEADER } from "../../../demo/records.ts"
import { parseKubernetesObjects } from "../../../mesh/declare/kubernetes.ts"
import type { DeclaredModel, WeightedTarget } from "../../../mesh/declared.ts"

export const GATEWAY = "yelb-gateway_yelb"

/** Gateway, ui and appserver on real Envoys, all calls of the appserver to its first version. */
export interface TracedMesh {
  readonly fleet: Fleet
  readonly model: DeclaredModel
  /** @returns the status; one request through the gateway */
  ask(request: Asked): Promise<number>
  stop(): Promise<void>
}

export interface Asked {
  readonly path: string
  /** `x-request-id`. */
  readonly id: string
  readonly behaviours?: Behaviours
  readonly headers?: Readonly<Record<string, string>>
}

export interface MeshOptions {
  readonly tracers: TracerPlan
  readonly logs?: LogPlan
  readonly modelFile?: string
}

const YELB = join(import.meta.dirname, "../../../demo/yelb.yaml")
/** No request of these tests goes there. */
const LEFT_OUT = {
  "redis-server-virtual-node": 0,
  "yelb-db-virtual-node": 0,
  "yelb-appserver-virtual-node-v2": 0,
}

export async function startMesh({ tracers, logs = {}, modelFile = YELB }: MeshOptions): Promise<TracedMesh> {
  const runDir = await mkdtemp(join(tmpdir(), "meshscope-traces-"))
  try {
    const { model } = parseKubernetesObjects(await readFile(modelFile, "utf8"), modelFile)
    const envoy = await envoyBinary()
    const fleet = await startFleet({
      model: withoutCanary(model),
      placement: LEFT_OUT,
      runDir,
      logs: { "*": "none", ...logs },
      envoy,
      flushMs: 100,
      tracers,
    })
    return {
      fleet,
      model: { meshes: [fleet.mesh()] },
      ask: (asked) => ask(fleet.gateway(), asked),
      async stop() {
        await fleet.stop()
        await rm(runDir, { recursive: true, force: true })
      },
    }
  } catch (error) {
    await rm(runDir, { recursive: true, force: true })
    throw error
  }
}

/** Version 2 has no pod here, so nothing goes there that may go elsewhere. */
function withoutCanary(model: DeclaredModel): DeclaredModel {
  const meshes = model.meshes.map((mesh) => ({
    ...mesh,
    virtualRouters: mesh.virtualRouters.map((router) => ({
      ...router,
      routes: router.routes.map((route) => ({ ...route, targets: withoutV2(route.targets) })),
    })),
  }))
  return { meshes }
}

const isV2 = ({ virtualNode }: WeightedTarget): boolean => virtualNode.includes("-v2")

function withoutV2(targets: readonly WeightedTarget[]): readonly WeightedTarget[] {
  if (targets.every(isV2)) return targets
  return targets.map((target) => (isV2(target) ? { ...target, weight: 0 } : target))
}

function ask(gateway: string, { path, id, behaviours, headers = {} }: Asked): Promise<number> {
  const [host, port] = gateway.split(":")
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({
      host,
      port,
      path,
      agent: false,
      headers: {
        host: "yelb.example",
        "user-agent": "meshscope-test/1",
        "x-request-id": id,
        [CALL_HEADER]: id,
        ...(behaviours === undefined ? {} : { [BEHAVIOUR_HEADER]: JSON.stringify(behaviours) }),
        ...headers,
      },
    })
    outgoing.on("response", (response) => {
      response.resume()
      response.on("end", () => resolve(response.statusCode ?? 0))
    })
    outgoing.on("error", reject)
    outgoing.end()
  })
}

/** A trace of now, as a load balancer would begin it. */
export const newTraceId = (): string =>
  Math.floor(Date.now() / 1000)
    .toString(16)
    .padStart(8, "0") + randomBytes(12).toString("hex")
