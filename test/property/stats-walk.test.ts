import * as fc from "fast-check"
import { expect, test } from "vitest"
import { seriesName } from "../../agent/decode/stats/layout.ts"
import { LayoutPool } from "../../agent/decode/stats/layout-pool.ts"
import { type PageChange, PageReader } from "../../agent/decode/stats/page-reader.ts"
import { plainParse } from "../fixtures/stats/plain-parse.ts"

/** A page as the walk sees it: which of a set of names stand on it, with which numbers, in Envoy's order or another. */
const name = fc.stringMatching(/^[a-c]{1,3}(\.[a-c_]{1,4}){0,2}$/)
const value = fc.oneof(
  fc.integer({ min: 0, max: 9 }).map(String),
  fc.integer({ min: 0, max: 2_000_000_000 }).map(String),
  fc.constantFrom("nan", "0", "1.5", "13237225503670494420", "123456789012345", "1234567890123456"),
)
const page = fc
  .tuple(fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key, maxLength: 40 }), fc.boolean())
  .map(([lines, sorted]) => (sorted ? lines.toSorted(([a], [b]) => (a < b ? -1 : 1)) : lines))

function rendered(
  format: "raw" | "prometheus",
  lines: readonly (readonly [string, string])[],
  tail: boolean,
): Buffer {
  const texts = lines.map(([key, number]) =>
    format === "raw"
      ? `${key}: ${number}\n`
      : `# TYPE ${key.split(".")[0]} counter\n${key.replaceAll(".", "_")}{c="${key}"} ${number}\n`,
  )
  return Buffer.from(texts.join("") + (tail && format === "raw" ? "z.hist: P0(nan,1) P50(2,2)\n" : ""))
}

function numbers({ layout, values }: PageChange): Map<string, number> {
  return new Map(Array.from(values, (number, line) => [seriesName(layout, line), number] as const))
}

type Page = [[string, string][], boolean, number]
/** A line that is read before names turn out to differ, and again behind them, where it stands on the page. */
const READ_TWICE: Page[] = [
  [
    [
      ["b", "0"],
      ["a.a", "0"],
    ],
    false,
    0,
  ],
  [
    [
      ["a", "1234567890123456"],
      ["b", "1"],
      ["aa", "nan"],
    ],
    false,
    0,
  ],
]

for (const format of ["raw", "prometheus"] as const) {
  test(`${format}: any sequence of pages by any readers of one pool is read as the plain parser reads it`, () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(page, fc.boolean(), fc.nat({ max: 2 })), { minLength: 1, maxLength: 12 }),
        (pages) => {
          const pool = new LayoutPool()
          const readers = [0, 1, 2].map(() => new PageReader(format, pool))
          const last = readers.map(() => new Map<string, number>())
          for (const [lines, tail, index] of pages) {
            const bytes = rendered(format, lines, tail)
            const truth = plainParse(format, bytes)
            const change = readers[index]?.read(bytes)
            bytes.fill(0x39)
            if (change === undefined) return
            expect(numbers(change)).toEqual(truth)
            // What is told as changed is what changed, and nothing that changed is left out.
            const told = new Set(
              Array.from(change.changed.subarray(0, change.changedCount), (line) =>
                seriesName(change.layout, line),
              ),
            )
            const missed = [...truth].filter(
              // Whether a series that begins as nan has changed means nothing.
              ([key, number]) => !Number.isNaN(number) && last[index]?.get(key) !== number && !told.has(key),
            )
            expect(missed).toEqual([])
            // A line that changed its place is told again; in a page with the same names nothing is told in vain.
            const vain = [...told].filter((key) => last[index]?.get(key) === truth.get(key))
            expect(change.how === "walked" ? vain : []).toEqual([])
            last[index] = truth
          }
          for (const reader of readers) reader.close()
          expect([pool.size, pool.ownPages.bytes]).toEqual([0, 0])
        },
      ),
      { numRuns: 400, examples: [[READ_TWICE]] },
    )
  })

  test(`${format}: any bytes are read without a throw, and as a fresh reader reads them`, () => {
    const bytes = fc
      .array(
        fc.constantFrom("a: 1\n", "b{} 2\n", "\n", "#x\n", ": ", '"', "a", "7", " ", "(1)\n", "\u0000", "\r"),
        {
          maxLength: 30,
        },
      )
      .map((parts) => Buffer.from(parts.join(""), "latin1"))
    fc.assert(
      fc.property(fc.array(bytes, { minLength: 2, maxLength: 5 }), (pages) => {
        const reader = new PageReader(format, new LayoutPool())
        for (const one of pages) {
          const read = numbers(reader.read(one))
          expect(read).toEqual(numbers(new PageReader(format, new LayoutPool()).read(one)))
        }
      }),
      { numRuns: 500 },
    )
  })
}
