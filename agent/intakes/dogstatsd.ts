import type { Clock } from "#mesh/clock.ts"
import { type DogStatsdIntake, startDogStatsdIntake } from "../collect/receive/dogstatsd-intake.ts"
import type { ReceiveDogStatsdConfig } from "../config/receive-dogstatsd-schema.ts"
import type { Pipeline } from "../pipeline.ts"
import type { Log } from "../telemetry/log.ts"
import type { Telemetry } from "../telemetry/telemetry.ts"
import { PushedStats } from "./pushed-stats.ts"

export interface DogStatsdDeps {
  readonly clock: Clock
  readonly log: Log
  readonly telemetry: Telemetry
  readonly pipeline: Pipeline
}

/** How often it is looked what may be let go. */
const LOOK_MS = 1000

/**
 * Takes stats that Envoys send. To be started before proxies are discovered, since those that send find their stats here.
 * @returns ends it
 * @throws MeshscopeError LISTEN_FAILED
 */
export async function startDogStatsd(
  config: ReceiveDogStatsdConfig,
  { clock, log, telemetry, pipeline }: DogStatsdDeps,
): Promise<() => Promise<void>> {
  const stats = new PushedStats(config, { clock, ledger: pipeline.ledger })
  const intake = await startDogStatsdIntake(config, {
    clock,
    datagram: (bytes, from) => stats.take(bytes, from),
  })
  pipeline.pushed = (target) => stats.open(target)
  observe(telemetry, intake, stats)
  const { host, port } = intake.address
  log.info("Takes stats by DogStatsD.", { address: `${host}:${port}` })
  const looks = setInterval(() => stats.look(), LOOK_MS)
  return async () => {
    clearInterval(looks)
    await intake.stop()
    stats.end()
  }
}

function observe(telemetry: Telemetry, intake: DogStatsdIntake, { drops }: PushedStats): void {
  telemetry.observe("intakeRequests", (tell) => {
    const { passed, overload, kernelDropped } = intake.counters()
    tell(passed, { intake: "dogstatsd", result: "ok" })
    tell(overload, { intake: "dogstatsd", result: "overload" })
    tell(kernelDropped, { intake: "dogstatsd", result: "kernel_dropped" })
  })
  telemetry.observe("dropped", (tell) => {
    for (const [reason, count] of Object.entries(drops)) tell(count, { stage: "receive_stats", reason })
  })
}
