import * as fc from "fast-check"
import { expect, test } from "vitest"
import { PushedSums } from "../../agent/decode/dogstatsd/pushed-sums.ts"
import { parseFull } from "../../agent/decode/stats/full-parse.ts"
import { seriesName } from "../../agent/decode/stats/layout.ts"

const room = (mostSeries: number) => ({ mostSeries, take: () => true, give: () => undefined })

const word = fc.stringMatching(/^[a-z][a-z0-9_]{0,5}$/)
const step = fc.record({
  name: word,
  tag: fc.option(fc.tuple(word, fc.stringMatching(/^[ -+.-~]{0,6}$/)), { nil: undefined }),
  value: fc.nat({ max: 1e9 }),
  /** Ends a datagram, or an agent. */
  end: fc.constantFrom("", "", "datagram", "restart"),
})

const escaped = (text: string): string => text.replace(/["\\]/g, "\\$&")

function numbersOf(sums: PushedSums): Map<string, number> {
  const { layout, values } = parseFull("prometheus", sums.page(1, 0))
  return new Map(
    Array.from(values, (value, line) => [seriesName(layout, line).trimEnd(), value] as const).filter(
      ([name]) => name !== "envoy_pushed_age",
    ),
  )
}

function restarted(names: Uint8Array, sums: PushedSums): PushedSums {
  const next = new PushedSums(room(1000))
  if (!next.restore(names, sums.values(), 0)) throw new Error("what was kept does not fit together")
  return next
}

test("differences add up to the same page however they are cut into datagrams and lives of the agent", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let sums = new PushedSums(room(1000))
      let names: Uint8Array = Buffer.from("1")
      const expected = new Map<string, number>()
      const faults: string[] = []
      let lines: string[] = []
      const send = (): void => {
        sums.take(Buffer.from(lines.join("\n"), "latin1"), 0, (fault) => faults.push(fault))
        lines = []
      }
      for (const { name, tag, value, end } of steps) {
        lines.push(`envoy.${name}:${value}|c${tag === undefined ? "" : `|#${tag.join(":")}`}`)
        const printed = `envoy_${name}${tag === undefined ? "" : `{${tag[0]}="${escaped(tag[1])}"}`}`
        expected.set(printed, (expected.get(printed) ?? 0) + value)
        if (end !== "") send()
        if (end === "restart") {
          names = sums.names() ?? names
          sums = restarted(names, sums)
        }
      }
      send()
      expect(faults).toEqual([])
      expect(numbersOf(sums)).toEqual(expected)
    }),
  )
})

test("whatever bytes come, nothing is thrown, and no more series are kept than may be", () => {
  const piece = fc.oneof(
    fc.constantFrom("envoy.", ":", "|", "c", "ms", "g", "#", "@", ",", "\n", "1", "-", "_time", "le"),
    fc.string({ maxLength: 8 }),
  )
  fc.assert(
    fc.property(fc.array(fc.array(piece, { maxLength: 30 }), { maxLength: 20 }), (datagrams) => {
      const sums = new PushedSums(room(3))
      for (const one of datagrams) sums.take(Buffer.from(one.join("")), 0, () => undefined)
      expect(sums.size).toBeLessThanOrEqual(3)
      for (const value of numbersOf(sums).values()) expect(value).toBeGreaterThanOrEqual(0)
    }),
  )
})
