import { describe, expect, it } from "vitest"
import { roundTop } from "../../collector/page/chart.ts"
import { millis, percent, rate, span, wrapped } from "../../collector/page/words.ts"

describe("numbers on the page", () => {
  it.each([
    [0, "0.0"],
    [0.01, "< 0.1"],
    [0.05, "0.1"],
    [1234.56, "1,234.6"],
    [null, undefined],
  ])("a rate of %s reads %s", (value, text) => {
    expect(rate(value)).toBe(text)
  })
  it.each([
    [0, "0.00"],
    [0.00001, "< 0.01"],
    [0.1482, "14.82"],
    [1, "100.00"],
    [null, undefined],
  ])("a ratio of %s reads %s", (value, text) => {
    expect(percent(value)).toBe(text)
  })
  it.each([
    [0.4, "< 1"],
    [131.4, "131"],
    [1980, "1,980"],
    [null, undefined],
  ])("%s ms reads %s", (value, text) => {
    expect(millis(value)).toBe(text)
  })
  it("says lengths of time in the largest unit that tells enough", () => {
    expect([42, 540, 10_800, 1_036_800].map(span)).toEqual(["42 s", "9 min", "3 h", "12 d"])
  })
  it("wraps names without changing them, and escapes what a pod may have named", async () => {
    expect((await wrapped("yelb-ui.<b>")).toString()).toBe("yelb-<wbr>ui.<wbr>&lt;b&gt;")
  })
  it.each([
    [0, 1],
    [0.3, 0.5],
    [7, 10],
    [14.8, 20],
    [100, 100],
    [101, 200],
  ])("the axis above %s ends at %s", (value, top) => {
    expect(roundTop(value)).toBeCloseTo(top)
  })
})
