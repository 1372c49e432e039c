import { describe, expect, it } from "vitest"
import { knownRates } from "../../collector/view/known-rate.ts"
import type { Reading } from "../../collector/view/reading.ts"

const STEP_MS = 15_000
const NODES: Reading["nodes"] = { fromMs: 0, toMs: 0, stepMs: STEP_MS, steps: 0, width: 1, groups: [] }
const MINUTES = { fromMs: 600_000, stepMs: 60_000 }

describe("a rate over one minute", () => {
  it.each([
    ["before anything was known is not known", 660_000, 0, 0, null],
    ["holds what was told of the time before", 660_000, 0, 30, 0.5],
    ["is over the known part, where that began in it", 645_000, 0, 30, 2],
    ["counts whole steps of the store", 650_000, 0, 30, 2],
    ["is over the whole minute after that", 645_000, 1, 30, 0.5],
    ["is zero where it is known that nobody asked", 600_000, 0, 0, 0],
  ])("%s", (_, knownFromMs, minute, count, wanted) => {
    expect(knownRates(MINUTES, { knownFromMs, nodes: NODES })(count, minute)).toBe(wanted)
  })
})
