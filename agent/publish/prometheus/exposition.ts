import { setImmediate } from "node:timers/promises"
import type { Family, Snapshot } from "#mesh/snapshot.ts"
import { appendSeries, type FamilyBody, makeFamilyBody, patchFamily, type Sheet } from "./family-body.ts"
import type { Format } from "./text.ts"

/** Rendered text. Its buffers are not written to before `release`; call that once. */
export interface Page {
  /** All values are those of this commit. */
  readonly generation: number
  readonly parts: readonly Buffer[]
  readonly bytes: number
  release(): void
}

/** The mesh's series in one format, kept as text between scrapes. */
export interface Exposition {
  /** Brings the text up to the last commit, in slices that let the event loop run. */
  page(): Promise<Page>
}

/** Longest slice, ms. */
const SLICE_MS = 2
/** A commit during a slow rendering makes it begin again, but not for ever. */
const MAX_PASSES = 5

export function makeExposition(snapshot: Snapshot, format: Format): Exposition {
  const bodies = new Map<string, FamilyBody>()
  let running: Promise<void> | undefined
  const rest = makeRest()
  const refresh = async (): Promise<void> => {
    for (let pass = 0; pass < MAX_PASSES; pass++) {
      const before = snapshot.generation
      for (const family of snapshot.families) {
        for (const _ of refreshFamily(bodies, family, format, snapshot)) await rest()
      }
      if (snapshot.generation === before) return
    }
  }
  return {
    async page() {
      running ??= refresh().finally(() => {
        running = undefined
      })
      try {
        await running
      } catch (error) {
        // A text that was left half written must not be patched again.
        bodies.clear()
        throw error
      }
      return lend(bodies, snapshot)
    },
  }
}

function* refreshFamily(
  bodies: Map<string, FamilyBody>,
  family: Family,
  format: Format,
  snapshot: Snapshot,
): Generator<undefined> {
  let body = bodies.get(family.key)
  if (body === undefined || body.removals !== family.removals) {
    body = makeFamilyBody(family, format)
    bodies.set(family.key, body)
  }
  yield* patchFamily(body, snapshot)
  const generation = snapshot.generation
  if (body.series === 0) body.generation = generation
  yield* appendSeries(body, snapshot)
}

/** Lets others run when the slice is used up. */
function makeRest(): () => Promise<void> {
  let started = performance.now()
  return async () => {
    if (performance.now() - started < SLICE_MS) return
    await setImmediate()
    started = performance.now()
  }
}

function lend(bodies: ReadonlyMap<string, FamilyBody>, snapshot: Snapshot): Page {
  const sheets: Sheet[] = []
  const parts: Buffer[] = []
  let bytes = 0
  for (const body of bodies.values()) {
    if (body.series === 0) continue
    body.sheet.lent++
    sheets.push(body.sheet)
    parts.push(body.sheet.bytes.subarray(0, body.length))
    bytes += body.length
  }
  let held = true
  return {
    generation: snapshot.generation,
    parts,
    bytes,
    release() {
      if (!held) return
      held = false
      for (const sheet of sheets) sheet.lent--
    },
  }
}
