import { copyFile, readdir, rename, stat, truncate } from "node:fs/promises"
import { basename, dirname } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { Random } from "../../../demo/random.ts"
import type { Stage } from "../../../demo/stage.ts"

/** One log file that is rotated, and the Envoy that writes it. */
export interface RotatedLog {
  readonly path: string
  readonly admin: string
}

/**
 * As a rotator with a signal does it: the file gets another name, and some time later its writer is told to open a new
 * one. Until then lines go into the renamed file.
 */
export async function rotateByRename(
  { path, admin }: RotatedLog,
  number: number,
  random: Random,
): Promise<void> {
  await rename(path, `${path}.20261120-${String(100_000 + number)}`)
  await sleep(random() * 700)
  const answer = await fetch(`http://${admin}/reopen_logs`, { method: "POST" })
  if (!answer.ok) throw new Error(`Envoy does not reopen its logs: ${answer.status}`)
}

/**
 * As logrotate's copytruncate does it: older copies move up by one, the file is copied, then emptied. The load is held
 * meanwhile: what is written between copy and truncation is lost by the rotator itself, whoever reads.
 */
export async function rotateByCopy(stage: Stage, { path }: RotatedLog, flushMs: number): Promise<void> {
  await stage.change({}, async () => {
    await settled(path, flushMs)
    await moveUp(path, 1)
    await copyFile(path, `${path}.1`)
    await truncate(path)
  })
}

async function moveUp(path: string, number: number): Promise<void> {
  const here = `${path}.${number}`
  if (!(await exists(here))) return
  await moveUp(path, number + 1)
  await rename(here, `${path}.${number + 1}`)
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/** Nothing is under way, so after two flushes without a byte there is nothing left to write. */
async function settled(path: string, flushMs: number): Promise<void> {
  let still = 0
  let size = -1
  while (still < 3) {
    await sleep(flushMs)
    const now = (await stat(path)).size
    still = now === size ? still + 1 : 0
    size = now
  }
}

/** How many files were rotated away from behind a path. */
export async function rotatedFiles(path: string): Promise<number> {
  const names = await readdir(dirname(path))
  return names.filter((name) => name.startsWith(`${basename(path)}.`)).length
}
