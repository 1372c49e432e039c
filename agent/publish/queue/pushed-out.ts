import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { countDrop, type DropCounts } from "../delivery/drop-counts.ts"
import type { QueueState } from "./queue-state.ts"
import { type Segment, segmentPath } from "./segment.ts"

/**
 * Where room is short a segment's file goes before the commit that says so. The last commit still names it then, and after a
 * kill it would be missed, and counted as damaged. So it leaves a mark: its name with this, and in it how many things of what
 * was committed nobody got.
 */
const MARK = ".out"

/** @returns the mark's path; undefined where no commit names the segment, or none can be written on a full disk */
export function markPushedOut({ path, visible, doneThings }: Segment): string | undefined {
  if (visible.records === 0) return undefined
  try {
    writeFileSync(path + MARK, String(visible.things - doneThings), { mode: 0o600 })
    return path + MARK
  } catch {
    return undefined
  }
}

/**
 * The state as it was when the agent was killed, as far as marks tell: without the segments that had left, of which the rest
 * had been settled. Removes marks that nothing needs; `marks` are to be removed after the next commit.
 */
export function settlePushedOut(
  folder: string,
  state: QueueState,
): { readonly state: QueueState; readonly marks: readonly string[] } {
  const paths = marksIn(folder)
  if (paths.length === 0) return { state, marks: [] }
  const dropped: DropCounts = new Map(state.dropped)
  const marks: string[] = []
  let { delivered } = state
  const segments = state.segments.filter(({ number, things, done }) => {
    const mark = segmentPath(folder, number) + MARK
    const left = paths.includes(mark) ? leftBy(mark) : undefined
    if (left === undefined) return true
    const open = things - done[1]
    const lost = Math.min(left, open)
    countDrop(dropped, "overflow", lost)
    delivered += open - lost
    marks.push(mark)
    return false
  })
  for (const path of paths) if (!marks.includes(path)) removeFile(path)
  return { state: { ...state, delivered, dropped: [...dropped], segments }, marks }
}

function marksIn(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(MARK))
  return names.map((name) => join(folder, name))
}

function leftBy(mark: string): number | undefined {
  try {
    const text = readFileSync(mark, "latin1")
    return /^\d{1,15}$/.test(text) ? Number(text) : undefined
  } catch {
    return undefined
  }
}

/** What cannot be removed now is removed at the next start, as the committed state does not name it. */
export function removeFile(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    // It takes room until then.
  }
}
