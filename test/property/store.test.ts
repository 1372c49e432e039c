import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import { METRICS } from "#mesh/catalogue.ts"
import { EmbeddedStore } from "../../collector/store/embedded-store.ts"
import { openSqliteJournal } from "../../collector/store/sqlite-journal.ts"
import { finishBlob, isBlob, makeBlobWriter, putEntry, readBlob } from "../../collector/store/tick-blob.ts"

const STEP = 15_000
const T0 = 1_790_000_000_000 - (1_790_000_000_000 % 3_600_000)

const operation = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("add" as const),
      series: fc.nat(4),
      amount: fc.nat(100_000),
      back: fc.nat(40),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("pass" as const), steps: fc.integer({ min: 1, max: 30 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const) }) },
)

describe("the embedded store against a list of everything that was written", () => {
  test("sums are exact over steps, spreading and restarts", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 60 }), async (operations) => {
        const folder = mkdtempSync(join(tmpdir(), "store-model-"))
        const open = (at: number): EmbeddedStore =>
          new EmbeddedStore(
            { stepMs: STEP, maxSeries: 10 },
            openSqliteJournal(folder, () => undefined),
            at,
          )
        let now = T0
        let store = open(now)
        const sums = new Map<string, number>()
        for (const step of operations) {
          if (step.kind === "add") {
            const route = `r${step.series}`
            const ref = store.series(METRICS.requests, new Map([["route", route]]))
            store.add(ref, step.amount, now, now - step.back * STEP)
            sums.set(route, (sums.get(route) ?? 0) + step.amount)
          } else if (step.kind === "pass") {
            now += step.steps * STEP
            store.advance(now)
          } else {
            store.close()
            store = open(now)
          }
        }
        store.advance(now + 2 * STEP)
        const answer = await store.query({
          metric: METRICS.requests,
          by: ["route"],
          fromMs: T0 - 7_200_000,
          toMs: store.endMs,
        })
        const found = Object.fromEntries(answer.groups.map((group) => [group.labels[0], group.values[0]]))
        store.close()
        rmSync(folder, { recursive: true })
        expect(found).toEqual(Object.fromEntries(sums))
      }),
      { numRuns: 60 },
    )
  })

  test("a blob gives back what went in, and no other bytes pass for one", () => {
    const entry = fc.tuple(fc.integer({ min: 1, max: 2 ** 33 }), fc.double({ min: 0, noNaN: true }))
    fc.assert(
      fc.property(
        fc.array(entry, { minLength: 1, maxLength: 50 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (entries, at, flip) => {
          const writer = makeBlobWriter()
          let cell = 0
          const wanted = entries.map(([gap, value]) => [(cell += gap), value] as const)
          for (const [number, value] of wanted) putEntry(writer, number, value)
          const blob = finishBlob(writer) ?? new Uint8Array()
          const found: (readonly [number, number])[] = []
          readBlob(blob, (number, value) => found.push([number, value]))
          expect(found).toEqual(wanted)
          expect(isBlob(blob)).toBe(true)
          const damaged = Uint8Array.from(blob)
          damaged[at % blob.length] = (damaged[at % blob.length] ?? 0) ^ flip
          expect(isBlob(damaged)).toBe(false)
          expect(isBlob(blob.subarray(0, at % blob.length))).toBe(false)
        },
      ),
    )
  })
})
