import type { Cells } from "./cells.ts"
import { encodeRange, makeScratch } from "./state-codec.ts"
import { CHUNK_SLOTS } from "./state-restore.ts"

/** About how many commits' changes the file keeps beside the bases. */
const KEPT_DELTAS = 64

/**
 * Which part of all values is written whole with a commit. Parts take turns, so that the file stays bounded, a restart
 * reads little, and no commit is much longer than another.
 */
export interface ChunkPlan {
  /** The part whose turn it is, or undefined. `bytes` is a view that the next call overwrites. */
  due(generation: number): { readonly chunk: number; readonly bytes: Uint8Array } | undefined
  /** Changes up to this generation are in every part, once `chunk` is written at `generation`. */
  oldest(chunk: number | undefined, generation: number): number
  written(chunk: number, generation: number): void
}

/** @param bases generation of each part in the file */
export function makeChunkPlan(cells: Cells, bases: Map<number, number>): ChunkPlan {
  const scratch = makeScratch()
  const count = (): number => Math.ceil(cells.size / CHUNK_SLOTS)
  let next = 0
  return {
    due(generation) {
      if (generation % Math.max(1, Math.floor(KEPT_DELTAS / count())) !== 0) return undefined
      const chunk = next % count()
      const from = chunk * CHUNK_SLOTS
      return { chunk, bytes: encodeRange(cells, scratch, from, from + CHUNK_SLOTS) }
    },
    oldest(chunk, generation) {
      let oldest = Infinity
      for (let at = 0; at < count(); at++) {
        oldest = Math.min(oldest, at === chunk ? generation - 1 : (bases.get(at) ?? 0))
      }
      return oldest
    },
    written(chunk, generation) {
      bases.set(chunk, generation)
      next = chunk + 1
    },
  }
}
