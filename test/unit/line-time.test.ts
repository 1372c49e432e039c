import * as fc from "fast-check"
import { expect, test } from "vitest"
import { startTimeMs, writeTime } from "../../agent/publish/lines/line-time.ts"

const read = (text: string): number => {
  const bytes = Buffer.from(`[${text}]`)
  return startTimeMs(bytes, 1, bytes.length - 1)
}
const written = (ms: number): string => {
  const out = Buffer.alloc(30)
  return out.toString("latin1", 0, writeTime(out, 0, ms))
}
const anyTime = fc.date({ min: new Date(0), max: new Date("9999-12-31T23:59:59.999Z"), noInvalidDate: true })

test("times are written and read as Date does", () => {
  fc.assert(
    fc.property(anyTime, (date) => {
      expect(written(date.getTime())).toBe(date.toISOString())
      expect(read(date.toISOString())).toBe(date.getTime())
    }),
    { numRuns: 2000 },
  )
})

test.each([
  ["2026-11-20T15:53:52.113Z", "2026-11-20T15:53:52.113Z"],
  ["2026-11-20T15:53:52Z", "2026-11-20T15:53:52.000Z"],
  ["2026-11-20T15:53:52.113456789Z", "2026-11-20T15:53:52.113Z"],
  ["2026-11-20 15:53:52.1", "2026-11-20T15:53:52.100Z"],
  ["2026-11-20T15:53:52+02:00", "2026-11-20T13:53:52.000Z"],
  ["2026-11-20T15:53:52.5-0130", "2026-11-20T17:23:52.500Z"],
  ["1795276432", "2026-11-21T15:53:52.000Z"],
  ["1795276432.25", "2026-11-21T15:53:52.250Z"],
  ["1795276432250", "2026-11-21T15:53:52.250Z"],
  ["1795276432250999", "2026-11-21T15:53:52.250Z"],
])("%s", (text, iso) => {
  expect(new Date(read(text)).toISOString()).toBe(iso)
})

test.each([
  "",
  "-",
  "now",
  "2026-13-20T15:53:52Z",
  "2026-02-32T15:53:52Z",
  "2026-11-20T25:53:52Z",
  "2026-11-20T15:53:52.113X",
  "2026-11-20T15:53:52 +1",
  "2026-11-20T1x:53:52Z",
  "20261120155352",
  "1795276432.",
  "1795276432.1x",
  "9".repeat(400),
])("%s is no time", (text) => {
  expect(read(text)).toBeNaN()
})
