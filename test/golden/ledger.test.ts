import { copyFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { openLedger } from "../../agent/account/ledger.ts"
import { exposed } from "../fixtures/ledger/exposed.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"
import { manualClock } from "../fixtures/ledger/manual-clock.ts"

const FIXTURES = join(import.meta.dirname, "../fixtures/ledger")

test("the state that version 1 of the schema wrote is read as it was, and counted on", async () => {
  const folder = temporaryFolder()
  copyFileSync(join(FIXTURES, "state-v1.sqlite"), join(folder, "state.sqlite"))
  const notes: string[] = []
  const ledger = openLedger({
    folder,
    clock: manualClock(),
    bootId: "another-boot",
    note: (code) => notes.push(code),
  })
  expect(notes).toEqual([])
  const state = JSON.stringify(exposed(ledger.snapshot), undefined, 1)
  await expect(state).toMatchFileSnapshot(join(FIXTURES, "state-v1.json"))
  expect(Buffer.from(ledger.restored("tail") ?? []).toString()).toBe("position 17")
  const slot = ledger.slot("requestBytes", {
    mesh: "yelb",
    flavor: "app-mesh",
    reporter: "source",
    route: "route-1",
  })
  const before = ledger.snapshot.values[slot] ?? 0
  ledger.add(slot, 1)
  ledger.commit()
  expect(ledger.snapshot.values[slot]).toBe(before + 1)
  ledger.close()
})
