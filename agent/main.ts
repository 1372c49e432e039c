import type { DoctorReport } from "#mesh/doctor-report.ts"
import type { OnceReport } from "#mesh/once-report.ts"
import { VERSION } from "#mesh/version.ts"
import type { AgentConfig } from "./config/parse.ts"
import { type OnceDeps, readOnce as read } from "./once.ts"
import { type Agent, type AgentDeps, startAgent as start } from "./start.ts"

/** The whole agent of one node, with what only a process knows. */
export function startAgent(
  config: AgentConfig,
  deps: Pick<AgentDeps, "clock" | "log" | "signal">,
): Promise<Agent> {
  return start(config, { ...deps, env: process.env, version: VERSION, nodeVersion: process.versions.node })
}

/** One look at everything, for `meshscope once`. */
export function readOnce(
  config: AgentConfig,
  deps: Pick<OnceDeps, "clock" | "log" | "signal">,
): Promise<OnceReport> {
  return read(config, { ...deps, env: process.env, version: VERSION, nodeVersion: process.versions.node })
}

/** What keeps an agent from its work here, for `meshscope doctor`. */
export async function examine(
  config: AgentConfig,
  deps: Pick<OnceDeps, "clock" | "signal">,
): Promise<DoctorReport> {
  const { examineAgent } = await import("./doctor/examine.ts")
  const { env, versions } = process
  return examineAgent(config, { ...deps, env, version: VERSION, nodeVersion: versions.node })
}
