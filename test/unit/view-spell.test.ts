import { describe, expect, it } from "vitest"
import { HEALTH_RULES } from "#mesh/health.ts"
import { type Spell, type Steps, spellOf } from "../../collector/view/spell.ts"

const T0 = 1_790_000_000_000 - (1_790_000_000_000 % 3_600_000)
const STEP_MS = 15_000
const { failingErrorRatio } = HEALTH_RULES

/** One letter a step: `b`ad (10 of 20 failed), `d`egraded (4 of 100), `g`ood, `n`early (1 of 50), `.` no traffic. `late`: steps after a minute began. */
function steps(text: string, late = 0): Steps {
  const letters = text.replaceAll(" ", "").split("")
  const judged = letters.map((letter) => ({ b: 20, d: 100, g: 20, n: 50 })[letter] ?? 0)
  const errors = letters.map((letter) => ({ b: 10, d: 4, n: 1 })[letter] ?? 0)
  const fromMs = T0 + late * STEP_MS
  const untilMs = fromMs + letters.length * STEP_MS
  return {
    fromMs,
    stepMs: STEP_MS,
    judged: Float64Array.from(judged),
    errors: Float64Array.from(errors),
    untilMs,
    windowFromMs: fromMs,
  }
}

/** Errors in three of eight steps, then none. */
function rare(quiet: number): Steps {
  const made = steps("g".repeat(8 + quiet))
  for (const step of [0, 4, 7]) made.errors[step] = 1
  return made
}

const inSteps = (spell: Spell | undefined, { fromMs }: Steps): (number | undefined)[] =>
  [spell?.sinceMs, spell?.endedMs].map((ms) => (ms === undefined ? undefined : (ms - fromMs) / STEP_MS))

describe("a time of errors", () => {
  it.each([
    ["none", "gggg gggg", [undefined, undefined]],
    ["begins in its first bad step", "gggg ggbb bbbb", [6, undefined]],
    ["begins in the first step over its own limit", "gggg dggb bbbb", [7, undefined]],
    ["goes on over two minutes without traffic", "gggg bbbb .... .... bbbb", [4, undefined]],
    ["is another one after three", "gggg bbbb .... .... .... bbbb", [20, undefined]],
    ["is another one after a good minute", "bbbb gggg bbbb", [8, undefined]],
    ["fails since it failed", "gggg dddd dddd bbbb", [12, undefined]],
    ["goes on with one good step at the end", "gggg bbbb bbbg", [4, undefined]],
    ["goes on after two good steps", "gggg bbbb bbgg", [4, undefined]],
    ["is over after three", "gggg bbbb bbgg g", [4, 10]],
    ["goes on after three steps without traffic", "gggg bbbb bb.. .", [4, undefined]],
    ["is over after four", "gggg bbbb bb.. ..", [4, 10]],
    ["is over where only what was there before goes on", "nnnn bbbb bbnn nnnn nn", [4, 10]],
    ["is another one after a minute of what was there before", "bbbb nnnn bbbb", [8, undefined]],
    ["goes on where more than that goes on", "gggg bbbb dddd dddd", [4, undefined]],
    ["is over long ago", "gggg bbbb gggg gggg", [4, 8]],
  ] as const)("%s: %s", (_, text, wanted) => {
    const made = steps(text)
    expect(inSteps(spellOf(made, failingErrorRatio), made)).toEqual(wanted)
  })

  it("does not move with the time at which it is asked", () => {
    const text = `${"g".repeat(9)}${"b".repeat(20)}`
    for (let late = 0; late < 8; late++) {
      const made = steps(text.slice(late), late)
      expect(spellOf(made, failingErrorRatio)?.sinceMs).toBe(T0 + 9 * STEP_MS)
    }
  })

  it("is over only after three times as long as its errors lay apart", () => {
    expect(spellOf(rare(7), 0.01)?.endedMs).toBeUndefined()
    expect(spellOf(rare(8), 0.01)?.endedMs).toBe(T0 + 8 * STEP_MS)
  })

  it("goes on where nothing more is known", () => {
    const made = { ...steps("gggg bbbb bbbb .... ...."), untilMs: T0 + 12 * STEP_MS }
    expect(inSteps(spellOf(made, failingErrorRatio), made)).toEqual([4, undefined])
  })
})
