import { describe, expect, it } from "vitest"
import { DURATION_BOUNDS } from "#mesh/catalogue.ts"
import { BUCKETS, HISTOGRAM_WIDTH } from "../../collector/store/cells.ts"
import { quantileSteps } from "../../collector/view/numbers.ts"
import { quantileMs } from "../../collector/view/quantile.ts"

const buckets = (counts: Readonly<Record<number, number>>): Float64Array => {
  const made = new Float64Array(HISTOGRAM_WIDTH)
  for (const [bound, count] of Object.entries(counts)) {
    const index = DURATION_BOUNDS.findIndex((each) => each === Number(bound))
    made[index < 0 ? BUCKETS - 1 : index] = count
  }
  return made
}

describe("quantiles of bucketed durations", () => {
  it.each([
    [{}, 0.5, null],
    [{ 0.01: 100 }, 0.5, 7.5], // Straight between 5 and 10 ms.
    [{ 0.01: 100 }, 0.99, 9.95],
    [{ 0.0005: 10 }, 0.5, 0.25],
    [{ 0.005: 50, 0.05: 50 }, 0.5, 5],
    [{ 0.005: 50, 0.05: 50 }, 0.75, 37.5],
    [{ 0.005: 1, 0.05: 99 }, 0.005, 3],
    [{ 999: 5 }, 0.5, 300_000], // Above all bounds: at least that.
    [{ 0.01: 99, 999: 1 }, 0.999, 300_000],
  ] as const)("%j at %d is %d ms", (counts, quantile, ms) => {
    expect(quantileMs(buckets(counts), quantile)).toBe(ms)
  })

  it("come one per step, and none where nothing was measured", () => {
    const steps = new Float64Array([...buckets({ 0.01: 4 }), ...buckets({}), ...buckets({ 0.1: 2 })])
    expect(quantileSteps(steps, 3, 0.5)).toEqual([7.5, null, 75])
    expect(quantileSteps(undefined, 2, 0.5)).toEqual([null, null])
  })
})
