import { setImmediate } from "node:timers/promises"
import type { Family, Snapshot } from "#mesh/snapshot.ts"
import { appendSeries, type FamilyBody, makeFamilyBody, patchFamily } from "./family-body.ts"
import { draftPage, finishPage, type Page } from "./page.ts"
import type { Format } from "./text.ts"

/** The mesh's series in one format, kept as text between scrapes. */
export interface Exposition {
  /**
   * Brings the text up to the last commit, in slices that let the event loop run.
   * @param knows asked once, when the text is fixed: counters and histograms born after the generation that it answers
   *   are shown as 0. It is told the last commit; nothing in the text was born later.
   */
  page(knows?: (newest: number) => number): Promise<Page>
}

/** Longest slice, ms. */
const SLICE_MS = 2
/** A commit during a slow rendering makes it begin again, but not for ever. */
const MAX_PASSES = 5

export function makeExposition(snapshot: Snapshot, format: Format): Exposition {
  const bodies = new Map<string, FamilyBody>()
  let running: Promise<void> | undefined
  const rest = makeRest()
  const passes = async (): Promise<void> => {
    for (let pass = 0; pass < MAX_PASSES; pass++) {
      const before = snapshot.generation
      for (const family of snapshot.families) {
        for (const _ of refreshFamily(bodies, family, format, snapshot)) await rest()
      }
      if (snapshot.generation === before) return
    }
  }
  const refresh = async (): Promise<void> => {
    try {
      await passes()
    } catch (error) {
      // A text that was left half written must not be patched again.
      bodies.clear()
      throw error
    } finally {
      running = undefined
    }
  }
  const begin = (): Promise<void> => (running ??= refresh())
  const underWay = (): Promise<void> | undefined => running
  return {
    async page(knows = () => Infinity) {
      // Another caller may have begun anew between the end of a rendering and this line: its text is not whole.
      for (let work: Promise<void> | undefined = begin(); work !== undefined; work = underWay()) await work
      const newest = snapshot.generation
      const draft = draftPage(bodies.values(), newest, knows(newest))
      try {
        return await finishPage(draft, makeRest())
      } catch (error) {
        draft.release()
        throw error
      }
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
