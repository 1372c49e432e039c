import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as fc from "fast-check"
import { expect, test } from "vitest"
import type { Ledger } from "../../agent/account/contract.ts"
import { openLedger } from "../../agent/account/ledger.ts"
import { type Exposition, makeExposition } from "../../agent/publish/prometheus/exposition.ts"
import { makeScrapers, type Reader, type Scrapers } from "../../agent/publish/prometheus/scrapers.ts"
import type { Format } from "../../agent/publish/prometheus/text.ts"
import { manualClock } from "../fixtures/ledger/manual-clock.ts"

/** Readers of one agent, whatever it and they do: no value ever falls, and nobody misses what happened before its eyes. */
const REGULARS = ["p", "q", "r"]
const HOUR = 3_600_000

const route = fc.constantFrom("a", "b", "c", "d")
const reader = fc.constantFrom(...REGULARS)
const format = fc.constantFrom<Format>("text", "openmetrics")
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("add" as const), route, amount: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("observe" as const), route, amount: fc.nat(90) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("retire" as const), route }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("commit" as const) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("scrape" as const),
      reader,
      format,
      ends: fc.constantFrom("whole", "whole", "lost", "later"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("end" as const), whole: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("crowd" as const), size: fc.constantFrom(2, 30, 32) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("silence" as const) }) },
)

/** One agent over several lives, and what each reader saw. */
class World {
  readonly folder = mkdtempSync(join(tmpdir(), "meshscope-property-"))
  ledger: Ledger
  #scrapers: Scrapers
  #pages: Record<Format, Exposition>
  #nowMs = 0
  #visitors = 0
  /** Answers under way, which may still arrive. */
  readonly #open: { readonly reader: Reader; readonly generation: number }[] = []
  /** Last value by reader and line of a series; each life of a series is another one. */
  readonly #last = new Map<string, number>()
  readonly wrong: string[] = []

  constructor() {
    this.ledger = openLedger({ folder: this.folder, clock: manualClock() })
    this.#scrapers = makeScrapers(() => this.#nowMs)
    this.#pages = this.#expositions()
  }

  #expositions(): Record<Format, Exposition> {
    const { snapshot } = this.ledger
    return { text: makeExposition(snapshot, "text"), openmetrics: makeExposition(snapshot, "openmetrics") }
  }

  restart(): void {
    this.ledger.close()
    this.ledger = openLedger({ folder: this.folder, clock: manualClock() })
    this.#scrapers = makeScrapers(() => this.#nowMs)
    this.#pages = this.#expositions()
    this.#open.length = 0
  }

  silence(): void {
    this.#nowMs += HOUR + 1
  }

  end(whole: boolean): void {
    const answer = this.#open.shift()
    if (answer !== undefined && whole) answer.reader.got(answer.generation)
  }

  /** Scrapers that come once and take the places that are left. */
  crowd(size: number): void {
    const { generation } = this.ledger.snapshot
    for (let at = 0; at < size; at++) {
      const visitor = this.#reader(`visitor-${this.#visitors++}`)
      visitor.knows(generation)
      visitor.got(generation)
    }
  }

  #reader(name: string): Reader {
    return this.#scrapers.reader({
      headers: { "x-prometheus-scrape-timeout-seconds": "1", "user-agent": name },
      socket: { remoteAddress: "127.0.0.1" },
    })
  }

  /** What was written counts as seen, whether the answer arrived or not. Answers what was shown. */
  async scrape(name: string, as: Format, ends: string): Promise<Map<string, number>> {
    const asked = this.#reader(name)
    const page = await this.#pages[as].page((newest) => asked.knows(newest))
    const shown = this.#named(linesOf(Buffer.concat(page.parts).toString()))
    page.release()
    for (const [line, value] of shown) {
      const key = `${name} ${line}`
      const before = this.#last.get(key) ?? 0
      if (value < before) this.wrong.push(`${key}: ${before}, then ${value}`)
      this.#last.set(key, value)
    }
    if (ends === "whole") asked.got(page.generation)
    if (ends === "later") this.#open.push({ reader: asked, generation: page.generation })
    return shown
  }

  /** What is true now, as a reader that never was here sees it. */
  async truth(): Promise<Map<string, number>> {
    const page = await makeExposition(this.ledger.snapshot, "text").page()
    return this.#named(linesOf(Buffer.concat(page.parts).toString()))
  }

  /** By series and its birth, so that one that was retired and came back is another. */
  #named(lines: Map<string, number>): Map<string, number> {
    const births = this.ledger.snapshot.families.flatMap(({ metric, series }) =>
      series.map(({ labels, born }) => [`${metric.name} ${labels.at(-1)?.[1] ?? ""}`, born] as const),
    )
    const born = new Map(births)
    return new Map(
      [...lines].map(([line, value]) => {
        const [, name = "", of = ""] = /^(\w+?)(?:_bucket|_sum|_count)?\{route="(\w)"/.exec(line) ?? []
        return [`${line} born ${born.get(`${name} ${of}`)}`, value]
      }),
    )
  }

  close(): void {
    this.ledger.close()
    rmSync(this.folder, { recursive: true })
  }
}

function linesOf(text: string): Map<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"))
  return new Map(
    lines.map((line) => {
      const [sample = ""] = line.split(" # ")
      const space = sample.lastIndexOf(" ")
      return [sample.slice(0, space).replace(/(le="\d+)\.0"/, '$1"'), Number(sample.slice(space + 1))]
    }),
  )
}

function count(ledger: Ledger, one: { do: "add" | "observe"; route: string; amount: number }): void {
  if (one.do === "add") ledger.add(ledger.slot("requests", { route: one.route }), one.amount)
  else {
    const slot = ledger.slot("duration", { route: one.route })
    ledger.observe(slot, one.amount)
    ledger.exemplify(slot, "ab".repeat(16), one.amount)
  }
}

test("what a scraper was shown never falls, whatever happens to answers, places, series and the agent", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
      const world = new World()
      try {
        for (const one of steps) {
          const { ledger } = world
          if (one.do === "add" || one.do === "observe") count(ledger, one)
          else if (one.do === "retire") ledger.retire(ledger.slot("requests", { route: one.route }))
          else if (one.do === "commit") ledger.commit()
          else if (one.do === "scrape") await world.scrape(one.reader, one.format, one.ends)
          else if (one.do === "end") world.end(one.whole)
          else if (one.do === "restart") world.restart()
          else if (one.do === "crowd") world.crowd(one.size)
          else world.silence()
        }
        expect(world.wrong).toEqual([])
      } finally {
        world.close()
      }
    }),
    { numRuns: 80 },
  )
})

const calm = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("add" as const), route, amount: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("observe" as const), route, amount: fc.nat(90) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("commit" as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("scrape" as const),
      reader,
      format,
      ends: fc.constantFrom("whole", "whole", "lost"),
    }),
  },
)

test("last less first is the truth for every series that was born after a scraper's first answer", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(calm, { maxLength: 80 }), async (steps) => {
      const world = new World()
      const first = new Map<string, Map<string, number>>(REGULARS.map((name) => [name, new Map()]))
      const old = new Map<string, ReadonlySet<string>>()
      try {
        for (const one of steps) {
          if (one.do === "add" || one.do === "observe") count(world.ledger, one)
          else if (one.do === "commit") world.ledger.commit()
          else {
            const shown = await world.scrape(one.reader, one.format, one.ends)
            if (!old.has(one.reader)) old.set(one.reader, new Set(shown.keys()))
            if (one.ends !== "whole") continue
            const seen = first.get(one.reader)
            for (const [line, value] of shown) if (seen?.has(line) === false) seen.set(line, value)
          }
        }
        world.ledger.commit()
        const truth = await world.truth()
        for (const name of old.keys()) {
          // The first of these may show what was born since; only the second shows its value.
          for (const round of [1, 2]) {
            const shown = await world.scrape(name, "text", "whole")
            const seen = first.get(name)
            for (const [line, value] of shown) if (seen?.has(line) === false) seen.set(line, value)
            if (round === 1) continue
            expect(shown).toEqual(truth)
            const told = [...shown].filter(([line]) => old.get(name)?.has(line) === false)
            expect(told.map(([line, value]) => [line, value - (seen?.get(line) ?? NaN)])).toEqual(
              told.map(([line]) => [line, truth.get(line)]),
            )
          }
        }
        expect(world.wrong).toEqual([])
      } finally {
        world.close()
      }
    }),
    { numRuns: 80 },
  )
})
