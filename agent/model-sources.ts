import type { KubernetesModelConfig } from "#kubernetes/model-schema.ts"
import type { Clock } from "#mesh/clock.ts"
import type { IstioOptions } from "#mesh/declare/istio/mesh.ts"
import { mergeParsed } from "#mesh/declare/merge.ts"
import type { ParsedModel } from "#mesh/declare/parsed.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import type { Environment } from "#mesh/interpolation.ts"
import { joinedModel } from "#mesh/joined-model.ts"
import { modelFiles, readModelFiles } from "#mesh/model-files.ts"
import type { ModelSource, ReportModel } from "#mesh/model-source.ts"
import type { AgentConfig } from "./config/parse.ts"
import { keepingModel, keptModel } from "./model-cache.ts"
import { collectorModel } from "./model-collector.ts"
import type { Log } from "./telemetry/log.ts"
import type { Telemetry } from "./telemetry/telemetry.ts"

export interface ModelSourcesDeps {
  readonly clock: Clock
  readonly env: Environment
  readonly log: Log
  readonly telemetry: Telemetry
}

/** The declared model as far as it is known at the start, and who tells of changes. */
export interface AgentModel {
  readonly first: ParsedModel
  readonly source: ModelSource
}

/** One source, with what is known of it already. */
interface Part {
  readonly known: ParsedModel | undefined
  /** Keeps on disk what it tells, where that is worth it. */
  readonly source: ModelSource
  readonly bare: ModelSource
}

/** How long one look waits for sources, ms. */
const ONCE_MS = 15_000

/**
 * What the configuration names: files, which must be readable now; a collector and the API server, which may be away,
 * and of which the state folder keeps what they told last.
 * @throws MeshscopeError FILE_UNREADABLE, MODEL_INVALID of files
 */
export async function openModel(config: AgentConfig, deps: ModelSourcesDeps): Promise<AgentModel> {
  const parts = await partsOf(config, deps)
  const known = parts.map((part) => part.known)
  const first = firstOf(parts)
  return {
    first,
    source: joinedModel(
      parts.map(({ source }) => source),
      { known, first, whole: false },
    ),
  }
}

/** For one look at everything: what all sources tell now, or what was known where one of them does not answer. */
export async function modelNow(
  config: AgentConfig,
  deps: ModelSourcesDeps,
  signal: AbortSignal,
): Promise<ParsedModel> {
  const found = new AbortController()
  const log: Log = {
    ...deps.log,
    warn: (sentence, fields) => {
      deps.log.warn(sentence, fields)
      found.abort()
    },
  }
  const parts = await partsOf(config, { ...deps, log })
  let now: ParsedModel | undefined
  const sources = parts.map(({ bare }) => bare)
  const over = AbortSignal.any([found.signal, signal, AbortSignal.timeout(ONCE_MS)])
  if (sources.length > 0)
    await joinedModel(sources, { whole: true }).run((model) => {
      now = model
      found.abort()
    }, over)
  return now ?? firstOf(parts)
}

/** What was kept may contradict files that were changed meanwhile: the files, which come first, are believed. */
function firstOf(parts: readonly Part[]): ParsedModel {
  return mergeParsed(parts.map((part) => part.known).filter((part) => part !== undefined))
}

async function partsOf({ agent, model }: AgentConfig, deps: ModelSourcesDeps): Promise<readonly Part[]> {
  const parts: Part[] = []
  const { clock, env } = deps
  const { files, collector, kubernetes } = model
  if (files.length > 0) {
    const bare = modelFiles({ ...model, istio: model }, { clock, report: reporter("files", deps) })
    parts.push({ known: await readModelFiles(files, model), source: bare, bare })
  }
  if (collector !== undefined) {
    const report = reporter("collector", deps)
    parts.push(await kept("collector", agent.state, deps, collectorModel(collector, { clock, env, report })))
  }
  if (kubernetes !== undefined)
    parts.push(await kept("kubernetes", agent.state, deps, await watchOf(kubernetes, model, deps)))
  return parts
}

/** Loaded only where it is asked for. */
async function watchOf(
  config: KubernetesModelConfig,
  istio: IstioOptions,
  deps: ModelSourcesDeps,
): Promise<ModelSource> {
  const [{ kubeAccess }, { makeKubeApi }, { modelWatch }] = await Promise.all([
    import("#kubernetes/access.ts"),
    import("#kubernetes/api.ts"),
    import("#kubernetes/model-watch.ts"),
  ])
  const { clock, env } = deps
  const api = makeKubeApi(kubeAccess(config.api, env), { clock, random: Math.random })
  return modelWatch(config, istio, { api, clock, report: reporter("kubernetes", deps) })
}

async function kept(name: string, state: string, deps: ModelSourcesDeps, bare: ModelSource): Promise<Part> {
  const file = `${state}/model/${name}.json`
  const report = reporter(`${name}.kept`, deps)
  const source = keepingModel(bare, file, report)
  try {
    return { known: await keptModel(file), source, bare }
  } catch (error) {
    report(error instanceof Error ? error : new Error(String(error)))
    return { known: undefined, source, bare }
  }
}

/** Every failure is counted, one that stays is logged once, and so is its end. */
function reporter(name: string, { log, telemetry }: ModelSourcesDeps): ReportModel {
  const failures = telemetry.counter("modelFailures")
  const target = `model.${name}`
  let told = ""
  return (problem) => {
    if (problem === undefined) {
      if (told !== "") log.info("The declared model can be read again.", { target })
      told = ""
      return
    }
    failures.add(1, { source: name })
    if (problem.message === told) return
    told = problem.message
    log.warn(told, { code: problem instanceof MeshscopeError ? problem.code : "MODEL_INVALID", target })
  }
}
