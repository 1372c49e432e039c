import type { Clock } from "#mesh/clock.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import type { Environment } from "#mesh/interpolation.ts"
import type { AgentConfig } from "./config/parse.ts"
import type { Discovery } from "./discover/contract.ts"
import { staticDiscovery } from "./discover/static/discovery.ts"
import type { Log } from "./telemetry/log.ts"
import type { Telemetry } from "./telemetry/telemetry.ts"

export interface DiscoveryDeps {
  readonly clock: Clock
  readonly env: Environment
  readonly log: Log
  readonly telemetry: Telemetry
}

type Discover = AgentConfig["discover"]

/** Configuration key -> what it makes. A new discovery is one line here. */
const DISCOVERIES: {
  readonly [K in keyof Discover]: (
    config: Discover[K],
    deps: Pick<DiscoveryDeps, "clock" | "env"> & { report: (error: Error) => void; mended: () => void },
  ) => Discovery
} = {
  static: staticDiscovery,
}

/** The discovery that the configuration asks for. Every failure is counted; one that stays is logged once. */
export function discoveryOf(config: AgentConfig, { clock, env, log, telemetry }: DiscoveryDeps): Discovery {
  const failures = telemetry.counter("discoveryFailures")
  const target = "discover.static"
  let told = ""
  const report = (error: Error): void => {
    failures.add(1, { discovery: "static" })
    if (error.message === told) return
    told = error.message
    log.warn(told, { code: error instanceof MeshscopeError ? error.code : "FILE_UNREADABLE", target })
  }
  const mended = (): void => {
    told = ""
    log.info("The targets can be read again.", { target })
  }
  return DISCOVERIES.static(config.discover.static, { clock, env, report, mended })
}
