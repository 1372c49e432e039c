import { rmSync } from "node:fs"
import type { Segment } from "./segment.ts"

/** Segments that are not needed any more. A file goes only after the commit whose state does not name it. */
export interface DoomedSegments {
  /** Of their files. */
  readonly bytes: number
  add(segment: Segment): void
  /** The state that is being saved names none of those that are here now. */
  saved(): void
  /** Removes the files of what was here at the last `saved`. */
  removeSaved(): void
  removeAll(): void
}

export function makeDoomedSegments(): DoomedSegments {
  const doomed: Segment[] = []
  let saved = 0
  let bytes = 0
  const remove = (number: number): void => {
    for (const { path, end } of doomed.splice(0, number)) {
      bytes -= end
      try {
        rmSync(path, { force: true })
      } catch {
        // It is removed at the next start, as the committed state does not name it.
      }
    }
    saved = Math.max(0, saved - number)
  }
  return {
    get bytes() {
      return bytes
    },
    add(segment) {
      doomed.push(segment)
      bytes += segment.end
    },
    saved() {
      saved = doomed.length
    },
    removeSaved: () => remove(saved),
    removeAll: () => remove(doomed.length),
  }
}
