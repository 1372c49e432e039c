import { kubeAccess } from "#kubernetes/access.ts"
import { makeKubeApi } from "#kubernetes/api.ts"
import { type ModelWatch, modelWatch } from "#kubernetes/model-watch.ts"
import type { Clock } from "#mesh/clock.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import type { Environment } from "#mesh/interpolation.ts"
import { joinedModel } from "#mesh/joined-model.ts"
import { modelFiles } from "#mesh/model-files.ts"
import type { ModelSource, ReportModel } from "#mesh/model-source.ts"
import type { Log } from "../log.ts"
import type { ModelSourceState } from "../view/declared-model.ts"
import type { ModelConfig } from "./schema.ts"

export interface ModelSourcesDeps {
  readonly clock: Clock
  readonly env: Environment
  readonly log: Log
}

/** Everything that the configuration names, as one model, and how each part of it is. */
export interface ModelSources extends ModelSource {
  states(): readonly ModelSourceState[]
  readonly failures: ReadonlyMap<string, number>
}

/** @throws MeshscopeError CONFIG_ENV_MISSING when Kubernetes is asked for outside of a pod, and not where */
export function modelSources(config: ModelConfig, deps: ModelSourcesDeps): ModelSources {
  const problems = new Problems(deps.log)
  const sources: ModelSource[] = []
  if (config.files.length > 0)
    sources.push(
      heard(
        modelFiles({ ...config, istio: config }, { clock: deps.clock, report: problems.of("files") }),
        () => problems.heard(),
      ),
    )
  const watch = watchOf(config, deps, problems)
  if (watch !== undefined) sources.push(watch)
  const joined = joinedModel(sources, { whole: true })
  return {
    run: (emit, signal) => joined.run(emit, signal),
    failures: problems.failures,
    states: () => [
      ...(config.files.length === 0 ? [] : [problems.state("files")]),
      ...(watch?.kinds() ?? []).map(({ resource, objects, problem }): ModelSourceState => {
        const state = problem !== undefined ? "problem" : objects === undefined ? "waiting" : "ok"
        return { name: resource, state, objects: objects ?? null, problem: problem ?? null }
      }),
    ],
  }
}

function watchOf(
  config: ModelConfig,
  { clock, env }: ModelSourcesDeps,
  problems: Problems,
): ModelWatch | undefined {
  const { kubernetes } = config
  if (kubernetes === undefined) return undefined
  const api = makeKubeApi(kubeAccess(kubernetes.api, env), { clock, random: Math.random })
  return modelWatch(kubernetes, config, { api, clock, report: problems.of("kubernetes") })
}

/** Tells when a source told something for the first time. */
function heard(source: ModelSource, told: () => void): ModelSource {
  return {
    run: (emit, signal) =>
      source.run((model) => {
        told()
        emit(model)
      }, signal),
  }
}

/** What is wrong with each source now; each problem is logged once, and its end. */
class Problems {
  readonly failures = new Map<string, number>()
  readonly #now = new Map<string, string>()
  readonly #log: Log
  #heard = false

  constructor(log: Log) {
    this.#log = log
  }

  heard(): void {
    this.#heard = true
  }

  state(name: string): ModelSourceState {
    const problem = this.#now.get(name) ?? null
    const state = problem === null ? (this.#heard ? "ok" : "waiting") : "problem"
    return { name, state, objects: null, problem }
  }

  of(name: string): ReportModel {
    const target = `model.${name}`
    return (problem) => {
      if (problem === undefined) {
        if (this.#now.delete(name)) this.#log.info("The declared model can be read again.", { target })
        return
      }
      this.failures.set(name, (this.failures.get(name) ?? 0) + 1)
      const { message } = problem
      if (this.#now.get(name) !== message)
        this.#log.warn(message, {
          code: problem instanceof MeshscopeError ? problem.code : "MODEL_INVALID",
          target,
        })
      this.#now.set(name, message)
    }
  }
}
