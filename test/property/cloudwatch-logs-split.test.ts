import * as fc from "fast-check"
import { expect, test } from "vitest"
import { splitLogEvents } from "../../agent/publish/cloudwatch-logs/split.ts"
import type { QueueRecord } from "../../agent/publish/contract.ts"

/** The limits once more, from the documentation of PutLogEvents, so that a slip in ours shows. */
const BYTES = 1_048_576
const OVERHEAD = 26
const EVENTS = 10_000
const HOUR = 3_600_000
const DAY = 24 * HOUR
const NOW = Date.UTC(2026, 10, 21)

const record = (key: string, timeMs: number, payload: Uint8Array): QueueRecord => ({
  key,
  timeMs,
  count: 1,
  payload,
})
const big = Buffer.alloc(BYTES + 10, 0x61)
const sized = (length: number): Uint8Array => big.subarray(0, length)

const aRecord = fc
  .record({
    key: fc.constantFrom("/a", "/b", "__proto__"),
    age: fc.oneof(
      { weight: 5, arbitrary: fc.integer({ min: -2 * HOUR, max: 2 * DAY }) },
      { weight: 3, arbitrary: fc.integer({ min: 0, max: 20 }) },
      fc.integer({ min: -5 * HOUR, max: 20 * DAY }),
      fc.constantFrom(
        14 * DAY,
        14 * DAY + 1,
        -2 * HOUR,
        -2 * HOUR - 1,
        DAY,
        DAY - 1,
        NOW + 1,
        0.5,
        Number.NaN,
      ),
    ),
    payload: fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 0, max: 500_000 }).map(sized) },
      fc.constantFrom(
        sized(BYTES - OVERHEAD),
        sized(BYTES - OVERHEAD + 1),
        sized(1),
        Buffer.from([0xff]),
        Buffer.from("é"),
      ),
    ),
  })
  .map(({ key, age, payload }) => record(key, NOW - age, payload))

function wanted({ timeMs, payload }: QueueRecord): string | undefined {
  if (payload.length === 0 || payload[0] === 0xff || !Number.isInteger(timeMs) || timeMs < 0) return "invalid"
  if (payload.length + OVERHEAD > BYTES) return "too_large"
  if (timeMs < NOW - 14 * DAY) return "too_old"
  return timeMs > NOW + 2 * HOUR ? "too_new" : undefined
}

test("every record is in one request or refused for what it is, and every request is within every limit", () => {
  fc.assert(
    fc.property(fc.array(aRecord, { maxLength: 60 }), (records) => {
      const { requests, refused } = splitLogEvents(records, NOW)
      const sent = requests.flatMap((request) => request.records)
      expect([...sent, ...refused.keys()].toSorted((a, b) => a - b)).toEqual([...records.keys()])
      expect(records.map((one, index) => refused.get(index) ?? wanted(one))).toEqual(records.map(wanted))
      for (const { records: indexes, body } of requests) {
        const those = indexes.flatMap((index) => records[index] ?? [])
        expect(body.events.map(({ timeMs }) => timeMs)).toEqual(those.map(({ timeMs }) => timeMs))
        expect(body.events.every(({ message }, at) => message === those[at]?.payload)).toBe(true)
        expect(new Set(those.map(({ key }) => key))).toEqual(new Set([body.group]))
        expect(those.length).toBeGreaterThan(0)
        expect(those.length).toBeLessThanOrEqual(EVENTS)
        expect(those.reduce((sum, { payload }) => sum + payload.length + OVERHEAD, 0)).toBeLessThanOrEqual(
          BYTES,
        )
        const times = those.map(({ timeMs }) => timeMs)
        expect(times).toEqual(times.toSorted((a, b) => a - b))
        expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeLessThan(DAY)
      }
    }),
    { numRuns: 300 },
  )
})

test("events of one time stay in order, and a group's requests are in order of time", () => {
  const timed = fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 600_000 })))
  fc.assert(
    fc.property(timed, (events) => {
      const records = events.map(([at, length]) => record("/a", NOW - at * DAY, sized(length)))
      const order = splitLogEvents(records, NOW).requests.flatMap((request) => request.records)
      const stable = [...records.keys()].toSorted(
        (a, b) => (records[a]?.timeMs ?? 0) - (records[b]?.timeMs ?? 0),
      )
      expect(order).toEqual(stable)
    }),
  )
})

test("no request could take the next one's first event as well", () => {
  fc.assert(
    fc.property(fc.array(aRecord, { maxLength: 60 }), (records) => {
      const { requests } = splitLogEvents(records, NOW)
      for (const [at, { body }] of requests.entries()) {
        const next = requests[at + 1]?.body
        if (next?.group !== body.group) continue
        const bytes = [...body.events, ...next.events.slice(0, 1)].reduce(
          (sum, { message }) => sum + message.length + OVERHEAD,
          0,
        )
        const spanMs = (next.events[0]?.timeMs ?? 0) - (body.events[0]?.timeMs ?? 0)
        expect(bytes > BYTES || spanMs >= DAY).toBe(true)
      }
    }),
    { numRuns: 200 },
  )
})

test.each([
  [10_000, 1],
  [10_001, 2],
  [25_000, 3],
])("%i small events take %i requests", (count, requests) => {
  const records = Array.from({ length: count }, (_, index) => record("/a", NOW - index, sized(1)))
  expect(splitLogEvents(records, NOW).requests).toHaveLength(requests)
})

test("nothing makes nothing", () => {
  expect(splitLogEvents([], NOW)).toEqual({ requests: [], refused: new Map() })
})
