import type { Clock } from "#mesh/clock.ts"
import type { SocketAddress } from "#mesh/proxy.ts"
import { AlsIntake } from "../collect/receive/als-intake.ts"
import { ByteBudget } from "../collect/receive/byte-budget.ts"
import type { ReceiveAccessLogsConfig } from "../config/receive-access-logs-schema.ts"
import type { Pipeline } from "../pipeline.ts"
import { hostAddresses } from "../spans/reception.ts"
import type { Log } from "../telemetry/log.ts"
import type { Telemetry } from "../telemetry/telemetry.ts"
import { EntryStreams } from "./entry-streams.ts"
import { streamsHere } from "./streams-here.ts"

export interface EntriesDeps {
  readonly clock: Clock
  readonly log: Log
  readonly telemetry: Telemetry
  readonly pipeline: Pipeline
  /** Names and addresses of this agent that proxies may use, beside those of its host. */
  readonly hosts: readonly string[]
}

/** How often it is looked whether the proxy of what waits has come. */
const LOOK_MS = 1000

/**
 * Takes access log entries that proxies stream. To be started before proxies are discovered, since whether a proxy is
 * counted from them follows from where it streams to.
 * @returns ends it
 * @throws MeshscopeError LISTEN_FAILED
 */
export async function startEntries(
  config: ReceiveAccessLogsConfig,
  deps: EntriesDeps,
): Promise<() => Promise<void>> {
  const { clock, log, telemetry, pipeline } = deps
  const own = new Set(hostAddresses())
  const budget = new ByteBudget(config.buffer)
  const streams = new EntryStreams({
    clock,
    budget,
    holdMs: config.hold,
    own,
    proxies: () => pipeline.proxies,
    lines: pipeline.lines,
  })
  const intake = new AlsIntake(config, {
    budget,
    opened: (peer) => streams.opened(peer),
    failed: (error) =>
      log.error("Access log entries could not be read.", {
        code: "INTAKE_MALFORMED",
        target: "receive.accessLogs",
        error,
      }),
  })
  const address = await intake.start()
  const listens: SocketAddress = { host: config.listen.host, port: Number(new URL(address).port) }
  pipeline.leadsHere = streamsHere(listens, [...deps.hosts, ...config.hosts])
  observe(telemetry, intake, streams)
  log.info("Takes access logs by gRPC.", { address })
  const looks = setInterval(() => streams.look(), LOOK_MS)
  return async () => {
    clearInterval(looks)
    await intake.stop()
    streams.end()
  }
}

function observe(telemetry: Telemetry, intake: AlsIntake, { drops }: EntryStreams): void {
  telemetry.observe("intakeRequests", (tell) => {
    const { requests, droppedConnections } = intake.counters()
    for (const [result, count] of Object.entries(requests)) tell(count, { intake: "access-logs", result })
    tell(droppedConnections, { intake: "access-logs", result: "too_many_connections" })
  })
  telemetry.observe("dropped", (tell) => {
    for (const [reason, count] of Object.entries(drops)) tell(count, { stage: "receive", reason })
  })
}
