import type { ParsedModel } from "./declare/parsed.ts"

/** Where the declared model comes from: files, a collector's `/model`, or the API server itself. */
export interface ModelSource {
  /**
   * Emits the whole model whenever it changed, the first one as soon as it is known. On an error nothing is emitted, so
   * the last one stays. Resolves once `signal` aborts; never rejects.
   */
  run(emit: (model: ParsedModel) => void, signal: AbortSignal): Promise<void>
}

/** Told of each look that failed, the same problem again and again; `undefined`: the last look was good. */
export type ReportModel = (problem: Error | undefined) => void
