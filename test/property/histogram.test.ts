import * as fc from "fast-check"
import { expect, test } from "vitest"
import { countOf, diff, type Histogram, makeHistogram, merge, observe, quantile } from "#mesh/histogram.ts"

const seconds = fc.double({ min: 0, max: 400, noNaN: true })
const histogram = fc.array(seconds, { maxLength: 50 }).map((values): Histogram => {
  const made = makeHistogram()
  for (const value of values) observe(made, value)
  return made
})

test("merging then taking away gives back what was merged", () => {
  fc.assert(
    fc.property(histogram, histogram, (a, b) => {
      const both = merge(merge(makeHistogram(), a), b)
      expect(countOf(both)).toBe(countOf(a) + countOf(b))
      expect(diff(both, a).counts).toEqual(b.counts)
      expect(diff(both, a).sum).toBeCloseTo(b.sum, 6)
    }),
  )
})

test("quantiles rise with q and lie within the buckets that hold something", () => {
  fc.assert(
    fc.property(histogram, fc.double({ min: 0, max: 1, noNaN: true }), (made, q) => {
      fc.pre(countOf(made) > 0)
      const value = quantile(made, q)
      expect(value).toBeGreaterThanOrEqual(0)
      expect(value).toBeLessThanOrEqual(300)
      expect(quantile(made, 1)).toBeGreaterThanOrEqual(value ?? 0)
    }),
  )
})
