import { mergeParsed } from "./declare/merge.ts"
import type { ParsedModel } from "./declare/parsed.ts"
import type { ModelSource } from "./model-source.ts"

export interface JoinedModelOptions {
  /** What each source knows already, in their order; undefined: nothing yet. */
  readonly known?: readonly (ParsedModel | undefined)[]
  /** What they make together, where somebody has it already. */
  readonly first?: ParsedModel
  /** Emit nothing before every source told something: a part would look as if the rest were not declared any more. */
  readonly whole: boolean
}

/**
 * One model of several sources, the first of higher rank. What two of them declare alike counts once; where they differ,
 * the first is believed, and a note says so.
 */
export function joinedModel(sources: readonly ModelSource[], options: JoinedModelOptions): ModelSource {
  return {
    async run(emit, signal) {
      const parts: (ParsedModel | undefined)[] = sources.map((_, index) => options.known?.[index])
      let last = options.first === undefined ? "" : JSON.stringify(options.first)
      const told = (index: number, model: ParsedModel): void => {
        parts[index] = model
        const there = parts.filter((part) => part !== undefined)
        if (options.whole && there.length < sources.length) return
        const joined = mergeParsed(there)
        const text = JSON.stringify(joined)
        if (text === last) return
        last = text
        emit(joined)
      }
      await Promise.all(sources.map((source, index) => source.run((model) => told(index, model), signal)))
    },
  }
}
