import { checkRights, modelRights, podRights } from "#kubernetes/rights.ts"
import type { Check, CheckArea, DoctorReport } from "#mesh/doctor-report.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import { gapOf } from "#mesh/gap-words.ts"
import type { Environment } from "#mesh/interpolation.ts"
import type { OnceProxy } from "#mesh/once-report.ts"
import type { AgentConfig } from "../config/parse.ts"
import { type OnceDeps, readOnce } from "../once.ts"
import { hindrances } from "../readiness.ts"
import type { Log, LogFields } from "../telemetry/log.ts"
import { checkEcs } from "./ecs.ts"
import { checkLogFiles } from "./log-files.ts"
import { checkOutputs } from "./outputs.ts"

/**
 * What keeps an agent of this configuration from its work, looked for from where it runs: rights, proxies, their logs,
 * receivers. Reads alone, keeps nothing, and runs well beside a running agent.
 * @throws MeshscopeError FILE_UNREADABLE, MODEL_INVALID of model files
 */
export async function examineAgent(config: AgentConfig, deps: Omit<OnceDeps, "log">): Promise<DoctorReport> {
  const { env, signal } = deps
  const [rights, outputs] = await Promise.all([kubernetesRights(config, env, signal), checkOutputs(config)])
  const ecs = await checkEcs(config.discover.ecs, signal)
  const told = new Told()
  const proxies = await proxiesNow(config, { ...deps, log: told })
  const settings = await configurationChecks(config, env, proxies)
  const checks = [
    ...settings,
    // That this is no pod is said once.
    ...rights.filter(({ sentence }) => !settings.some((one) => one.sentence.endsWith(sentence))),
    ...ecs,
    ...told.checks.filter(({ sentence }) => !ecs.some((one) => one.sentence === sentence)),
    ...proxyChecks(proxies),
    ...(await checkLogFiles(proxies)),
    ...outputs,
  ]
  return {
    ok: checks.every(({ state }) => state !== "missing"),
    checks,
    logs: proxies
      .filter(({ missing }) => missing.length > 0)
      .map(({ proxy, flavor, missing }) => ({ proxy, flavor, missing })),
  }
}

/** What the environment lacks is told with the settings that need it; then nobody can be asked for proxies. */
async function proxiesNow(config: AgentConfig, deps: OnceDeps): Promise<readonly OnceProxy[]> {
  try {
    return (await readOnce(config, deps)).proxies
  } catch (error) {
    if (error instanceof MeshscopeError && error.code === "CONFIG_ENV_MISSING") return []
    throw error
  }
}

/** What discovery and the declared model's sources would write into the log. What proxies say stands with each of them. */
class Told implements Log {
  readonly checks: Check[] = []

  debug(): void {}
  info(): void {}
  warn(sentence: string, { target }: LogFields = {}): void {
    const area = AREAS.find(([beginning]) => target?.startsWith(beginning))?.[1]
    if (area === undefined || target === undefined) return
    if (this.checks.some((check) => check.sentence === sentence)) return
    this.checks.push({ area, subject: target, state: "missing", sentence, todo: "" })
  }
  error(sentence: string, fields?: LogFields): void {
    this.warn(sentence, fields)
  }
}

const AREAS: readonly (readonly [string, CheckArea])[] = [
  ["discover.", "proxies"],
  ["model", "configuration"],
]

async function configurationChecks(
  config: AgentConfig,
  env: Environment,
  proxies: readonly OnceProxy[],
): Promise<readonly Check[]> {
  const all = await hindrances(config, { env, targets: proxies })
  // Outputs to AWS have a check of their own.
  const found = all.filter(({ path }) => path[0] !== "publish" || path.length > 2)
  if (found.length === 0) {
    const sentence = "State folder, secrets and certificates are as they are needed."
    return [{ area: "configuration", subject: "settings", state: "ok", sentence, todo: "" }]
  }
  return found.map(({ path, sentence }) => {
    const subject = path.join(".")
    return { area: "configuration", subject, state: "missing", sentence: `${subject} ${sentence}`, todo: "" }
  })
}

async function kubernetesRights(
  { discover, model }: AgentConfig,
  env: Environment,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const parts = [
    ...(discover.kubernetes === undefined || discover.kubernetes.kubelet !== undefined
      ? []
      : [
          {
            api: discover.kubernetes.api,
            rights: podRights(discover.kubernetes.namespaces.include, "discover.kubernetes"),
          },
        ]),
    ...(model.kubernetes === undefined
      ? []
      : [{ api: model.kubernetes.api, rights: modelRights(model.kubernetes, "model.kubernetes") }]),
  ]
  const found = await Promise.all(parts.map(({ api, rights }) => checkRights(api, rights, env, signal)))
  return found.flat()
}

const NONE_FOUND: Check = {
  area: "proxies",
  subject: "discovery",
  state: "warning",
  sentence: "No proxy was found here.",
  todo: "If there should be one: docs/install.md says by what a proxy is known, and its pod or task can be named in `discover`.",
}

function proxyChecks(proxies: readonly OnceProxy[]): readonly Check[] {
  if (proxies.length === 0) return [NONE_FOUND]
  return proxies.map(({ proxy, ok, problem, mesh, resource, missing }) => {
    if (!ok) return { area: "proxies", subject: proxy, state: "missing", sentence: problem, todo: ADVICE }
    const known = resource === "" ? "It answers, and does not tell who it is" : `${resource} of ${mesh}`
    const state = resource === "" ? "warning" : "ok"
    const less =
      missing.length === 0 ? "" : ` It lacks ${missing.map((word) => gapOf(word).lacks).join(", ")}.`
    return { area: "proxies", subject: proxy, state, sentence: `${known}.${less}`, todo: "" }
  })
}

const ADVICE =
  "Check that its admin port is open to this host: NetworkPolicy, security groups, and the address that Envoy listens at."
