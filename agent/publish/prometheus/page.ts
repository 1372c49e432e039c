import type { FamilyBody, Sheet } from "./family-body.ts"
import { firstNewborn, type Newborns, newbornsFrom, zeroText } from "./newborn.ts"

/** Rendered text. Its buffers are not written to before `release`; call that once. */
export interface Page {
  /** Everything up to this commit is in it. */
  readonly generation: number
  /** Counters and histograms that were born at this commit or later are shown as 0. Infinity: none is. */
  readonly zeroFrom: number
  readonly parts: readonly Buffer[]
  readonly bytes: number
  release(): void
}

/** A page whose newborn series are still to be written. */
export interface Draft extends Pick<Page, "generation" | "zeroFrom" | "release"> {
  readonly parts: readonly (Buffer | Newborns)[]
}

/**
 * Takes the text of all families as it is now.
 * @param newest the last commit
 * @param since series born after this generation are to be shown as 0
 */
export function draftPage(bodies: Iterable<FamilyBody>, newest: number, since: number): Draft {
  const sheets: Sheet[] = []
  const parts: (Buffer | Newborns)[] = []
  let generation = newest
  let zeroFrom = Infinity
  for (const body of bodies) {
    generation = Math.min(generation, body.generation)
    if (body.series === 0) continue
    body.sheet.lent++
    sheets.push(body.sheet)
    const first = firstNewborn(body, since)
    const newborns = first < body.series ? newbornsFrom(body, first) : undefined
    parts.push(body.sheet.bytes.subarray(0, newborns?.from ?? body.length))
    if (newborns === undefined) continue
    parts.push(newborns)
    zeroFrom = Math.min(zeroFrom, body.born[first] ?? 0)
  }
  let held = true
  const release = (): void => {
    if (held) for (const sheet of sheets) sheet.lent--
    held = false
  }
  return { generation, zeroFrom, parts, release }
}

/** Writes the newborn series of a draft. */
export async function finishPage(draft: Draft, rest: () => Promise<void>): Promise<Page> {
  const parts: Buffer[] = []
  let bytes = 0
  for (const part of draft.parts) {
    const text = Buffer.isBuffer(part) ? part : await inSlices(zeroText(part), rest)
    parts.push(text)
    bytes += text.length
  }
  return { ...draft, parts, bytes }
}

async function inSlices<T>(work: Generator<undefined, T>, rest: () => Promise<void>): Promise<T> {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
    await rest()
  }
}
