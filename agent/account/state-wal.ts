import { closeSync, fdatasync, openSync } from "node:fs"
import { Worker } from "node:worker_threads"

/** Above this the write-ahead log is worked into the file, in another thread. */
const CHECKPOINT_BYTES = 4 * 1024 * 1024

/** Text, since the product is one bundled file. A checkpoint waits for the disk, tens of ms: never in the line's thread. */
const CHECKPOINT_THREAD = `
const { workerData, parentPort } = require("node:worker_threads")
const { DatabaseSync } = require("node:sqlite")
const database = new DatabaseSync(workerData, { timeout: 2000 })
database.exec("pragma synchronous=normal; pragma journal_size_limit=4194304")
const row = database.prepare("pragma wal_checkpoint(passive)").get()
database.close()
parentPort.postMessage(row.busy === 0 && row.log === row.checkpointed)
`

/** What the care of the write-ahead log did. */
export interface WalCounters {
  checkpoints: number
  checkpointFailures: number
  syncFailures: number
}

/** Makes commits durable and keeps the write-ahead log small, both without stopping the line. */
export interface WalCare {
  /** To be called after each commit with the bytes that it wrote. */
  committed(bytes: number): void
  /** Works the log into the file now, e.g. because the disk is full. */
  checkpoint(): void
  close(): void
}

/** Of what is in memory alone. */
export const NO_WAL: WalCare = {
  committed: () => undefined,
  checkpoint: () => undefined,
  close: () => undefined,
}

/** @param path the database's; its write-ahead log must be there already */
export function careForWal(path: string, counters: WalCounters): WalCare {
  // SQLite holds no lock on the log itself, so closing this descriptor lets go of none.
  const log = openSync(`${path}-wal`, "r")
  let bytes = 0
  let worker: Worker | undefined
  let syncing = false
  let again = false
  let open = true
  const sync = (): void => {
    syncing = true
    again = false
    fdatasync(log, (error) => {
      syncing = false
      if (error !== null) counters.syncFailures++
      if (!open) closeSync(log)
      else if (again) sync()
    })
  }
  const checkpoint = (): void => {
    if (worker !== undefined || !open) return
    const started = new Worker(CHECKPOINT_THREAD, { eval: true, workerData: path, env: {}, execArgv: [] })
    worker = started
    started.unref()
    started.once("message", (whole: unknown) => {
      counters.checkpoints++
      if (whole === true) bytes = 0
    })
    started.once("error", () => {
      counters.checkpointFailures++
    })
    started.once("exit", () => {
      worker = undefined
    })
  }
  return {
    committed(written) {
      bytes += written
      if (syncing) again = true
      else sync()
      if (bytes > CHECKPOINT_BYTES) checkpoint()
    },
    checkpoint,
    close() {
      open = false
      if (!syncing) closeSync(log)
    },
  }
}
