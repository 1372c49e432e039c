import type { Clock } from "./clock.ts"
import type { IstioOptions } from "./declare/istio/mesh.ts"
import { loadModel } from "./declare/load.ts"
import type { ParsedModel } from "./declare/parsed.ts"
import type { ModelSource, ReportModel } from "./model-source.ts"
import { lookAtFiles, NOTHING_SEEN, SETTLE_MS, type SeenFiles } from "./settled-files.ts"

const WHAT = "The model file"

export interface ModelFilesConfig {
  /** Absolute paths. */
  readonly files: readonly string[]
  /** Milliseconds between two looks. */
  readonly interval: number
  /** For objects of Istio in them. */
  readonly istio: IstioOptions
}

/**
 * Reads the files that declare the mesh.
 * @throws MeshscopeError FILE_UNREADABLE, MODEL_INVALID
 */
export async function readModelFiles(
  files: readonly string[],
  istio: IstioOptions = {},
): Promise<ParsedModel> {
  return modelOf(files, istio, await lookAtFiles(WHAT, files, NOTHING_SEEN, () => Promise.resolve()))
}

/** The model of files that may change while we run: written in place, replaced, or swapped as a ConfigMap's. */
export function modelFiles(
  { files, interval, istio }: ModelFilesConfig,
  { clock, report }: { readonly clock: Clock; readonly report: ReportModel },
): ModelSource {
  return {
    async run(emit, signal) {
      let seen = NOTHING_SEEN
      /** Texts that no model could be made of stay a problem until they change. */
      let broken: Error | undefined
      const settled = (): Promise<void> => clock.sleep(SETTLE_MS, signal)
      while (!signal.aborted) {
        try {
          const now = await lookAtFiles(WHAT, files, seen, settled)
          if (signal.aborted) return
          const changed = now !== seen
          seen = now
          if (changed) broken = failureOf(() => emit(modelOf(files, istio, now)))
          report(broken)
        } catch (error) {
          seen = { ...seen, stamp: "" }
          report(asError(error))
        }
        await clock.sleep(interval, signal)
      }
    },
  }
}

function failureOf(emit: () => void): Error | undefined {
  try {
    emit()
    return undefined
  } catch (error) {
    return asError(error)
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)))

function modelOf(files: readonly string[], istio: IstioOptions, { texts = [] }: SeenFiles): ParsedModel {
  return loadModel(
    files.map((file, index) => ({ file, text: texts[index] ?? "" })),
    istio,
  )
}
