import { copyFileSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { openLedger } from "../../agent/account/ledger.ts"
import { exposed, exposedValues } from "../fixtures/ledger/exposed.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"
import { manualClock } from "../fixtures/ledger/manual-clock.ts"

const REQUEST = { mesh: "yelb", reporter: "source", route: "r1", outcome: "ok" }

function opened(
  options: { folder?: string; maxSeries?: number; bootId?: string; common?: Record<string, string> } = {},
) {
  const clock = manualClock()
  const notes: string[] = []
  const folder = options.folder ?? temporaryFolder()
  const ledger = openLedger({ ...options, folder, clock, note: (code) => notes.push(code) })
  return { ledger, clock, folder, notes }
}

test("exposes nothing before the commit, and what was counted after it", () => {
  const { ledger, clock } = opened({ common: { cluster: "eu-1" } })
  const slot = ledger.slot("requests", REQUEST)
  ledger.add(slot, 3)
  expect(exposed(ledger.snapshot)).toEqual({})
  const startMs = clock.now()
  clock.advance(5000)
  ledger.commit()
  expect(exposed(ledger.snapshot)).toEqual({
    "mesh_requests_total{mesh=yelb,cluster=eu-1,reporter=source,route=r1,outcome=ok}": { value: 3, startMs },
  })
  expect(ledger.snapshot).toMatchObject({ generation: 1, timeMs: clock.now() })
  ledger.add(slot, 2)
  expect(ledger.snapshot.values[slot]).toBe(3)
  ledger.commit()
  expect(ledger.snapshot.values[slot]).toBe(5)
  expect(ledger.snapshot.changed[slot]).toBe(2)
  ledger.close()
})

test("the same labels are the same series, whatever their order and empty ones", () => {
  const { ledger } = opened()
  const slot = ledger.slot("requests", { route: "r", mesh: "m", source: "" })
  expect(ledger.slot("requests", { mesh: "m", route: "r" })).toBe(slot)
  expect(ledger.slot("requests", { mesh: "m", route: "R" })).not.toBe(slot)
  expect(() => ledger.slot("requests", { mesh: "m", colour: "red" })).toThrow(/no label/)
  ledger.close()
})

test("refuses amounts that no counter can take, and counts them", () => {
  const { ledger } = opened()
  const counter = ledger.slot("requests", REQUEST)
  const gauge = ledger.slot("activeRequests", { virtual_node: "n" })
  const histogram = ledger.slot("duration", { route: "r" })
  for (const bad of [-1, Number.NaN, Infinity, -Infinity]) ledger.add(counter, bad)
  ledger.set(counter, 5)
  ledger.set(counter, 4)
  ledger.observe(histogram, -1)
  ledger.observe(histogram, Number.NaN)
  ledger.set(gauge, 5)
  ledger.add(gauge, -2)
  ledger.set(gauge, Number.NaN)
  ledger.commit()
  expect(ledger.snapshot.values[counter]).toBe(5)
  expect(ledger.snapshot.values[gauge]).toBe(3)
  expect(ledger.snapshot.values[histogram]).toBe(0)
  expect(ledger.counters.badAmounts).toBe(8)
  ledger.close()
})

test("takes up exact values after a restart, with their start times; gauges are not kept", () => {
  const { ledger, clock, folder } = opened()
  const counter = ledger.slot("requestBytes", { mesh: "m", route: "r" })
  ledger.add(counter, 0.1)
  ledger.add(counter, 0.2)
  ledger.add(ledger.slot("requests", REQUEST), 2 ** 53 - 1)
  const histogram = ledger.slot("duration", { mesh: "m", route: "r" })
  ledger.observe(histogram, 0.0301, 3)
  ledger.observe(histogram, 1e9)
  ledger.set(ledger.slot("activeRequests", { virtual_node: "n" }), 7)
  ledger.commit()
  const before = exposed(ledger.snapshot)
  ledger.add(counter, 5)
  // No close: as if killed. What came after the commit is not there.
  const killed = readState(folder, ledger)
  expect(killed).toEqual(
    Object.fromEntries(Object.entries(before).filter(([name]) => !name.startsWith("mesh_active"))),
  )
  clock.advance(1)
})

/** What another process would read: a copy of the files as they are now. */
function readState(folder: string, running: { close(): void }): unknown {
  const copy = temporaryFolder()
  for (const name of readdirSync(folder)) copyFileSync(join(folder, name), join(copy, name))
  running.close()
  const ledger = openLedger({ folder: copy, clock: manualClock(1_770_000_000_000) })
  const state = exposed(ledger.snapshot)
  ledger.close()
  return state
}

test("goes on counting in the same series after a restart", () => {
  const first = opened()
  first.ledger.add(first.ledger.slot("requests", REQUEST), 3)
  first.ledger.close()
  const { ledger } = opened({ folder: first.folder })
  expect(Object.values(exposedValues(ledger.snapshot))).toEqual([3])
  ledger.add(ledger.slot("requests", REQUEST), 1)
  ledger.commit()
  expect(Object.values(exposedValues(ledger.snapshot))).toEqual([4])
  ledger.close()
})

test("a slot that is free after a restart does not take the old series' value", () => {
  const first = opened()
  const gone = first.ledger.slot("requests", { route: "old" })
  first.ledger.add(gone, 99)
  first.ledger.add(first.ledger.slot("requests", { route: "stays" }), 1)
  first.ledger.commit()
  first.ledger.retire(gone)
  first.ledger.close()
  const second = opened({ folder: first.folder })
  second.ledger.slot("requests", { route: "new" })
  second.ledger.close()
  const third = opened({ folder: first.folder })
  expect(exposedValues(third.ledger.snapshot)).toEqual({
    "mesh_requests_total{route=stays}": 1,
    "mesh_requests_total{route=new}": 0,
  })
  third.ledger.close()
})

test("restarts are exact after many commits, when bases and changes are mixed", () => {
  let folder = ""
  let expected: unknown
  for (let life = 0; life < 4; life++) {
    const { ledger, folder: at } = opened(folder === "" ? {} : { folder })
    folder = at
    for (let tick = 0; tick < 70; tick++) {
      for (let index = 0; index < 40; index++) {
        if ((tick + index) % 3 === 0) ledger.add(ledger.slot("requests", { route: `r${index}` }), tick + 0.5)
        else ledger.observe(ledger.slot("duration", { route: `r${index % 7}` }), index / 100)
      }
      if (tick === 33) ledger.retire(ledger.slot("requests", { route: `r${life}` }))
      ledger.commit()
    }
    expect(ledger.frozen).toBeUndefined()
    expected = exposed(ledger.snapshot)
    ledger.close()
  }
  const { ledger } = opened({ folder })
  expect(exposed(ledger.snapshot)).toEqual(expected)
  ledger.close()
})

test("a retired series stays in view until the commit, then leaves; what it is given goes nowhere", () => {
  const { ledger } = opened()
  const histogram = ledger.slot("duration", { route: "r" })
  ledger.observe(histogram, 0.2)
  ledger.commit()
  ledger.retire(histogram)
  const shown = Object.values(exposed(ledger.snapshot))[0]
  expect(shown).toMatchObject({ value: 0.2 })
  expect(shown?.counts?.[7]).toBe(1)
  ledger.observe(histogram, 0.2)
  ledger.commit()
  expect(exposed(ledger.snapshot)).toEqual({})
  const other = ledger.slot("duration", { route: "other" })
  ledger.observe(histogram, 9)
  ledger.commit()
  expect(other).not.toBe(histogram)
  expect(exposedValues(ledger.snapshot)).toEqual({ "mesh_request_duration_seconds{route=other}": 0 })
  ledger.close()
})

test("above the cap series fold into one overflow series per metric, gauges into none", () => {
  const { ledger } = opened({ maxSeries: 2, common: { cluster: "c" } })
  for (let index = 0; index < 10; index++) ledger.add(ledger.slot("requests", { route: `r${index}` }), 1)
  ledger.set(ledger.slot("activeRequests", { virtual_node: "n" }), 1)
  ledger.commit()
  expect(exposedValues(ledger.snapshot)).toEqual({
    "mesh_requests_total{cluster=c,route=r0}": 1,
    "mesh_requests_total{cluster=c,route=r1}": 1,
    "mesh_requests_total{cluster=c,overflow=true}": 8,
  })
  expect(ledger.counters).toMatchObject({ series: 2, overflowed: 9 })
  ledger.close()
})

test("expires what did not change for an hour and nobody speaks for", () => {
  const { ledger, clock } = opened()
  const quiet = ledger.slot("requests", { mesh: "m", source: "gone" })
  ledger.slot("requests", { mesh: "m", source: "here" })
  const busy = ledger.slot("requests", { mesh: "m", source: "busy" })
  ledger.commit()
  clock.advance(3_000_000)
  ledger.add(busy, 1)
  ledger.commit()
  expect(ledger.expire(3_600_000, isHere)).toBe(0)
  clock.advance(700_000)
  expect(ledger.expire(3_600_000, isHere)).toBe(1)
  ledger.add(quiet, 1)
  ledger.commit()
  expect(Object.keys(exposed(ledger.snapshot))).toEqual([
    "mesh_requests_total{mesh=m,source=here}",
    "mesh_requests_total{mesh=m,source=busy}",
  ])
  expect(ledger.counters.retired).toBe(1)
  ledger.close()
})

function isHere(_: string, labels: ReadonlyMap<string, string>): boolean {
  return labels.get("source") === "here"
}

test("commits participants with the counters, gives them back, forgets who left", () => {
  const first = opened()
  const blobs = { tail: Buffer.from("at 17"), stats: Buffer.from("x") }
  let saves = 0
  first.ledger.join({
    key: "tail",
    save: () => {
      saves++
      return saves === 1 ? blobs.tail : undefined
    },
  })
  first.ledger.join({ key: "stats", save: () => blobs.stats })
  first.ledger.commit()
  first.ledger.commit()
  first.ledger.close()
  const second = opened({ folder: first.folder })
  expect(Buffer.from(second.ledger.restored("tail") ?? []).toString()).toBe("at 17")
  expect(second.ledger.restored("other")).toBeUndefined()
  second.ledger.leave("stats")
  second.ledger.close()
  const third = opened({ folder: first.folder })
  expect(third.ledger.restored("stats")).toBeUndefined()
  expect(third.ledger.restored("tail")).toBeDefined()
  third.ledger.close()
})

test("commits that hold nothing but what participants keep follow each other, and counts after them", () => {
  const { ledger, folder } = opened()
  let saves = 0
  ledger.join({ key: "tail", save: () => Buffer.from(`at ${++saves}`) })
  for (let commit = 0; commit < 3; commit++) ledger.commit()
  ledger.add(ledger.slot("requests", REQUEST), 2)
  ledger.commit()
  expect(ledger.frozen).toBeUndefined()
  expect(Object.values(exposed(ledger.snapshot))).toMatchObject([{ value: 2 }])
  ledger.close()
  const again = opened({ folder })
  expect(Buffer.from(again.ledger.restored("tail") ?? []).toString()).toBe(`at ${saves}`)
  expect(Object.values(exposed(again.ledger.snapshot))).toMatchObject([{ value: 2 }])
  again.ledger.close()
})

test("what a participant counts while it saves is in the same commit", () => {
  const { ledger } = opened()
  const slot = ledger.slot("requests", REQUEST)
  ledger.join({
    key: "late",
    save: () => {
      ledger.add(slot, 1)
      return undefined
    },
  })
  ledger.commit()
  expect(ledger.snapshot.values[slot]).toBe(1)
  ledger.close()
})

test("a second agent on the folder is refused while the first lives", () => {
  const { ledger, folder } = opened()
  expect(() => opened({ folder })).toThrow(expect.objectContaining({ code: "STATE_LOCKED" }))
  ledger.close()
  opened({ folder }).ledger.close()
})

test("another boot without a close in order starts all counters anew; participants stay", () => {
  const first = opened({ bootId: "boot-1" })
  first.ledger.add(first.ledger.slot("requests", REQUEST), 3)
  first.ledger.join({ key: "tail", save: () => Buffer.from("17") })
  first.ledger.commit()
  const copy = temporaryFolder()
  for (const name of readdirSync(first.folder)) copyFileSync(join(first.folder, name), join(copy, name))
  first.ledger.close()
  const cut = opened({ folder: copy, bootId: "boot-2" })
  expect(Object.values(exposed(cut.ledger.snapshot))).toEqual([{ value: 0, startMs: cut.clock.now() }])
  expect(cut.ledger.restored("tail")).toBeDefined()
  cut.ledger.add(cut.ledger.slot("requests", REQUEST), 1)
  cut.ledger.close()
  const orderly = opened({ folder: copy, bootId: "boot-3" })
  expect(Object.values(exposedValues(orderly.ledger.snapshot))).toEqual([1])
  orderly.ledger.close()
})

test("a series keeps the newest exemplar, as of the commit", () => {
  const { ledger, clock } = opened()
  const slot = ledger.slot("duration", { route: "r" })
  ledger.exemplify(slot, "a".repeat(32), 0.5)
  expect(ledger.snapshot.exemplar(slot)).toBeUndefined()
  ledger.commit()
  ledger.exemplify(slot, "b".repeat(32), 0.7)
  ledger.commit()
  expect(ledger.snapshot.exemplar(slot)).toEqual({
    traceId: "b".repeat(32),
    seconds: 0.7,
    timeMs: clock.now(),
  })
  ledger.close()
})

test("hostile label values: long ones are cut, names of the prototype are plain text", () => {
  const { ledger } = opened()
  ledger.slot("requests", { route: "x".repeat(5000), source: "__proto__", virtual_node: "a\u0000b" })
  ledger.commit()
  const labels = new Map(
    ledger.snapshot.families.flatMap((family) => family.series).flatMap((one) => one.labels),
  )
  expect(labels.get("route")).toHaveLength(1024)
  expect(labels.get("source")).toBe("__proto__")
  expect(labels.get("virtual_node")).toBe("a\uFFFDb")
  ledger.close()
})

test("without a folder all is in memory: two do not know of each other, and nothing remains", () => {
  const { ledger: first } = opened({ folder: "" })
  const { ledger: second } = opened({ folder: "" })
  const slot = first.slot("requests", REQUEST)
  for (let round = 1; round <= 100; round++) {
    first.add(slot, 1)
    first.commit()
  }
  second.commit()
  expect(first.frozen).toBeUndefined()
  expect(first.snapshot.values[slot]).toBe(100)
  expect(exposed(second.snapshot)).toEqual({})
  first.close()
  second.close()
  expect(exposed(opened({ folder: "" }).ledger.snapshot)).toEqual({})
})
