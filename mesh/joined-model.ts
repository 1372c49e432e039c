import { mergeModels } from "./declare/merge.ts"
import type { ParsedModel } from "./declare/parsed.ts"
import type { ModelSource, ReportModel } from "./model-source.ts"

export interface JoinedModelDeps {
  /** What each source knows already, in their order; undefined: nothing yet. */
  readonly known?: readonly (ParsedModel | undefined)[]
  /** What they make together, where somebody has it already. */
  readonly first?: ParsedModel
  /** Emit nothing before every source told something: a part would look as if the rest were not declared any more. */
  readonly whole: boolean
  /** Told when the sources contradict each other; the model stays as it was. */
  readonly report: ReportModel
}

/** One model of several sources. What two of them declare alike counts once. */
export function joinedModel(sources: readonly ModelSource[], deps: JoinedModelDeps): ModelSource {
  return {
    async run(emit, signal) {
      const parts: (ParsedModel | undefined)[] = sources.map((_, index) => deps.known?.[index])
      let last = deps.first === undefined ? "" : JSON.stringify(deps.first)
      const told = (index: number, model: ParsedModel): void => {
        parts[index] = model
        const there = parts.filter((part) => part !== undefined)
        if (deps.whole && there.length < sources.length) return
        const joined = joinModels(there, deps.report)
        if (joined === undefined) return
        const text = JSON.stringify(joined)
        if (text === last) return
        last = text
        emit(joined)
      }
      await Promise.all(sources.map((source, index) => source.run((model) => told(index, model), signal)))
    },
  }
}

/** Undefined, and reported, where the parts contradict each other. */
export function joinModels(parts: readonly ParsedModel[], report: ReportModel): ParsedModel | undefined {
  try {
    const model = mergeModels(parts.map((part) => part.model))
    report(undefined)
    return { model, notes: [...new Set(parts.flatMap(({ notes }) => notes))] }
  } catch (error) {
    report(error instanceof Error ? error : new Error(String(error)))
    return undefined
  }
}
