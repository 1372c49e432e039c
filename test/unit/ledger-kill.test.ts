import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { expect, test } from "vitest"
import { systemClock } from "#mesh/clock.ts"
import { openLedger } from "../../agent/account/ledger.ts"
import { exposedValues } from "../fixtures/ledger/exposed.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"

const PROCESS = join(import.meta.dirname, "../fixtures/ledger/counting-process.ts")

/** Runs until it told `lines` commits, then kill -9. Answers the last that it told. */
async function killedAfter(folder: string, lines: number): Promise<number> {
  const child = spawn(process.execPath, [PROCESS, folder], { stdio: ["ignore", "pipe", "inherit"] })
  let told = ""
  for await (const chunk of child.stdout) {
    told += String(chunk)
    if (told.split("\n").length > lines) child.kill("SIGKILL")
  }
  if (child.signalCode === null && child.exitCode === null) await once(child, "exit")
  return Number(told.split("\n").at(-2))
}

test("kill -9 at any moment: the lock is free, values and positions agree, nothing told is lost", async () => {
  const folder = temporaryFolder()
  let before = 0
  for (const lines of [1, 30, 77]) {
    const told = await killedAfter(folder, lines)
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
