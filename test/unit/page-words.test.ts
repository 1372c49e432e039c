import { describe, expect, it } from "vitest"
import { roundTop } from "../../collector/page/chart.ts"
import { knownBefore, knownOnly, withoutEnd } from "../../collector/page/known.ts"
import { joinedNames } from "../../collector/page/map/box-words.ts"
import { area, line } from "../../collector/page/pen.ts"
import { millis, moment, percent, rate, span, wrapped } from "../../collector/page/words.ts"

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
  it.each([
    ["2026-11-21T10:42:07Z", "10:42"],
    ["2026-11-20T10:42:07Z", "2026-11-20 10:42"],
    [null, "–"],
  ])("what was at %s is told as %s on the 21st", (at, text) => {
    expect(moment(at, "2026-11-21T16:00:00Z")).toBe(text)
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

describe("lines", () => {
  it("lift the pen at gaps and show a minute that stands alone", () => {
    expect(line([[0, 1], [1, 2], null, [3, 4], null], 3)).toBe("M0.0 1.0L1.0 2.0M3.0 4.0h-3")
    expect(area([[0, 1], [1, 2], null, [3, 4]], 9)).toBe("M0.0 9L0.0 1.0L1.0 2.0L1.0 9Z")
    expect(line([], 3)).toBe("")
  })
  it("begin where data begins, and end with the last that anybody saw", () => {
    const axis = { startAt: "2026-11-01T10:00:00Z", stepSeconds: 60 }
    expect(knownOnly([0, 0, 5, 0], axis, "2026-11-01T10:01:30Z")).toEqual([null, 0, 5, 0])
    expect(knownOnly([0, 0], axis, null)).toEqual([null, null])
    expect(withoutEnd([0, 5, 0, 0])).toEqual([0, 5, null, null])
    expect(withoutEnd([0, 0])).toEqual([null, null])
  })
  it.each([
    [null, 0],
    ["2026-11-01T09:57:00Z", 0],
    ["2026-11-01T09:45:00Z", 600],
    ["2026-11-01T01:00:00Z", 3600],
  ])("of the hour before a window, with data from %s, %d s are known", (from, seconds) => {
    expect(knownBefore("2026-11-01T10:00:00Z", 300, from)).toBe(seconds)
  })
})

describe("names of callers", () => {
  it("tell by what they add, so that versions stay short and apart", () => {
    expect(joinedNames(["app", "app-v2"])).toBe("app and -v2")
    expect(joinedNames(["app", "app-v2", "ui"])).toBe("app, -v2 and ui")
    expect(joinedNames(["app", "apple"])).toBe("app and apple")
    expect(joinedNames([])).toBe("")
  })
})
