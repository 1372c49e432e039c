import { join } from "node:path"
import { expect, test } from "vitest"
import { systemClock } from "#mesh/clock.ts"
import { openLedger } from "../../agent/account/ledger.ts"
import { exposedValues } from "../fixtures/ledger/exposed.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"
import { killedAfter } from "../fixtures/ledger/killed-after.ts"

const PROCESS = join(import.meta.dirname, "../fixtures/ledger/counting-process.ts")

test("kill -9 at any moment: the lock is free, values and positions agree, nothing told is lost", async () => {
  const folder = temporaryFolder()
  let before = 0
  for (const lines of [1, 30, 77]) {
    const told = await killedAfter(PROCESS, folder, lines)
    expect(told).toBeGreaterThan(before)
    const ledger = openLedger({ folder, clock: systemClock })
    const values = exposedValues(ledger.snapshot)
    const position = Buffer.from(ledger.restored("tail") ?? []).readDoubleLE()
    const requests = values["mesh_requests_total{route=r}"] ?? 0
    // The last commit may have been told or not when the kill came.
    expect(requests - told).toBeGreaterThanOrEqual(0)
    expect(requests - told).toBeLessThanOrEqual(1)
    expect(position).toBe(requests)
    expect(values["mesh_request_duration_seconds{route=r}"]).toBeCloseTo(requests * 0.01, 6)
    ledger.close()
    before = requests
  }
}, 30_000)
