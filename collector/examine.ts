import { readFile } from "node:fs/promises"
import type { KubeAccessSettings } from "#kubernetes/access-schema.ts"
import { checkRights, modelRights, type NeededRight, reviewRight } from "#kubernetes/rights.ts"
import type { Check, DoctorReport } from "#mesh/doctor-report.ts"
import type { Environment } from "#mesh/interpolation.ts"
import { fileReason } from "#mesh/system-reason.ts"
import type { CollectorConfig } from "./config.ts"

/** What keeps a collector of this configuration from its work, looked for from where it runs. Reads alone. */
export async function examineCollector(
  config: CollectorConfig,
  env: Environment,
  signal: AbortSignal,
): Promise<DoctorReport> {
  const checks = [
    ...(await fileChecks(config)),
    ...variableCheck(config, env),
    ...openDoor(config),
    ...(await rightChecks(config, env, signal)),
  ]
  return { ok: checks.every(({ state }) => state !== "missing"), checks, logs: [] }
}

async function fileChecks({ tls, intake, model }: CollectorConfig): Promise<readonly Check[]> {
  const named = [
    ...Object.entries(tls ?? {}).map(([key, file]) => [`tls.${key}`, file] as const),
    ["intake.tokenFile", intake.tokenFile] as const,
    ...(model?.files ?? []).map((file, at) => [`model.files[${at}]`, file] as const),
  ]
  const checks = await Promise.all(
    named.map(async ([subject, file]): Promise<readonly Check[]> => {
      if (typeof file !== "string") return []
      const about = { area: "configuration", subject, todo: "" } as const
      try {
        await readFile(file)
        return [{ ...about, state: "ok", sentence: `${file} can be read.` }]
      } catch (cause) {
        const sentence = `${file} cannot be read: ${fileReason(cause)}.`
        const todo = "Put it there, mount it, or let our user read it."
        return [{ ...about, state: "missing", sentence, todo }]
      }
    }),
  )
  return checks.flat()
}

function variableCheck({ intake: { tokenEnv } }: CollectorConfig, env: Environment): readonly Check[] {
  if (tokenEnv === undefined) return []
  const about = { area: "configuration", subject: "intake.tokenEnv" } as const
  if (Object.hasOwn(env, tokenEnv) && (env[tokenEnv] ?? "").trim() !== "")
    return [{ ...about, state: "ok", sentence: `The environment variable ${tokenEnv} is set.`, todo: "" }]
  const sentence = `The environment variable ${tokenEnv} holds no token.`
  return [{ ...about, state: "missing", sentence, todo: "Set it, or name another one." }]
}

function openDoor({ intake, tls }: CollectorConfig): readonly Check[] {
  const closed =
    intake.tokenFile !== undefined || intake.tokenEnv !== undefined || intake.kubernetes !== undefined
  if (closed && tls !== undefined) return []
  const sentence = closed
    ? "Tokens come without TLS: whoever listens on the way can use them."
    : "Anybody who reaches the collector may send numbers to it."
  const todo = closed
    ? "Set `tls`, or keep the network between agents and collector to yourself."
    : "Set `intake.kubernetes` or `intake.tokenFile`: docs/collector-access.md."
  return [{ area: "configuration", subject: "intake", state: "warning", sentence, todo }]
}

async function rightChecks(
  { model, intake }: CollectorConfig,
  env: Environment,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const asked: { readonly api: KubeAccessSettings; readonly rights: readonly NeededRight[] }[] = []
  if (model?.kubernetes !== undefined)
    asked.push({ api: model.kubernetes.api, rights: modelRights(model.kubernetes, "model.kubernetes") })
  if (intake.kubernetes !== undefined)
    asked.push({ api: intake.kubernetes.api, rights: [reviewRight("intake.kubernetes")] })
  const checks = await Promise.all(asked.map(({ api, rights }) => checkRights(api, rights, env, signal)))
  return checks.flat()
}
