import { markPushedOut, removeFile } from "./pushed-out.ts"
import type { Segment } from "./segment.ts"

/** Segments that are not needed any more. A file goes only after the commit whose state does not name it, or leaves a mark. */
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

/** @param marks of segments that left before a restart, and that the next state does not name */
export function makeDoomedSegments(marks: readonly string[]): DoomedSegments {
  const doomed: Segment[] = []
  const marked = [...marks]
  let saved = 0
  let savedMarks = 0
  let bytes = 0
  const remove = (number: number): void => {
    for (const { path, end } of doomed.splice(0, number)) {
      bytes -= end
      removeFile(path)
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
      savedMarks = marked.length
    },
    removeSaved() {
      remove(saved)
      for (const path of marked.splice(0, savedMarks)) removeFile(path)
      savedMarks = 0
    },
    removeAll() {
      for (const segment of doomed) {
        const mark = markPushedOut(segment)
        if (mark !== undefined) marked.push(mark)
      }
      remove(doomed.length)
    },
  }
}
