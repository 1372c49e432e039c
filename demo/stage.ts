import type { DeclaredMesh } from "#mesh/declared.ts"
import type { AppsEvents } from "./apps/apps-process.ts"
import { makeClient } from "./client.ts"
import type { BreakerLimits, Disturbance } from "./control-plane/clusters.ts"
import { type Fleet, type FleetOptions, startFleet } from "./fleet.ts"
import { Load } from "./load.ts"
import { type Planned, planRequests } from "./plan.ts"
import type { Arrival, Call, TcpCall } from "./records.ts"
import type { Scenario } from "./scenarios.ts"
import type { Truth } from "./truth.ts"
import { makeTruthLedger, type World } from "./truth-ledger.ts"

export interface LoadOptions {
  readonly seed?: number
  readonly mix?: "all" | "everyday"
  readonly concurrency?: number
  /** Requests a second; absent: as fast as it goes. */
  readonly rate?: number
  /** See `PlanOptions`. */
  readonly tracesBegan?: number
}

export interface StageOptions extends Omit<FleetOptions, "events">, LoadOptions {}

/** What may differ from the declared mesh in good health. */
export interface Condition {
  readonly mesh: DeclaredMesh
  readonly down: ReadonlySet<string>
  readonly withoutEndpoints: ReadonlySet<string>
  readonly breakers: ReadonlyMap<string, BreakerLimits>
  /** Kinds of requests that a fault adds to the plan. */
  readonly extra: readonly Scenario[]
}

/** A fleet with load on it, and the truth about every request. */
export interface Stage {
  readonly fleet: Fleet
  condition(): Condition
  /** Sends the next `count` planned requests; resolves when all have been answered. */
  run(count: number, signal?: AbortSignal): Promise<void>
  /**
   * Changes what is in force between two requests: waits until none is under way, counts what was, lets `work` do the
   * change, brings the configuration into force, and lets the load go on. So the truth stays exact.
   */
  change(next: Partial<Condition>, work?: () => Promise<void>): Promise<void>
  /** What happened so far, to the request. */
  truth(): Promise<Truth>
  stop(): Promise<void>
}

export const startStage = (options: StageOptions): Promise<Stage> =>
  stageOn((events) => startFleet({ ...options, events }), options)

/** The same on a fleet that somebody else starts: it hands over what its applications record. */
export async function stageOn(
  start: (events: AppsEvents) => Promise<Fleet>,
  options: LoadOptions,
): Promise<Stage> {
  const records = { calls: [] as Call[], arrivals: [] as Arrival[], tcp: [] as TcpCall[] }
  const client = makeClient()
  const fleet = await start({
    records: (more) => {
      records.calls.push(...more.calls)
      records.arrivals.push(...more.arrivals)
      records.tcp.push(...more.tcp)
    },
    held: (request) => client.held(request),
  })
  let condition: Condition = {
    mesh: fleet.mesh(),
    down: new Set(),
    withoutEndpoints: new Set(),
    breakers: new Map(),
    extra: [],
  }
  const { seed = 1, mix = "all", concurrency = 16 } = options
  const { mesh, placement } = { mesh: fleet.mesh(), placement: fleet.placement }
  const plan: Iterator<Planned> = planRequests({
    mesh,
    placement,
    seed,
    mix,
    extra: () => condition.extra,
    ...(options.tracesBegan === undefined ? {} : { tracesBegan: options.tracesBegan }),
  })
  const load = new Load({
    client,
    plan,
    concurrency,
    ...(options.rate === undefined ? {} : { rate: options.rate }),
    done: (call) => records.calls.push(call),
  })
  const ledger = makeTruthLedger()

  /** Only while nothing is under way. */
  const settle = async (): Promise<void> => {
    await fleet.apps.order({ kind: "flush" })
    const finished = {
      calls: records.calls.splice(0),
      arrivals: records.arrivals.splice(0),
      tcp: records.tcp.splice(0),
    }
    ledger.fold(finished, worldOf(condition))
  }

  return {
    fleet,
    condition: () => condition,
    run: (count, signal) => load.run(count, signal),
    change: (next, work) =>
      load.still(async () => {
        await settle()
        condition = { ...condition, ...next }
        await work?.()
        await fleet.applyModel({ meshes: [condition.mesh] }, disturbanceOf(condition))
      }),
    truth: () =>
      load.still(async () => {
        await settle()
        return ledger.truth(fleet.mesh().name)
      }),
    async stop() {
      client.close()
      await fleet.stop()
    },
  }
}

const worldOf = ({ mesh, down, withoutEndpoints, breakers }: Condition): World => ({
  mesh,
  down,
  withoutEndpoints,
  overloaded: new Set(breakers.keys()),
})

const disturbanceOf = ({ down, withoutEndpoints, breakers }: Condition): Disturbance => ({
  withoutEndpoints,
  breakers,
  attemptCount: down.size + breakers.size > 0,
})
