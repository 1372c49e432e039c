import * as fc from "fast-check"
import { expect, test } from "vitest"
import { splitEvents } from "../../agent/publish/splunk/hec-split.ts"

const record = fc.integer({ min: 1, max: 120 }).map((bytes) => ({
  key: "",
  timeMs: 1,
  count: 1,
  payload: Buffer.from(`${"x".repeat(bytes - 1)};`),
}))

test("each event is in one request or refused, in order, within the limit, in as few requests as that allows", () => {
  fc.assert(
    fc.property(fc.array(record, { maxLength: 60 }), fc.integer({ min: 1, max: 200 }), (records, most) => {
      const { requests, refused } = splitEvents(records, most)
      const placed = requests.flatMap((request) => request.records)
      const small = records.flatMap(({ payload }, index) => (payload.length > most ? [] : [index]))
      expect(placed).toEqual(small)
      expect([...refused.keys()]).toEqual(
        records.map((_, index) => index).filter((index) => !small.includes(index)),
      )
      for (const [at, { records: own, body }] of requests.entries()) {
        expect(body.text.length).toBeLessThanOrEqual(most)
        expect(body.events).toBe(own.length)
        const parts = own.map((index) => records[index]?.payload.toString())
        expect(Buffer.from(body.text).toString()).toBe(parts.join("\n"))
        const next = records[requests[at + 1]?.records[0] ?? -1]?.payload.length ?? Infinity
        expect(body.text.length + 1 + next).toBeGreaterThan(most)
      }
    }),
  )
})
