import type { Clock } from "#mesh/clock.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import type { Environment } from "#mesh/interpolation.ts"
import type { AgentConfig } from "./config/parse.ts"
import type { Discovery, ReportProblem } from "./discover/contract.ts"
import type { EcsDiscoveryConfig } from "./discover/ecs/config.ts"
import { joined } from "./discover/joined.ts"
import type { KubernetesSettings } from "./discover/kubernetes/settings.ts"
import { staticDiscovery } from "./discover/static/discovery.ts"
import type { Log } from "./telemetry/log.ts"
import type { Telemetry } from "./telemetry/telemetry.ts"

export interface DiscoveryDeps {
  readonly clock: Clock
  readonly env: Environment
  readonly log: Log
  readonly telemetry: Telemetry
}

/** What each discovery is made with. */
interface MakerDeps extends Pick<DiscoveryDeps, "clock" | "env"> {
  readonly report: ReportProblem
  readonly mended: () => void
}

/** What the configuration asks for, joined; one line each. Every failure is counted, one that stays is logged once. */
export async function discoveryOf({ discover }: AgentConfig, deps: DiscoveryDeps): Promise<Discovery> {
  const given = (name: string): MakerDeps => ({ clock: deps.clock, env: deps.env, ...reporter(name, deps) })
  const found: Promise<Discovery>[] = []
  if (discover.static !== undefined)
    found.push(Promise.resolve(staticDiscovery(discover.static, given("static"))))
  const { ecs } = discover
  if (ecs !== undefined) found.push(ecsOf(ecs, given("ecs")))
  if (discover.kubernetes !== undefined) found.push(kubernetes(discover.kubernetes, given("kubernetes")))
  return joined(await Promise.all(found), { clock: deps.clock, report: reporter("all", deps).report })
}

async function ecsOf(config: EcsDiscoveryConfig, given: MakerDeps): Promise<Discovery> {
  const { ecsDiscovery } = await import("./discover/ecs/discovery.ts")
  if (config.api === undefined) return ecsDiscovery(config, given)
  const { makeEcsCalls } = await import("./ecs-calls.ts")
  return ecsDiscovery(config, { ...given, calls: makeEcsCalls(config.timeout) })
}

/** @throws MeshscopeError CONFIG_ENV_MISSING */
async function kubernetes(settings: KubernetesSettings, given: MakerDeps): Promise<Discovery> {
  const [{ kubernetesDiscovery }, { kubernetesConfig }] = await Promise.all([
    import("./discover/kubernetes/discovery.ts"),
    import("./discover/kubernetes/settings.ts"),
  ])
  return kubernetesDiscovery(kubernetesConfig(settings, given.env), { ...given, random: Math.random })
}

function reporter(
  name: string,
  { log, telemetry }: DiscoveryDeps,
): { readonly report: ReportProblem; readonly mended: () => void } {
  const failures = telemetry.counter("discoveryFailures")
  const target = `discover.${name}`
  let told = ""
  return {
    report(error) {
      failures.add(1, { discovery: name })
      if (error.message === told) return
      told = error.message
      log.warn(told, { code: error instanceof MeshscopeError ? error.code : "FILE_UNREADABLE", target })
    },
    mended() {
      told = ""
      log.info("The targets can be read again.", { target })
    },
  }
}
