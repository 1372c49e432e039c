import { expect, onTestFinished, test } from "vitest"
import { openLedger } from "../../agent/account/ledger.ts"
import { beganSince } from "../../agent/account/stats/epoch.ts"
import { type Answering, SeenAddresses } from "../../agent/seen-addresses.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"
import { manualClock } from "../fixtures/ledger/manual-clock.ts"

const ADDRESS = "127.0.0.1:9901"

test("a proxy that was read is no new one, although its uptime lags", () => {
  const { seen, answering, ledger } = opened()
  expect(seen.countedUntil(ADDRESS)).toBe(0)
  // It began at 100 s. Its uptime was last written at 105 s, so that it seems to have begun at 104 s.
  answering.push({ address: ADDRESS, atMs: 103_000 })
  ledger.commit()
  const seenAt109 = { hotRestarts: 0, uptime: 5, wallMs: 109_000, monotonicMs: 0 }
  expect(beganSince(seenAt109, 103_000)).toBe(true)
  expect(beganSince(seenAt109, seen.countedUntil(ADDRESS))).toBe(false)
  expect(beganSince({ ...seenAt109, wallMs: 120_000 }, seen.countedUntil(ADDRESS))).toBe(true)
})

test("an address is known after a kill as soon as what it counted was committed", () => {
  const folder = temporaryFolder()
  const { answering, ledger } = opened(folder)
  ledger.commit()
  answering.push({ address: ADDRESS, atMs: 103_000 })
  ledger.commit()
  ledger.close()
  expect(opened(folder).seen.countedUntil(ADDRESS)).toBeGreaterThan(103_000)
})

function opened(folder = temporaryFolder()) {
  const clock = manualClock()
  const ledger = openLedger({ folder, clock })
  onTestFinished(() => ledger.close())
  const answering: Answering[] = []
  return { ledger, answering, seen: new SeenAddresses(ledger, clock, () => answering) }
}
