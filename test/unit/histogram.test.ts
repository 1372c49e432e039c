import { expect, test } from "vitest"
import { DURATION_BOUNDS } from "#mesh/catalogue.ts"
import {
  bucketOf,
  countOf,
  diff,
  makeHistogram,
  merge,
  observe,
  quantile,
  quantileOf,
} from "#mesh/histogram.ts"

test.each([
  [0, 0],
  [-1, 0],
  [0.0005, 0],
  [0.00050001, 1],
  [0.25, 7],
  [0.3, 8],
  [300, 15],
  [300.1, 16],
  [Infinity, 16],
  [Number.NaN, 16],
])("%d s falls into bucket %d: bounds are inclusive", (seconds, bucket) => {
  expect(bucketOf(seconds)).toBe(bucket)
})

test("quantiles interpolate inside a bucket and are honest at the edges", () => {
  const histogram = makeHistogram([1, 2, 4])
  expect(quantile(histogram, 0.5)).toBeUndefined()
  observe(histogram, 1.5, 4)
  expect(quantile(histogram, 0.5)).toBe(1.5)
  expect(quantile(histogram, 1)).toBe(2)
  expect(quantile(histogram, 0)).toBe(1)
  observe(histogram, 0.1, 4)
  expect(quantile(histogram, 0.25)).toBe(0.5)
  observe(histogram, 99, 8)
  expect(quantile(histogram, 0.99)).toBe(4)
  expect(quantile(histogram, -0.1)).toBeUndefined()
  expect(quantile(histogram, 1.1)).toBeUndefined()
  expect(quantile(histogram, Number.NaN)).toBeUndefined()
})

test("counts in the middle of an array have quantiles too", () => {
  const cells = new Float64Array(40)
  cells[20 + 8] = 2
  expect(quantileOf(cells, 20, 0.5)).toBe(0.375)
  expect(quantileOf(cells, 0, 0.5, DURATION_BOUNDS.slice(0, 3))).toBeUndefined()
})

test("a bucket that fell is a new beginning", () => {
  const earlier = makeHistogram()
  observe(earlier, 1, 5)
  const later = makeHistogram()
  observe(later, 1, 2)
  expect(countOf(diff(later, earlier))).toBe(2)
  expect(diff(later, earlier).sum).toBe(2)
})

test("other bounds cannot be combined, and NaN is no observation", () => {
  expect(() => merge(makeHistogram([1]), makeHistogram([2]))).toThrow(RangeError)
  expect(() => diff(makeHistogram([1]), makeHistogram([1, 2]))).toThrow(RangeError)
  const histogram = makeHistogram()
  observe(histogram, Number.NaN)
  expect(countOf(histogram)).toBe(0)
})
