import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { expect, test } from "vitest"
import type { Ledger } from "../../agent/account/contract.ts"
import { openLedger } from "../../agent/account/ledger.ts"
import { exposedValues } from "../fixtures/ledger/exposed.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"
import { manualClock } from "../fixtures/ledger/manual-clock.ts"
import { fillDisk, smallDisk } from "../fixtures/ledger/small-disk.ts"

const STATE = "state.sqlite"

function open(folder: string): { ledger: Ledger; notes: string[] } {
  const notes: string[] = []
  const ledger = openLedger({ folder, clock: manualClock(), note: (code) => notes.push(code) })
  return { ledger, notes }
}

/** A closed state with 300 counters, each of its number. */
function filled(folder: string): string {
  const { ledger } = open(folder)
  for (let index = 1; index <= 300; index++) {
    ledger.add(ledger.slot("requests", { route: `r${index}` }), index)
    if (index % 5 === 0) ledger.commit()
  }
  ledger.close()
  return folder
}

test("a newer schema is refused and kept as it is", () => {
  const folder = filled(temporaryFolder())
  const database = new DatabaseSync(join(folder, STATE))
  database.exec("pragma user_version = 99")
  database.close()
  const before = readFileSync(join(folder, STATE))
  expect(() => open(folder)).toThrow(expect.objectContaining({ code: "STATE_FUTURE" }))
  expect(readFileSync(join(folder, STATE)).equals(before)).toBe(true)
})

test.each([
  ["no database at all", (path: string) => writeFileSync(path, "not a database, but long enough to look at")],
  ["cut in the middle", (path: string) => truncateSync(path, Math.floor(readFileSync(path).length / 2))],
  ["another program's database", (path: string) => foreign(path)],
  ["a blob with a flipped bit", (path: string) => flipBlob(path)],
  ["labels that are no list", (path: string) => run(path, "update series set labels = '{}' where id = 3")],
  ["labels that are no JSON", (path: string) => run(path, "update series set labels = '[' where id = 3")],
  [
    "a value of another kind",
    (path: string) => run(path, "update series set metric = 'mesh_request_duration_seconds'"),
  ],
])("damaged, %s: set aside, noted, begun anew", (_, damage) => {
  const folder = filled(temporaryFolder())
  damage(join(folder, STATE))
  const { ledger, notes } = open(folder)
  expect(notes).toEqual(["STATE_CORRUPT"])
  expect(exposedValues(ledger.snapshot)).toEqual({})
  expect(readdirSync(folder).filter((name) => name.includes("damaged"))).toHaveLength(1)
  ledger.add(ledger.slot("requests", { route: "r" }), 1)
  ledger.commit()
  expect(ledger.frozen).toBeUndefined()
  ledger.close()
  const again = open(folder)
  expect(exposedValues(again.ledger.snapshot)).toEqual({ "mesh_requests_total{route=r}": 1 })
  again.ledger.close()
})

function run(path: string, sql: string): void {
  const database = new DatabaseSync(path)
  database.exec(sql)
  database.close()
}

function foreign(path: string): void {
  rmSync(path)
  run(path, "create table notes(text)")
}

function flipBlob(path: string): void {
  const database = new DatabaseSync(path)
  const row = database.prepare("select generation, bytes from delta order by generation desc limit 1").get()
  const bytes = row?.["bytes"] as Uint8Array
  bytes[0] = (bytes[0] ?? 0) ^ 4
  database
    .prepare("update delta set bytes = ? where generation = ?")
    .run(bytes, row?.["generation"] as number)
  database.close()
}

test("a second damaged file does not pile up beside the first", () => {
  const folder = temporaryFolder()
  for (let round = 0; round < 3; round++) {
    filled(folder)
    writeFileSync(join(folder, STATE), "garbage")
    const clock = manualClock(1_760_000_000_000 + round)
    openLedger({ folder, clock }).close()
  }
  expect(readdirSync(folder).filter((name) => /damaged-\d+$/.test(name))).toHaveLength(1)
})

test("the log cut at any byte gives the state of some commit, whole", () => {
  const folder = temporaryFolder()
  const { ledger } = open(folder)
  const slots = Array.from({ length: 20 }, (_, index) => ledger.slot("requests", { route: `r${index}` }))
  for (let tick = 1; tick <= 5; tick++) {
    for (const slot of slots) ledger.add(slot, 1)
    ledger.commit()
  }
  const files = ["", "-wal"].map((suffix) => readFileSync(join(folder, STATE + suffix)))
  ledger.close()
  const [main = Buffer.alloc(0), log = Buffer.alloc(0)] = files
  for (let cut = 0; cut < log.length; cut += 509) {
    const torn = temporaryFolder()
    writeFileSync(join(torn, STATE), main)
    writeFileSync(join(torn, `${STATE}-wal`), log.subarray(0, cut))
    const { ledger: again } = open(torn)
    const values = new Set(Object.values(exposedValues(again.snapshot)))
    expect(values.size).toBeLessThanOrEqual(1)
    again.close()
  }
})

test("a full disk freezes what is exposed, says so, and loses nothing when there is room again", () => {
  const folder = smallDisk(256)
  const { ledger } = open(folder)
  const slot = ledger.slot("requests", { route: "r" })
  let saved = 0
  const buffer = Buffer.from("0")
  ledger.join({
    key: "tail",
    save: () => {
      buffer.write(String(saved++ % 10))
      return buffer
    },
  })
  ledger.add(slot, 1)
  ledger.commit()
  expect(ledger.frozen).toBeUndefined()
  const makeRoom = fillDisk(folder)
  let amount = 1
  for (let tick = 0; tick < 60 && ledger.frozen === undefined; tick++) {
    for (let index = 0; index < 50; index++)
      ledger.add(ledger.slot("requests", { route: `t${tick}-${index}` }), 1)
    ledger.add(slot, 1)
    amount++
    ledger.commit()
  }
  expect(ledger.frozen).toMatch(/cannot be written/)
  const frozenAt = ledger.snapshot.values[slot]
  const generation = ledger.snapshot.generation
  expect(frozenAt).toBe(amount - 1)
  ledger.add(slot, 1)
  ledger.commit()
  expect(ledger.snapshot).toMatchObject({ generation })
  expect(ledger.snapshot.values[slot]).toBe(frozenAt)
  expect(ledger.counters.commitFailures).toBe(2)
  makeRoom()
  ledger.commit()
  expect(ledger.frozen).toBeUndefined()
  expect(ledger.snapshot.values[slot]).toBe(amount + 1)
  const shown = exposedValues(ledger.snapshot)
  const lastSaved = String((saved - 1) % 10)
  const copy = temporaryFolder()
  for (const name of readdirSync(folder)) {
    if (name.startsWith(STATE)) copyFileSync(join(folder, name), join(copy, name))
  }
  ledger.close()
  const again = open(copy)
  expect(exposedValues(again.ledger.snapshot)).toEqual(shown)
  expect(Buffer.from(again.ledger.restored("tail") ?? []).toString()).toBe(lastSaved)
  again.ledger.close()
})

test("a folder that cannot be written is refused", () => {
  const parent = temporaryFolder()
  const folder = join(parent, "file")
  writeFileSync(folder, "")
  expect(() => open(folder)).toThrow(expect.objectContaining({ code: "STATE_UNWRITABLE" }))
  expect(existsSync(folder)).toBe(true)
})
